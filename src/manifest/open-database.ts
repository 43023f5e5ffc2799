import type { AbortOptions } from '../core/abort.js';
import { isBackupKitError, ManifestError } from '../core/errors.js';
import type { Closeable, ResourceOwner } from '../core/resource.js';
import type { SqliteDatabase, SqliteDriver } from '../sqlite/driver.js';
import type { BackupFile, FileContent, FileIndex, FileRef, OnBackupIssue } from './types.js';

/** What {@link openBackupDatabase} needs of a backup. */
export interface OpenDatabaseOptions extends AbortOptions {
  readonly files: FileIndex;
  readonly sqlite: SqliteDriver;
  /** Closes the database where its user does not. */
  readonly owner: ResourceOwner;
  readonly onIssue: OnBackupIssue | undefined;
}

/**
 * Opens a database with its `-wal`, in which the latest changes are, and now and then all rows. Of damaged content SQLite
 * gets what is left, since tables whose pages are sound can still be read.
 */
export async function openBackupDatabase(ref: FileRef, options: OpenDatabaseOptions): Promise<SqliteDatabase> {
  const { files, sqlite, owner, signal } = options;
  const file = await files.get(ref, { signal });
  if (file === undefined) {
    const { domain, relativePath } = ref;
    throw new ManifestError('MANIFEST_FILE_NOT_FOUND', `The backup has no ${domain} ${relativePath}`, {
      domain,
      relativePath,
    });
  }
  const contents: FileContent[] = [];
  try {
    const db = await openReported(file, options);
    contents.push(db);
    const wal = await openWal(file, options);
    if (wal !== undefined) contents.push(wal);
    return ownedDatabase(await sqlite.open({ db, wal }, { signal }), contents, owner);
  } catch (error) {
    for (const content of contents) await content.close();
    throw error;
  }
}

/** The `-wal` beside a database; `undefined` where there is none, an empty one, or one that cannot be read. */
async function openWal(file: BackupFile, options: OpenDatabaseOptions): Promise<FileContent | undefined> {
  const { files, signal, onIssue } = options;
  const { domain } = file;
  const relativePath = `${file.relativePath}-wal`;
  const wal = await files.get({ domain, relativePath }, { signal });
  if (wal?.kind !== 'file') return undefined;
  try {
    const content = await openReported(wal, options);
    if (content.size > 0) return content;
    await content.close();
  } catch (cause) {
    if (!isBackupKitError(cause, 'MANIFEST_FILE_MISSING', 'MANIFEST_FILE_DAMAGED', 'MANIFEST_KEY_UNAVAILABLE'))
      throw cause;
    const message = `The latest changes of ${file.relativePath} are lost: ${cause.message}`;
    onIssue?.({ kind: 'content-damaged', message, fileId: wal.fileId, domain, relativePath, cause });
  }
  return undefined;
}

async function openReported(file: BackupFile, { onIssue, signal }: OpenDatabaseOptions): Promise<FileContent> {
  const content = await file.open({ recover: true, signal });
  if (content.problems.includes('incomplete') || content.problems.includes('placeholder')) {
    const { fileId, domain, relativePath } = file;
    const message = `The content of ${relativePath} was cut or altered; what is left of it is used`;
    onIssue?.({ kind: 'content-damaged', message, fileId, domain, relativePath });
  }
  return content;
}

/** The database, closing what it reads from when it is closed. */
function ownedDatabase(db: SqliteDatabase, contents: readonly Closeable[], owner: ResourceOwner): SqliteDatabase {
  let closing: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    owner.detach(owned);
    await db.close();
    for (const content of contents) await content.close();
  };
  const owned: SqliteDatabase = {
    query: (sql, params, options) => db.query(sql, params, options),
    queryBatches: (sql, params, options) => db.queryBatches(sql, params, options),
    columns: (table, options) => db.columns(table, options),
    tables: (options) => db.tables(options),
    close: () => (closing ??= closeAll()),
    [Symbol.asyncDispose]: () => owned.close(),
  };
  return owner.attach(owned);
}
