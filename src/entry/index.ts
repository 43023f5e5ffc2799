/**
 * Opens backups of iPhones and iPads: a {@link BackupTree} is where the raw files lie.
 *
 * @packageDocumentation
 */
export type { AbortOptions } from '../core/abort.js';
export type { BackupSink, BackupTree, TreeEntry } from '../core/backup-tree.js';
export type { ByteRange, ByteSource } from '../core/byte-source.js';
export { errorCodes, type ErrorCode, type ErrorCodeInfo } from '../core/error-codes.js';
export * from '../core/errors.js';
export {
  Backup,
  type InspectBackupOptions,
  type OpenBackupOptions,
  type OpenBackupProgress,
} from '../manifest/backup.js';
export { directoryTree } from '../manifest/directory-tree.js';
export type * from '../manifest/types.js';
export type * from '../sqlite/driver.js';
