/**
 * Versions of backups: every backup kept, like Time Machine, each one openable by any backup tool.
 *
 * - A **location** is the folder in which backups lie, one folder each, named after the UDID of the device.
 * - The **newest backup** of a device is that folder. Older ones are **versions**, kept in a **store** beside it.
 * - A **run** is a device writing a new backup through the store; a **capture** keeps what another tool has written.
 *
 * @packageDocumentation
 */
export type { ProgressOptions } from '../core/progress.js';
export type * from '../snapshot/blobs/blob-store.js';
export { FileBlobStore, type FileBlobStoreOptions } from '../snapshot/blobs/file-blob-store.js';
export { MemoryBlobStore } from '../snapshot/blobs/memory-blob-store.js';
export {
  DeviceVersions,
  type DeleteOptions,
  type ListVersionsOptions,
  type PruneOptions,
  type VersionSink,
} from '../snapshot/device-versions.js';
export { locateStore, type StoreLocation } from '../snapshot/locate-store.js';
export type * from '../snapshot/fs/store-fs.js';
export type { Period } from '../snapshot/retention/calendar.js';
export type { GuardReason } from '../snapshot/retention/guards.js';
export type {
  DropReason,
  KeepReason,
  RetentionPlan,
  RetentionWarning,
  SoftReason,
} from '../snapshot/retention/plan.js';
export type { RetentionPolicy } from '../snapshot/retention/policy.js';
export type { RunOptions } from '../snapshot/run/run-sink.js';
export type { OpenStoreOptions } from '../snapshot/store/open-store.js';
export { StoredVersion } from '../snapshot/store/version.js';
export type { WaitOptions } from '../snapshot/store/work-leases.js';
export type * from '../snapshot/types.js';
export { VersionStore, type RepairOptions } from '../snapshot/version-store.js';
export type { ArchiveFormat, ExportArchiveOptions } from '../snapshot/work/archive-export.js';
export type { ImportArchiveOptions } from '../snapshot/work/archive-import.js';
export type { CaptureOptions } from '../snapshot/work/capture.js';
export type { CopyOptions, CopyReport } from '../snapshot/work/copy-store.js';
export type { DeletedDevice, DeleteDeviceOptions } from '../snapshot/work/delete-device.js';
export type { CompactOptions, CompactReport } from '../snapshot/work/compact.js';
export type { FileChange } from '../snapshot/work/diff.js';
export type { ImportOptions } from '../snapshot/work/import-tree.js';
export type { OpenedFolder, OpenFolderOptions } from '../snapshot/work/open-folder.js';
export type { PurgeOptions, PurgeReport } from '../snapshot/work/purge.js';
export type { PlanOptions } from '../snapshot/work/retain.js';
export type { RollbackOptions } from '../snapshot/work/rollback.js';
export type { DeviceUsage, StoreUsage, UsageOptions, UsedSpace, VersionUsage } from '../snapshot/work/usage.js';
export type { MendOptions } from '../snapshot/work/repair/repair.js';
export type * from '../snapshot/work/repair/report.js';
export type * from '../snapshot/work/verify/finding.js';
export type { VerifyOptions, VerifyRun } from '../snapshot/work/verify/verify.js';
export type { WrittenFolder } from '../snapshot/work/write-folder.js';
export { findStores, type FindStoresOptions } from '../workflows/find-stores.js';
export { SnapshotStore, type ImportBackupOptions, type OpenSnapshotStoreOptions } from '../workflows/snapshot-store.js';
export type { BackupSecret } from '../workflows/unlock-backup.js';
