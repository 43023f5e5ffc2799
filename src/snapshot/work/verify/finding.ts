/** What may be wrong with a part of a store. */
export type FindingProblem =
  | 'store-file-damaged'
  | 'settings-damaged'
  | 'record-damaged'
  | 'live-record-damaged'
  | 'table-damaged'
  | 'content-missing'
  | 'object-damaged'
  | 'pack-damaged'
  | 'entry-damaged'
  | 'newest-damaged'
  | 'lease-damaged'
  | 'key-unknown'
  | 'writable'
  | 'stray';

/** A version that lacks something. */
export interface AffectedVersion {
  /** UDID of the device. */
  readonly udid: string;
  /** Identity of the version. */
  readonly id: string;
  /** Paths within the folder of the device that cannot be read; `undefined` where the version cannot be opened at all. */
  readonly paths?: readonly string[] | undefined;
}

/** Something that `verify` has found. */
export interface VerifyFinding {
  /**
   * `error`: some version lacks something, or the store can lose something; `warning`: damaged, but everything can still be
   * read; `info`: unusual.
   */
  readonly severity: 'error' | 'warning' | 'info';
  /** What is wrong. */
  readonly problem: FindingProblem;
  /** Name within the store, e.g. `objects/3d/3d0d…`; a file of the newest backup as `<UDID>/<path>`. */
  readonly part: string;
  /** SHA-256 of the content in question, hexadecimal. */
  readonly content?: string | undefined;
  /** The same as a sentence. */
  readonly message: string;
  /** Versions that lack something because of it, until it is mended. */
  readonly versions: readonly AffectedVersion[];
}

/** A part of all contents, by the first bytes of their hashes. */
export interface Slice {
  /** Which part, from 0. */
  readonly index: number;
  /** How many parts there are. */
  readonly of: number;
}

/** How thorough a check is. */
export type VerifyLevel = 'structure' | 'sample' | 'full';

/** What a check has covered. */
export interface VerifySummary {
  /** How deep the check went. */
  readonly level: VerifyLevel;
  /** Findings by which something cannot be read. */
  readonly errors: number;
  /** Findings that may become errors. */
  readonly warnings: number;
  /** Findings that are harmless. */
  readonly infos: number;
  /** Versions that were looked at, those in the trash included. */
  readonly versions: number;
  /** Versions of which something cannot be read. */
  readonly damagedVersions: readonly {
    /** UDID of the device. */
    readonly udid: string;
    /** Identity of the version. */
    readonly id: string;
  }[];
  /** Contents that versions need. */
  readonly contents: number;
  /** Objects and entries of packs that were compared with their hashes. */
  readonly checkedContents: number;
  /** Bytes that were read for that. */
  readonly checkedBytes: number;
  /** Sealed contents that could not be compared, because no key was given. */
  readonly sealedContents: number;
  /** With `sample`: which of how many slices. */
  readonly slice?:
    | {
        /** Number of the part, from 0. */
        readonly index: number;
        /** Number of parts. */
        readonly of: number;
      }
    | undefined;
}
