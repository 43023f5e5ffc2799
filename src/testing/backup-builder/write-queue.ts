/** Writes that run at the same time, at most. */
const mostWrites = 16;
/** Bytes of writes that are under way, at most. */
const mostBytes = 32 * 1024 * 1024;

/** Runs a bounded number of writes at the same time, so that many small files do not wait for each other. */
export class WriteQueue {
  readonly #running = new Set<Promise<void>>();
  #bytes = 0;
  #failed = false;
  #failure: unknown;

  /** Starts a write of `bytes` bytes once there is room for it. Rejects with the failure of an earlier one. */
  async add(bytes: number, write: () => Promise<void>): Promise<void> {
    while (this.#running.size >= mostWrites || (this.#running.size > 0 && this.#bytes + bytes > mostBytes)) {
      await Promise.race(this.#running);
    }
    this.#throwFailure();
    this.#bytes += bytes;
    const running = this.#run(bytes, write).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Waits for all writes. Rejects with the failure of the first that failed. */
  async drain(): Promise<void> {
    await this.settle();
    this.#throwFailure();
  }

  /** Waits for all writes, whether they succeed or not. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #run(bytes: number, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!this.#failed) this.#failure = error;
      this.#failed = true;
    } finally {
      this.#bytes -= bytes;
    }
  }

  #throwFailure(): void {
    if (this.#failed) throw this.#failure;
  }
}
