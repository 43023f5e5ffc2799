import { abortable, type AbortOptions } from '../core/abort.js';

/**
 * Runs tasks one after the other, for protocols in which each request waits for the reply to the one before. A task that is
 * aborted before its turn never starts; one that is aborted later ends on its own, so that its reply is not taken for another.
 */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Settles as `task` does, or rejects as soon as the signal aborts. `onLate` gets the result that nobody waits for any more. */
  async run<T>(
    task: () => Promise<T>,
    { signal, onLate }: AbortOptions & { onLate?: ((result: T) => void) | undefined } = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    const result = this.#last.then(async () => {
      signal?.throwIfAborted();
      return await task();
    });
    this.#last = result.catch(() => undefined);
    try {
      return await abortable(result, signal);
    } catch (error) {
      result.then(onLate, () => undefined);
      throw error;
    }
  }
}
