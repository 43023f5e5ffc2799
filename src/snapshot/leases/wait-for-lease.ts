import { SnapshotError } from '../../core/errors.js';
import type { LeaseClock } from './lease-clock.js';
import type { Lease, LeaseOptions } from './lease-manager.js';

/** Who is in the way, in words. */
export interface Blocked {
  readonly holder: string;
}

/**
 * Tries to take a lease until it succeeds or the wait is over. An attempt gets the time of {@link LeaseClock.now} until which
 * it may wait itself.
 *
 * @throws {@link SnapshotError} `SNAPSHOT_LOCKED`.
 */
export async function waitForLease(
  options: LeaseOptions,
  timing: { readonly clock: LeaseClock; readonly pollMs: number },
  attempt: (untilMs: number) => Promise<Lease | Blocked> | Lease | Blocked,
): Promise<Lease> {
  const { scope, wait = 0, signal } = options;
  if (!(wait >= 0)) throw new RangeError(`wait must be a non-negative number of milliseconds, not ${wait}`);
  const untilMs = timing.clock.now() + wait;
  for (;;) {
    signal?.throwIfAborted();
    const result = await attempt(untilMs);
    if (!('holder' in result)) return result;
    const leftMs = untilMs - timing.clock.now();
    if (leftMs <= 0) throw lockedError(scope, result.holder);
    await timing.clock.sleep(Math.min(leftMs, timing.pollMs), signal);
  }
}

function lockedError(scope: string, holder: string): SnapshotError {
  return new SnapshotError('SNAPSHOT_LOCKED', `${scope} is in use by ${holder}; wait until that has ended`, { holder });
}

/** @returns the error of a holder that holds no more. */
export function lostError(scope: string): SnapshotError {
  return new SnapshotError(
    'SNAPSHOT_LEASE_LOST',
    `The right to work on ${scope} was lost, because this process stood still or gave it back; start again`,
  );
}
