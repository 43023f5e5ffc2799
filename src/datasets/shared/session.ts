import type { AbortOptions } from '../../core/abort.js';
import { DatasetError, isBackupKitError, type AbsenceReason } from '../../core/errors.js';
import { ResourceOwner } from '../../core/resource.js';
import type { BackupFile, BackupReader, FileRef } from '../../manifest/types.js';
import type { SqliteDatabase } from '../../sqlite/driver.js';
import type { DatasetIssue, DatasetOptions } from '../types.js';

/** An issue as a dataset states it; the context adds the dataset's name. */
export interface IssueReport {
  /** Stable words that programs may match, e.g. `body-undecoded`. */
  readonly kind: string;
  /** Table of the row; the path of the database within its domain where the issue is about all of it. */
  readonly table: string;
  /** ROWID of the row, where it is about one. */
  readonly rowId?: number | undefined;
  /** Column or field, where it is about one. */
  readonly field?: string | undefined;
  /** One sentence for people, without content of the row. */
  readonly message: string;
  /** The error behind it, where there is one. */
  readonly cause?: unknown;
}

/** What a dataset works with while it is read. */
export interface DatasetContext<O extends DatasetOptions = DatasetOptions> extends AbortOptions {
  /** The backup that is read. It belongs to the caller: a dataset does not close it. */
  readonly backup: BackupReader;
  /** What the caller passed. */
  readonly options: O;
  readonly signal: AbortSignal | undefined;
  /**
   * Opens a database that the dataset cannot do without. It is closed after the last record.
   *
   * @throws {@link DatasetError} with code `DATASET_ABSENT` and a reason where it is not there or not readable at all.
   */
  openDatabase(ref: FileRef): Promise<SqliteDatabase>;
  /** Like {@link DatasetContext.openDatabase}; `undefined` where it is not in the backup, and an issue where it is damaged. */
  openOptionalDatabase(ref: FileRef): Promise<SqliteDatabase | undefined>;
  /**
   * Reports something that could not be decoded.
   *
   * @throws {@link DatasetError} with code `DATASET_ROW_INVALID` with `strict`.
   */
  issue(report: IssueReport): void;
  /** The error to throw where the dataset is not there; `schema-unknown` has the code `DATASET_SCHEMA_UNSUPPORTED`. */
  absent(reason: AbsenceReason, explanation: string, cause?: unknown): DatasetError;
}

/** The one implementation of {@link DatasetContext}; it owns the databases of one iteration. */
export class DatasetSession<O extends DatasetOptions> implements DatasetContext<O> {
  readonly backup: BackupReader;
  readonly options: O;
  readonly signal: AbortSignal | undefined;
  readonly #definition: { readonly id: string; readonly encryptedOnly?: boolean | undefined };
  readonly #databases = new ResourceOwner();
  readonly #withoutContent = new Set<FileRef>();

  constructor(
    definition: { readonly id: string; readonly encryptedOnly?: boolean | undefined },
    backup: BackupReader,
    options: O,
  ) {
    this.#definition = definition;
    this.backup = backup;
    this.options = options;
    this.signal = options.signal;
  }

  async openDatabase(ref: FileRef): Promise<SqliteDatabase> {
    const file = await this.backup.files.get(ref, { signal: this.signal });
    if (file === undefined) throw this.#notInBackup(ref);
    try {
      const db = this.#databases.attach(await this.backup.openDatabase(ref, { signal: this.signal }));
      // SQLite looks at the file only now; a file that is no database fails here and not in the middle of the records.
      const tables = await db.tables({ signal: this.signal });
      if (tables.length === 0 && (await this.#isEmpty(file))) throw this.#contentMissing(ref);
      return db;
    } catch (error) {
      throw this.#asAbsence(error, ref);
    }
  }

  async openOptionalDatabase(ref: FileRef): Promise<SqliteDatabase | undefined> {
    try {
      return await this.openDatabase(ref);
    } catch (error) {
      if (!isBackupKitError(error, 'DATASET_ABSENT')) throw error;
      if ((error as DatasetError).reason === 'damaged') {
        this.issue({ kind: 'source-damaged', table: ref.relativePath, message: error.message, cause: error.cause });
      }
      return undefined;
    }
  }

  issue(report: IssueReport): void {
    const issue: DatasetIssue = {
      dataset: this.#definition.id,
      kind: report.kind,
      table: report.table,
      rowId: report.rowId,
      field: report.field,
      message: report.message,
      cause: report.cause,
    };
    if (this.options.strict === true) {
      throw new DatasetError('DATASET_ROW_INVALID', issue.message, {
        dataset: issue.dataset,
        table: issue.table,
        rowId: issue.rowId,
        cause: issue.cause,
      });
    }
    this.options.onIssue?.(issue);
  }

  absent(reason: AbsenceReason, explanation: string, cause?: unknown): DatasetError {
    const code = reason === 'schema-unknown' ? 'DATASET_SCHEMA_UNSUPPORTED' : 'DATASET_ABSENT';
    return new DatasetError(code, explanation, { dataset: this.#definition.id, reason, cause });
  }

  /** Those of `sources` that the backup does not have, or whose content it turned out not to have. */
  async missingSources(sources: readonly FileRef[]): Promise<readonly FileRef[]> {
    const missing: FileRef[] = [];
    for (const ref of sources) {
      const isListed = (await this.backup.files.get(ref, { signal: this.signal })) !== undefined;
      if (!isListed || this.#withoutContent.has(ref)) missing.push(ref);
    }
    return missing;
  }

  async close(): Promise<void> {
    await this.#databases.close();
  }

  /** An empty file is a valid database without tables; it is what filtered backups have in place of the content. */
  async #isEmpty(file: BackupFile): Promise<boolean> {
    const content = await file.open({ recover: true, signal: this.signal });
    await content.close();
    return content.size === 0;
  }

  #notInBackup(ref: FileRef, cause?: unknown): DatasetError {
    if (this.#definition.encryptedOnly === true && !this.backup.summary.isEncrypted) {
      return this.absent(
        'encrypted-only',
        `${ref.domain}/${ref.relativePath} is only part of encrypted backups; turn on "Encrypt local backup" and back up again`,
        cause,
      );
    }
    return this.absent('not-in-backup', `${ref.domain}/${ref.relativePath} is not in the backup`, cause);
  }

  #contentMissing(ref: FileRef, cause?: unknown): DatasetError {
    this.#withoutContent.add(ref);
    return this.absent(
      'content-missing',
      `${ref.domain}/${ref.relativePath} is listed but its content is not in the backup; take it from another backup`,
      cause,
    );
  }

  #asAbsence(error: unknown, ref: FileRef): unknown {
    if (isBackupKitError(error, 'MANIFEST_FILE_NOT_FOUND')) return this.#notInBackup(ref, error);
    if (isBackupKitError(error, 'MANIFEST_FILE_MISSING')) return this.#contentMissing(ref, error);
    if (isBackupKitError(error, 'DATABASE_CORRUPT', 'MANIFEST_FILE_DAMAGED', 'MANIFEST_KEY_UNAVAILABLE')) {
      return this.absent(
        'damaged',
        `${ref.domain}/${ref.relativePath} cannot be read as a database: ${error.message}`,
        error,
      );
    }
    return error;
  }
}
