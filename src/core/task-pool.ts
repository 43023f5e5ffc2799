/** Runs tasks side by side, at most `limit` at a time. The first failure is kept and thrown by the next call. */
export class TaskPool {
  readonly #limit: number;
  #running = 0;
  #failure: { error: unknown } | undefined;
  /** Who waits for a task to end. */
  #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether a task has failed. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Starts `task` as soon as there is room; resolves when it has started. */
  async add(task: () => Promise<void>): Promise<void> {
    while (this.#running >= this.#limit) await this.#oneEnds();
    this.#throwFailure();
    this.#running += 1;
    void this.#run(task);
  }

  /** Waits until all tasks have ended, whatever came of them; never throws. */
  async settle(): Promise<void> {
    while (this.#running > 0) await this.#oneEnds();
  }

  /** Waits for all tasks, and throws the first failure. */
  async finish(): Promise<void> {
    await this.settle();
    this.#throwFailure();
  }

  async #run(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#running -= 1;
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  async #oneEnds(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
