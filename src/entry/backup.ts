/**
 * Backs up and restores iPhones and iPads.
 *
 * - {@link backUpDevice}, {@link restoreDevice} and {@link changeBackupPassword} do the whole job of a host for a `Device`.
 * - A {@link BackupSession} speaks the protocol alone, for programs that arrange the rest themselves.
 * - A backup is written to a {@link BackupSink}: `directorySink` is a folder that changes only when a backup is complete.
 *
 * @packageDocumentation
 */
export {
  backUpDevice,
  folderOfBackups,
  type ArchivedBackup,
  type ArchiveDeviceOptions,
  type BackUpDeviceOptions,
} from '../backup/back-up-device.js';
export { changeBackupPassword, type ChangeBackupPasswordOptions } from '../backup/change-backup-password.js';
export { willEncrypt, type BackupDevice } from '../backup/device-host.js';
export { directorySink, type DirectorySink, type DirectorySinkOptions } from '../folder/directory-sink.js';
export { restoreDevice, type RestoreDeviceOptions } from '../backup/restore-device.js';
export type { BackupIssue } from '../backup/request-server.js';
export {
  BackupSession,
  type BackUpOptions,
  type BackupResult,
  type RestoreOptions,
  type RestoreResult,
  type StoredBackupOptions,
} from '../backup/session.js';
export type { BackupPhase, BackupProgress, TransferOptions } from '../backup/transfer-run.js';
