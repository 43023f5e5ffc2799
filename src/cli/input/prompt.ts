import { createInterface } from 'node:readline';

/** Keys that mean something while a password is typed. */
const keys = { enter: '\r', lineFeed: '\n', interrupt: '\u0003', endOfInput: '\u0004', killLine: '\u0015' } as const;
const backspaces = new Set(['\u007f', '\b']);

/** Where something is asked for. */
export interface PromptTerminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

/** Whether somebody can be asked. */
export function canPrompt({ input, output }: PromptTerminal): boolean {
  return Boolean(input.isTTY && output.isTTY);
}

/**
 * Asks for a password on the terminal, without showing what is typed. `undefined` where the input ends instead.
 * Ctrl-C raises SIGINT as it does everywhere else.
 */
export async function promptPassword(
  question: string,
  { input, output }: PromptTerminal,
  signal: AbortSignal,
): Promise<string | undefined> {
  signal.throwIfAborted();
  // First no echo, then the question: people type ahead, and programs answer at once.
  input.setRawMode(true);
  try {
    output.write(question);
    input.setEncoding('utf8');
    input.resume();
    return await new Promise<string | undefined>((resolve, reject) => {
      let typed: string[] = [];
      const onAbort = (): void => {
        end(() => reject(signal.reason as Error));
      };
      const onEnd = (): void => {
        end(() => resolve(undefined));
      };
      const onData = (text: string): void => {
        // A paste comes as one text; wide characters are one element each.
        for (const character of text) {
          if (character === keys.enter || character === keys.lineFeed) return end(() => resolve(typed.join('')));
          if (character === keys.endOfInput) return end(() => resolve(undefined));
          if (character === keys.interrupt) process.kill(process.pid, 'SIGINT');
          else if (character === keys.killLine) typed = [];
          else if (backspaces.has(character)) typed.pop();
          else if (character >= ' ') typed.push(character);
        }
      };
      const end = (settle: () => void): void => {
        input.off('data', onData);
        input.off('end', onEnd);
        signal.removeEventListener('abort', onAbort);
        settle();
      };
      input.on('data', onData);
      input.on('end', onEnd);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  } finally {
    input.setRawMode(false);
    input.pause();
    output.write('\n');
  }
}

/** Asks for a line that everybody may see. `undefined` where the input ends instead. */
export async function promptLine(
  question: string,
  { input, output }: PromptTerminal,
  signal: AbortSignal,
): Promise<string | undefined> {
  signal.throwIfAborted();
  output.write(question);
  for await (const line of inputLines(input, signal)) return line;
  signal.throwIfAborted();
  return undefined;
}

/** Lines of the input until it ends or the signal aborts. */
export async function* inputLines(
  input: NodeJS.ReadStream,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const lines = createInterface({ input, terminal: false, signal });
  try {
    yield* lines;
  } finally {
    lines.close();
  }
}
