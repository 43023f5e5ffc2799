import type { AffectedVersion, FindingProblem } from '../verify/finding.js';

/** Where whole bytes were found. */
export type RepairSource = 'newest' | 'store' | 'opened' | 'replica' | 'computed' | 'accepted';

/** Something that is whole again. */
export interface MendedPart {
  /** What was wrong. */
  readonly problem: FindingProblem;
  /** Name within the store. */
  readonly part: string;
  /**
   * `newest`: the newest backup or its record; `store`: another place in the same store; `opened`: a folder of an opened
   * version; `replica`: the other store; `computed`: made anew of what is whole; `accepted`: what can be read was taken to be right.
   */
  readonly from: RepairSource;
}

/** Something that cannot be mended. */
export interface LostPart {
  /** What was wrong. */
  readonly problem: FindingProblem;
  /** Name within the store. */
  readonly part: string;
  /** The same as a sentence. */
  readonly message: string;
  /** Versions that lack something because of it. They can be opened; reading a lost file throws `SNAPSHOT_CORRUPT`. */
  readonly versions: readonly AffectedVersion[];
}

/** What a repair has done, or with `dryRun` would do. */
export interface RepairReport {
  /** Whether nothing was changed. */
  readonly dryRun: boolean;
  /** What is whole again, or would be. */
  readonly mended: readonly MendedPart[];
  /** What cannot be mended. */
  readonly lost: readonly LostPart[];
  /** Names of bad bytes that were set aside, within the store. */
  readonly quarantined: readonly string[];
}
