/** Mean time of a direct call, in milliseconds, from which the disk counts as slow. */
const slowMs = 2;
/** What moving the bytes themselves takes, which is no sign of a slow disk: 200 MB/s, of which any disk is capable. */
const bytesPerMs = 200_000;
/** Weight of one call in that mean: a single late one, on a busy computer, says nothing. */
const weight = 1 / 16;
/** Calls that go through the thread pool before a direct one is tried again. */
const patience = 64;

/**
 * Decides for each small file whether its calls of `node:fs` are synchronous. On a local disk the trips through the thread
 * pool cost several times what the calls do, so they are; on a slow disk or a network share many files side by side are
 * faster, and waiting must not hold up everything else. Their own times tell which it is.
 */
export class DirectIo {
  readonly #now: () => number;
  #meanMs = 0;
  #patience = 0;

  /** `now` gives milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether the disk counts as quick at the moment. */
  get isQuick(): boolean {
    return this.#patience === 0;
  }

  /** Whether the next file should go directly, by way of {@link DirectIo.run}. Counts the ones that do not. */
  next(): boolean {
    if (this.isQuick) return true;
    this.#patience -= 1;
    return false;
  }

  /** Does the synchronous calls for one file of so many bytes, and learns from the time that they take. */
  run<T>(calls: () => T, bytes = 0): T {
    const start = this.#now();
    try {
      return calls();
    } finally {
      const waited = Math.max(0, this.#now() - start - bytes / bytesPerMs);
      this.#meanMs += (waited - this.#meanMs) * weight;
      if (this.#meanMs > slowMs) this.#patience = patience;
    }
  }
}
