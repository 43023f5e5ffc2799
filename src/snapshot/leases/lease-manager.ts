import type { AbortOptions } from '../../core/abort.js';

/** Options of {@link LeaseManager.acquire}. */
export interface LeaseOptions extends AbortOptions {
  /** What the lease is about: `store`, `device-<UDID>` or `version-<id>`; letters, digits and hyphens, at most 128. */
  readonly scope: string;
  /** Alone, or together with others that share. */
  readonly mode: 'exclusive' | 'shared';
  /** What it is needed for, in words; whoever has to wait reads it. */
  readonly purpose: string;
  /** How long to wait for others, in milliseconds; 0 by default. More than the 90 s of a stale lease outwaits every dead holder. */
  readonly wait?: number | undefined;
}

/** The right to work on something, for as long as {@link Lease.check} does not throw. */
export interface Lease {
  readonly scope: string;
  /**
   * Makes sure that nobody else has it by now. Called before each step that matters.
   *
   * @throws SnapshotError `SNAPSHOT_LEASE_LOST` where it was taken over, or released.
   */
  check(): void;
  /** Gives it back; calling it again does nothing. */
  release(): Promise<void>;
}

/** Keeps those apart who work on the same store. @see docs/design/snapshot-store.md */
export interface LeaseManager {
  /**
   * Takes a lease.
   *
   * @throws SnapshotError `SNAPSHOT_LOCKED` with `holder` where another one has it until the wait is over.
   */
  acquire(options: LeaseOptions): Promise<Lease>;
  /** The scopes that somebody holds a lease of, this program included, each with its holders in words. */
  held(): Promise<ReadonlyMap<string, readonly string[]>>;
}
