import type { Output } from './output/output.js';
import type { ExitCode } from './exit-codes.js';
import { visibleText } from './output/text.js';

/** What a command may use of the process. */
export interface CliContext {
  readonly output: Output;
  readonly input: NodeJS.ReadStream;
  readonly errors: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted by Ctrl-C, by a request to terminate, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
  /** What the process ends with when the command returns. */
  exitCode: ExitCode;
}

/** Tells people something beside the output. */
export function note(context: CliContext, text: string): void {
  context.errors.write(`${visibleText(text)}\n`);
}
