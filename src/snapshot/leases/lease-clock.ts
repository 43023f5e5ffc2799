import { setTimeout } from 'node:timers/promises';

/** Time as leases see it: never that of the wall, which jumps. Tests put another one in its place. */
export interface LeaseClock {
  /** Milliseconds from any start, never going back. */
  now(): number;
  /** Ends after so many milliseconds, or rejects with the reason of the signal. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Repeats a call until the function that it gives is called; does not keep the process alive. */
  every(ms: number, call: () => void): () => void;
}

/** How patient leases are; all in milliseconds. */
export interface LeaseTimings {
  /** Time between two beats of a holder. */
  readonly beatMs: number;
  /** Time without a beat after which a lease is stale. */
  readonly staleMs: number;
  /** Time between two looks of one who waits. */
  readonly pollMs: number;
  /** How long an exclusive lease that nobody waits for gives shared ones that came at the same moment to withdraw. */
  readonly settleMs: number;
}

/** The timings of the format; all programs that share a store must keep to them. */
export const leaseTimings: LeaseTimings = { beatMs: 10_000, staleMs: 90_000, pollMs: 250, settleMs: 100 };

/** The time of this process. */
export const processClock: LeaseClock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await setTimeout(ms, undefined, { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
  every(ms, call) {
    const timer = setInterval(call, ms).unref();
    return () => {
      clearInterval(timer);
    };
  },
};
