/**
 * Tools to test software that works with backups, without a device.
 *
 * @packageDocumentation
 */
export type * from '../testing/backup-builder/backup-spec.js';
export type * from '../testing/backup-builder/types.js';
export type { PlistInput } from '../plist/types.js';
export { memoryTree, type MemoryTree } from '../core/memory-tree.js';
export {
  contactsStore,
  type ContactLabelSpec,
  type ContactPartsSpec,
  type ContactSpec,
  type ContactsStoreOptions,
  type ContactValueSpec,
} from '../testing/backup-builder/stores/contacts.js';
export { buildBackup } from '../testing/backup-builder/build-backup.js';
export { sampleBackupSpec, type SampleOptions } from '../testing/backup-builder/sample.js';
export { messagesStore } from '../testing/backup-builder/stores/messages.js';
export type * from '../testing/backup-builder/stores/messages-spec.js';
export type { ConformanceCase } from '../testing/suites/conformance-case.js';
export { backupSinkSuite, type SinkMaker } from '../testing/suites/backup-sink.js';
export { blobStoreSuite, type BlobStoreMaker } from '../testing/suites/blob-store.js';
export { sqliteDriverSuite } from '../testing/suites/sqlite-driver.js';
export { datasetSuite, type DatasetBackups } from '../testing/suites/dataset.js';
export type * from '../testing/virtual-device/types.js';
export type { FolderContent } from '../testing/virtual-device/folder/open-folder.js';
export type { FileLocks } from '../testing/virtual-device/folder/file-locks.js';
export type { NodeInfo, OpenFile, VolumeSpace } from '../testing/virtual-device/folder/backend.js';
export type { PlistFormat } from '../device/plist-frame.js';
export type { SocketAddressForm } from '../device/usbmux/socket-address.js';
export type { VirtualFolder } from '../testing/virtual-device/folder/virtual-folder.js';
export { createVirtualMux } from '../testing/virtual-device/create-virtual-mux.js';
export {
  createVirtualDevice,
  type CreateVirtualDeviceOptions,
} from '../testing/virtual-device/create-virtual-device.js';
export type * from '../testing/virtual-device/file-system/types.js';
export type * from '../testing/virtual-device/services/mobilebackup2/types.js';
