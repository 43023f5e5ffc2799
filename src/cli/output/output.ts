import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { OutputClosedError } from '../failures.js';

/** How long writing goes on before other work has its turn, in milliseconds. */
const yieldEveryMs = 50;

/** Standard output: waits while the reader is slower, and tells when it has gone. */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  readonly #env: NodeJS.ProcessEnv;
  #failure: Error | undefined;
  /** When other work last had its turn. */
  #yielded = performance.now();

  /** `onClosed` is called when nobody reads any more. */
  constructor(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv, onClosed: (reason: Error) => void = () => {}) {
    this.#stream = stream;
    this.#env = env;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      const isClosed = error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
      this.#failure ??= isClosed ? new OutputClosedError('The reader of the output has gone', { cause: error }) : error;
      onClosed(this.#failure);
    });
  }

  /** Whether people read it. */
  get isTerminal(): boolean {
    return Boolean(this.#stream.isTTY);
  }

  /** Columns of the terminal. */
  get columns(): number {
    return this.#stream.columns > 0 ? this.#stream.columns : 80;
  }

  /** The stream itself, for calls that write to one. */
  get stream(): NodeJS.WriteStream {
    return this.#stream;
  }

  /** Text in bold, where the terminal does that and the user wants it (https://no-color.org). */
  bold(text: string): string {
    const plain = !this.isTerminal || (this.#env['NO_COLOR'] ?? '') !== '' || this.#env['TERM'] === 'dumb';
    return plain ? text : `\u001b[1m${text}\u001b[22m`;
  }

  /** Writes, and waits until the reader can take more. @throws {@link OutputClosedError} */
  async write(data: string | Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#stream.write(data)) {
      // Records may come without ever waiting for anything; signals must be heard all the same.
      if (performance.now() - this.#yielded >= yieldEveryMs) {
        await setImmediate();
        this.#yielded = performance.now();
      }
      return;
    }
    // An error ends the wait as well; which one was noted.
    await once(this.#stream, 'drain').catch(() => undefined);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when everything was handed to the system. */
  async flush(): Promise<void> {
    if (this.#failure === undefined) await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
    if (this.#failure !== undefined) throw this.#failure;
  }
}
