import { Worker, type Transferable } from 'node:worker_threads';

/** Memory of V8 in MiB: such a thread holds nothing but the request that it works on. */
const limits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

/** Options of a {@link HelperThread}. */
export interface HelperThreadOptions {
  /** What it is given at its start: `workerData`. */
  readonly data?: unknown;
}

/**
 * A worker that answers requests in their order. Its script posts one message when it is ready, then one for each request.
 *
 * Where it cannot be started (bundled without its file, not allowed, run from the sources), or dies, every answer is `undefined`: nobody
 * knows what it has done, and the caller does the work itself. It keeps the process alive only while an answer is awaited.
 */
export class HelperThread<Request, Answer> {
  /** Whether it has started. */
  readonly ready: Promise<boolean>;
  #worker: Worker | undefined;
  /** Who waits, the first one for its start. */
  #waiting: ((message: unknown) => void)[] = [];

  constructor(script: URL, { data }: HelperThreadOptions = {}) {
    this.ready = new Promise((resolve) => {
      this.#waiting.push((message) => {
        resolve(message !== undefined);
      });
    });
    try {
      // What the application was started with is not for a thread of ours.
      const worker = new Worker(script, { workerData: data, execArgv: [], resourceLimits: limits });
      worker.on('message', (message: unknown) => {
        this.#waiting.shift()?.(message);
        // While it is being ended, somebody waits for that.
        if (this.#waiting.length === 0 && !this.isOver) worker.unref();
      });
      worker.on('error', () => {
        this.#giveUp();
      });
      worker.on('exit', () => {
        this.#giveUp();
      });
      worker.unref();
      this.#worker = worker;
    } catch {
      this.#giveUp();
    }
  }

  /** Whether it takes no more requests. */
  get isOver(): boolean {
    return this.#worker === undefined;
  }

  /** The answer to a request; `undefined` where there will be none. */
  async ask(request: Request, transfer: Transferable[] = []): Promise<Answer | undefined> {
    const worker = this.#worker;
    if (worker === undefined) return undefined;
    return await new Promise<Answer | undefined>((resolve) => {
      this.#waiting.push(resolve as (message: unknown) => void);
      worker.ref();
      worker.postMessage(request, transfer);
    });
  }

  /** Ends it, after the call of the system that it is in; whoever waits gets `undefined`. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#giveUp();
    await worker?.terminate();
  }

  #giveUp(): void {
    this.#worker = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve(undefined);
  }
}
