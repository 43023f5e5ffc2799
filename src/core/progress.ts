/** Options of every call that reports progress. */
export interface ProgressOptions<E> {
  /**
   * Called synchronously, at most ten times a second for one `type`, and at the end of long work once more. An exception in it rejects the call.
   * Never called after the promise has settled.
   */
  onProgress?: ((event: E) => void) | undefined;
}

/** Minimum time between two events of one type, in milliseconds. */
const intervalMs = 100;

/** Reports events no more than ten times a second for one `type`. */
export interface ProgressReporter<E> {
  /** Reports the event that `make` builds, unless one of this `type` was reported a moment ago. */
  report(type: string, make: () => E): void;
  /** Reports now, whatever was reported before: for first events and changes of phase. */
  force(type: string, make: () => E): void;
  /** Reports the last event of each type that was held back: at the end of a phase, so that it is seen to be whole. */
  flush(): void;
}

/** A reporter for `onProgress`; without one it costs nothing. `now` gives milliseconds. */
export function progressReporter<E>(
  onProgress: ((event: E) => void) | undefined,
  now: () => number = () => performance.now(),
): ProgressReporter<E> {
  if (onProgress === undefined) return { report() {}, force() {}, flush() {} };
  const last = new Map<string, number>();
  const heldBack = new Map<string, () => E>();
  const force = (type: string, make: () => E): void => {
    last.set(type, now());
    heldBack.delete(type);
    onProgress(make());
  };
  return {
    report(type, make) {
      const before = last.get(type);
      if (before === undefined || now() - before >= intervalMs) force(type, make);
      else heldBack.set(type, make);
    },
    force,
    flush() {
      for (const [type, make] of heldBack) force(type, make);
    },
  };
}
