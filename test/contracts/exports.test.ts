import { describe, expect, it } from 'vitest';
import * as backup from '../../src/entry/backup.js';
import * as datasets from '../../src/entry/datasets.js';
import * as device from '../../src/entry/device.js';
import * as root from '../../src/entry/index.js';
import * as snapshot from '../../src/entry/snapshot.js';
import * as testing from '../../src/entry/testing.js';

// What users can import is a promise: a change of these lists is a change of the API, to be named in CHANGELOG.md.
describe('the entries export exactly', () => {
  it('ios-backup-kit', () => {
    expect(Object.keys(root).sort()).toMatchInlineSnapshot(`
      [
        "Backup",
        "BackupKitError",
        "BackupSessionError",
        "DatabaseError",
        "DatasetError",
        "DeviceError",
        "FormatError",
        "IoError",
        "ManifestError",
        "ProtocolError",
        "SnapshotError",
        "directorySink",
        "directoryTree",
        "errorCodes",
        "ioError",
        "isBackupKitError",
        "listBackups",
        "nodeSqliteDriver",
        "pagedDriver",
        "salvageTable",
        "sqlJsDriver",
        "unescapeName",
      ]
    `);
  });

  it('ios-backup-kit/datasets', () => {
    expect(Object.keys(datasets).sort()).toMatchInlineSnapshot(`
      [
        "ArchivedObject",
        "ArchivedText",
        "KeyedArchive",
        "allDatasets",
        "archivedField",
        "asArray",
        "asBoolean",
        "asData",
        "asDate",
        "asDict",
        "asInteger",
        "asNumber",
        "asString",
        "asUid",
        "chats",
        "contactGroups",
        "contacts",
        "defineDataset",
        "messages",
        "parsePlist",
        "readSchema",
        "toPlain",
      ]
    `);
  });

  it('ios-backup-kit/device', () => {
    expect(Object.keys(device).sort()).toMatchInlineSnapshot(`
      [
        "AfcClient",
        "AfcFile",
        "Device",
        "NotificationProxy",
        "PlistChannel",
        "Springboard",
        "appiumTransport",
        "connectionOverStream",
        "exportPairRecord",
        "forgetDevice",
        "importPairRecord",
        "listDevices",
        "pairDevice",
        "unpairDevice",
        "usbmuxTransport",
        "validatePair",
        "watchDevices",
      ]
    `);
  });

  it('ios-backup-kit/backup', () => {
    expect(Object.keys(backup).sort()).toMatchInlineSnapshot(`
      [
        "BackupSession",
        "backUpDevice",
        "changeBackupPassword",
        "directorySink",
        "folderOfBackups",
        "restoreDevice",
        "willEncrypt",
      ]
    `);
  });

  it('ios-backup-kit/snapshot', () => {
    expect(Object.keys(snapshot).sort()).toMatchInlineSnapshot(`
      [
        "DeviceVersions",
        "FileBlobStore",
        "MemoryBlobStore",
        "SnapshotStore",
        "StoredVersion",
        "VersionStore",
        "findStores",
        "locateStore",
      ]
    `);
  });

  it('ios-backup-kit/testing', () => {
    expect(Object.keys(testing).sort()).toMatchInlineSnapshot(`
      [
        "backupSinkSuite",
        "blobStoreSuite",
        "buildBackup",
        "contactsStore",
        "createVirtualDevice",
        "createVirtualMux",
        "datasetSuite",
        "memoryTree",
        "messagesStore",
        "sampleBackupSpec",
        "sqliteDriverSuite",
      ]
    `);
  });
});
