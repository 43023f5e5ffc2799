import { yieldToEventLoop } from '../../core/abort.js';

const msBetweenTurns = 20;

/** Gives the event loop a turn now and then, in loops that work synchronously. */
export class Turns {
  readonly #signal: AbortSignal | undefined;
  #last = performance.now();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Whether it is time for {@link Turns.take}; asking costs less than awaiting. */
  get due(): boolean {
    return performance.now() - this.#last >= msBetweenTurns;
  }

  /** Lets timers, sockets and aborts run. */
  async take(): Promise<void> {
    await yieldToEventLoop(this.#signal);
    this.#last = performance.now();
  }
}
