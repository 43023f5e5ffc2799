import { describe, expect, it } from 'vitest';
import * as datasets from '../../src/entry/datasets.js';
import * as root from '../../src/entry/index.js';

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
});
