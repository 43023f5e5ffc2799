/**
 * Opens backups of iPhones and iPads: a {@link BackupTree} is where the raw files lie.
 *
 * @packageDocumentation
 */
export type { AbortOptions } from '../core/abort.js';
export type { ArchiveSink, BackupArchive, BackupSink, BackupTree, TreeEntry } from '../core/backup-tree.js';
export type { ByteRange, ByteSource } from '../core/byte-source.js';
export type { Closeable } from '../core/resource.js';
export { directorySink, type DirectorySink, type DirectorySinkOptions } from '../folder/directory-sink.js';
export { errorCodes, type CodeOf, type ErrorCode, type ErrorCodeInfo } from '../core/error-codes.js';
export * from '../core/errors.js';
export {
  Backup,
  type InspectBackupOptions,
  type OpenBackupOptions,
  type OpenBackupProgress,
} from '../manifest/backup.js';
export { unescapeName } from '../manifest/extract/safe-name.js';
export type * from '../manifest/extract/types.js';
export type {
  BackupFs,
  FsReaddirOptions,
  FsReadFileOptions,
  FsReadStreamOptions,
  RefusedCall,
} from '../manifest/backup-fs.js';
export { directoryTree } from '../manifest/directory-tree.js';
export type { BackupDirent, BackupStats } from '../manifest/fs-entries.js';
export { listBackups, type ListedBackup } from '../manifest/list-backups.js';
export type * from '../manifest/types.js';
export type * from '../sqlite/driver.js';
export type { MemoryDriverOptions } from '../sqlite/driver-options.js';
export { nodeSqliteDriver } from '../sqlite/node-sqlite.js';
export { pagedDriver, type PagedDriverOptions } from '../sqlite/paged/paged-driver.js';
export { salvageTable, type SalvagedRow, type SalvageTableOptions, type TableDamage } from '../sqlite/salvage.js';
export { sqlJsDriver } from '../sqlite/sql-js.js';
