import type { AbortOptions } from '../core/abort.js';
import type { AbsenceReason } from '../core/errors.js';
import type { BackupReader, FileRef } from '../manifest/types.js';

/** Something in a dataset that could not be decoded, or points nowhere. */
export interface DatasetIssue {
  /** `id` of the dataset. */
  readonly dataset: string;
  /** What kind of issue: stable words that programs may match, e.g. `body-undecoded`. */
  readonly kind: string;
  /** Table of the row; the path of the database within its domain where the issue is about all of it. */
  readonly table: string;
  /** ROWID of the row, where it is about one. */
  readonly rowId: number | undefined;
  /** Column or field, where it is about one. */
  readonly field: string | undefined;
  /** One sentence for people, without content of the row. */
  readonly message: string;
  /** The error behind it; `undefined` where there is none. */
  readonly cause: unknown;
}

/** Options of every dataset. */
export interface DatasetOptions extends AbortOptions {
  /** Called for each field or row that could not be decoded; the row is still given where possible. */
  onIssue?: ((issue: DatasetIssue) => void) | undefined;
  /** Throw a {@link DatasetError} with code `DATASET_ROW_INVALID` at the first issue instead. */
  strict?: boolean | undefined;
}

/** Whether a backup holds a dataset, and if not, why. */
export interface DatasetProbe {
  /** Whether the dataset can be read, perhaps with parts missing. */
  readonly available: boolean;
  /** Why it is absent; `undefined` where it is available. */
  readonly reason: AbsenceReason | undefined;
  /** One sentence for people; what to do about it. `undefined` where it is available. */
  readonly explanation: string | undefined;
  /** What was recognised of the schema, e.g. `messages: iOS 16 or newer`; for people. */
  readonly schema: string | undefined;
  /** Parts of the newest known schema that are not there: features that the data cannot have. */
  readonly missingUnits: readonly string[];
  /** Sources that are not in the backup. */
  readonly missing: readonly FileRef[];
}

/**
 * A dataset: a function that gives its records in a documented order, lazily. Nothing is opened before the first record is
 * asked for, and leaving the loop closes everything.
 *
 * It throws {@link DatasetError} with code `DATASET_ABSENT` where the backup does not hold it, and
 * `DATASET_SCHEMA_UNSUPPORTED` where its tables are unknown: never an empty result for a reason that is not emptiness.
 */
export interface Dataset<T, O extends DatasetOptions = DatasetOptions> {
  (backup: BackupReader, options?: O): AsyncGenerator<T, void, undefined>;
  /** Stable name, e.g. `messages`. */
  readonly id: string;
  /** Files that it reads. */
  readonly sources: readonly FileRef[];
  /** Whether the backup holds it; reads the schema but no rows. */
  probe(backup: BackupReader, options?: AbortOptions): Promise<DatasetProbe>;
}
