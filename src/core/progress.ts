/** Options of every call that reports progress. */
export interface ProgressOptions<E> {
  /**
   * Called synchronously, at most ten times a second for one `type`. An exception in it rejects the call.
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
  /** Reports now, whatever was reported before: for first and last events and changes of phase. */
  force(type: string, make: () => E): void;
}

/** A reporter for `onProgress`; without one it costs nothing. `now` gives milliseconds. */
export function progressReporter<E>(
  onProgress: ((event: E) => void) | undefined,
  now: () => number = () => performance.now(),
): ProgressReporter<E> {
  if (onProgress === undefined) return { report() {}, force() {} };
  const last = new Map<string, number>();
  const force = (type: string, make: () => E): void => {
    last.set(type, now());
    onProgress(make());
  };
  return {
    report(type, make) {
      const before = last.get(type);
      if (before === undefined || now() - before >= intervalMs) force(type, make);
    },
    force,
  };
}
