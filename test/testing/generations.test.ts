import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decryptCbc, paddingLength } from '../../src/crypto/cbc.js';
import { deobfuscateRecord, legacyRecordKey } from '../../src/crypto/legacy-manifest.js';
import { parseKeybag } from '../../src/crypto/keybag.js';
import { asData } from '../../src/plist/guards.js';
import { scanMbdb } from '../../src/manifest/mbdb.js';
import { buildBackup, type BackupSpec, type FileSpec } from '../../src/entry/testing.js';
import {
  archiveMembers,
  manifestBytes,
  manifestRows,
  openKeybag,
  queryBytes,
  treeBytes,
  treePaths,
  treePlist,
} from '../support/raw-backup.js';

const files: FileSpec[] = [
  { domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db', content: 'not really a database' },
  { domain: 'HomeDomain', relativePath: 'Library/link', kind: 'symlink', linkTarget: 'SMS/sms.db' },
  { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE/IMG_0001.PNG', content: { size: 1000 } },
];
const generations = ['4.3.5', '5.1', '9.3.5', '10.0.2', '10.1.1', '10.2', '17.4', '26.0'];
const cases = generations.flatMap((ios) => [false, true].map((encrypted) => ({ ios, encrypted })));
const isMbdb = (ios: string): boolean => Number.parseInt(ios, 10) < 10;

const smsId = '3d0d7e5fb2ce288813306e4d4636395e047a3d28';
const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

describe.each(cases)('a backup of iOS $ios, encrypted: $encrypted', ({ ios, encrypted }) => {
  const spec: BackupSpec = { ios, encrypted, files };

  test('has the files of its generation, blobs under the SHA-1 of domain and path', async () => {
    const built = await buildBackup(spec);
    const blobs = built.files.filter((file) => file.kind === 'file').map(({ fileId }) => fileId);
    expect(blobs).toContain(smsId);
    const top = ['Info.plist', 'Manifest.plist', 'Status.plist'];
    if (isMbdb(ios)) top.push('Manifest.mbdb', ...blobs);
    else top.push('Manifest.db', ...blobs.map((id) => `${id.slice(0, 2)}/${id}`));
    if (ios.startsWith('4.')) top.push('Manifest.mbdx');
    expect(await treePaths(built.tree)).toEqual(top.sort());
  });

  test('stores blobs that its own keys decrypt to the content', async () => {
    const built = await buildBackup(spec);
    const stored = await treeBytes(built.tree, isMbdb(ios) ? smsId : `3d/${smsId}`);
    if (!encrypted) {
      expect(Buffer.from(stored).toString()).toBe('not really a database');
      return;
    }
    expect(stored).toHaveLength(32);
    const keybag = await openKeybag(built.tree, built.password ?? '');
    const wrapped = isMbdb(ios) ? await mbdbKey(built.tree) : await rowKey(built.tree, built.password, ios);
    const plain = decryptCbc(keybag.unwrapFileKey(wrapped), stored);
    expect(Buffer.from(plain.subarray(0, -paddingLength(plain.subarray(-16)))).toString()).toBe(
      'not really a database',
    );
  });

  test('says in its property lists what it is', async () => {
    const { tree, udid } = await buildBackup(spec);
    const manifest = await treePlist(tree, 'Manifest.plist');
    expect(manifest.get('IsEncrypted')).toBe(encrypted);
    expect(manifest.has('ManifestKey')).toBe(encrypted && ['10.2', '17.4', '26.0'].includes(ios));
    const status = await treePlist(tree, 'Status.plist');
    expect(status.get('Version')).toBe(isMbdb(ios) ? '2.4' : '3.3');
    const info = await treePlist(tree, 'Info.plist');
    expect(info.get('Product Version')).toBe(ios);
    expect(info.get('Target Identifier')).toBe(udid);
    expect(udid).toMatch(Number.parseInt(ios, 10) < 12 ? /^[0-9a-f]{40}$/ : /^[0-9A-F]{8}-[0-9A-F]{16}$/);
    const keybag = parseKeybag(asData(manifest.get('BackupKeyBag')) ?? new Uint8Array());
    expect(keybag.sha256Stage !== undefined).toBe(['10.2', '17.4', '26.0'].includes(ios));
    expect(keybag.warnings).toEqual([]);
  });
});

async function mbdbKey(tree: Parameters<typeof treeBytes>[0]): Promise<Uint8Array> {
  const bytes = Buffer.from(await treeBytes(tree, 'Manifest.mbdb'));
  const at = bytes.indexOf('Library/SMS/sms.db') + 'Library/SMS/sms.db'.length;
  // No link target, a digest of 20 bytes, a key of 44.
  expect([...bytes.subarray(at, at + 4)]).toEqual([0xff, 0xff, 0, 20]);
  expect([...bytes.subarray(at + 24, at + 26)]).toEqual([0, 44]);
  return bytes.subarray(at + 26, at + 70);
}

async function rowKey(tree: Parameters<typeof treeBytes>[0], password = '', ios = ''): Promise<Uint8Array> {
  const row = (await manifestRows(tree, password)).find(({ fileID }) => fileID === smsId);
  let file = row?.file ?? null;
  if (ios.startsWith('10.0')) {
    const [salt] = await queryBytes(
      await treeBytes(tree, 'Manifest.db'),
      "SELECT value FROM Properties WHERE key = 'salt'",
    );
    file = deobfuscateRecord(legacyRecordKey(password, salt?.['value'] as Uint8Array), String(file));
  }
  return asData(archiveMembers(file).get('EncryptionKey')) ?? new Uint8Array();
}

describe('Manifest.db', () => {
  test('has a header, schema and version like a device writes', async () => {
    const { tree } = await buildBackup({ files });
    const bytes = await treeBytes(tree, 'Manifest.db');
    const header = Buffer.from(bytes);
    expect(header.readUInt16BE(16)).toBe(4096);
    expect([header[18], header[19]]).toEqual([2, 2]);
    expect(header.readUInt32BE(52)).toBeGreaterThan(0);
    expect(header.readUInt32BE(64)).toBe(1);
    expect(header.readUInt32BE(60)).toBe(2);
    const schema = await queryBytes(bytes, 'SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL');
    expect(schema.map((row) => row['sql'])).toEqual([
      'CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB)',
      'CREATE INDEX FilesDomainIdx ON Files(domain)',
      'CREATE INDEX FilesRelativePathIdx ON Files(relativePath)',
      'CREATE INDEX FilesFlagsIdx ON Files(flags)',
      'CREATE TABLE Properties (key TEXT PRIMARY KEY, value BLOB)',
    ]);
    expect(await queryBytes(bytes, 'SELECT * FROM Properties')).toEqual([]);
    expect(await queryBytes(bytes, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });

  test('has a row for the root and every folder around a file, before the file', async () => {
    const { tree } = await buildBackup({ files });
    const rows = (await manifestRows(tree)).map(({ domain, relativePath, flags }) => [domain, relativePath, flags]);
    expect(rows.slice(0, 5)).toEqual([
      ['HomeDomain', '', 2],
      ['HomeDomain', 'Library', 2],
      ['HomeDomain', 'Library/SMS', 2],
      ['HomeDomain', 'Library/SMS/sms.db', 1],
      ['HomeDomain', 'Library/link', 4],
    ]);
  });

  test('has digests of the stored bytes, in the domains that carry them only', async () => {
    const { tree, password } = await buildBackup({ encrypted: true, files });
    const digests = new Map<unknown, string | undefined>();
    for (const { flags, fileID, file } of await manifestRows(tree, password)) {
      if (flags !== 1) continue;
      const digest = asData(archiveMembers(file).get('Digest'));
      digests.set(fileID, digest && Buffer.from(digest).toString('hex'));
    }
    expect(digests.get(smsId)).toBe(sha1(await treeBytes(tree, `3d/${smsId}`)));
    expect([...digests.values()].filter((digest) => digest !== undefined)).toHaveLength(1);
  });

  test('is padded to whole blocks and one more when encrypted, and not when told so', async () => {
    const { tree } = await buildBackup({ encrypted: true, files });
    expect((await treeBytes(tree, 'Manifest.db')).length % 4096).toBe(16);
    const unpadded = await buildBackup({ encrypted: true, files, manifest: { padding: false } });
    expect((await treeBytes(unpadded.tree, 'Manifest.db')).length % 4096).toBe(0);
  });

  test('of a decrypted copy keeps keys, flag and the padding block', async () => {
    const { tree, password } = await buildBackup({ encrypted: true, files, manifest: { decryptedCopy: true } });
    const bytes = await treeBytes(tree, 'Manifest.db');
    expect(bytes.length % 4096).toBe(16);
    expect([...bytes.subarray(-16)]).toEqual(Array<number>(16).fill(16));
    expect((await treePlist(tree, 'Manifest.plist')).get('IsEncrypted')).toBe(true);
    expect((await treePlist(tree, 'Manifest.plist')).has('ManifestKey')).toBe(true);
    expect(Buffer.from(await treeBytes(tree, `3d/${smsId}`)).toString()).toBe('not really a database');
    const rows = (await queryBytes(bytes, 'SELECT file FROM Files WHERE flags = 1')).map((row) =>
      archiveMembers(row['file'] ?? null),
    );
    expect(rows.every((row) => asData(row.get('EncryptionKey'))?.length === 44)).toBe(true);
    // The digest is that of the ciphertext which the device had stored.
    const sound = await buildBackup({ encrypted: true, files });
    const stored = sha1(await treeBytes(sound.tree, `3d/${smsId}`));
    expect(Buffer.from(asData(rows[0]?.get('Digest')) ?? []).toString('hex')).toBe(stored);
    expect(password).toBe('password');
  });

  test('has the page size, the schema and the journal mode that were asked for', async () => {
    const manifest = { pageSize: 1024, simplifiedSchema: true, walHeader: false };
    const bytes = await manifestBytes((await buildBackup({ files, manifest })).tree, undefined);
    expect(Buffer.from(bytes).readUInt16BE(16)).toBe(1024);
    expect([bytes[18], bytes[19]]).toEqual([1, 1]);
    const schema = await queryBytes(bytes, 'SELECT name FROM sqlite_schema');
    expect(schema).toEqual([{ name: 'Files' }]);
  });

  test('has raw rows as they were given', async () => {
    const rows = [
      { fileID: '../../etc/passwd', domain: 'HomeDomain', relativePath: 'x', flags: 1, file: Uint8Array.of(1, 2) },
      { fileID: Uint8Array.of(9), domain: null, relativePath: 'a\u0000b', flags: -1, file: 'text' },
      {},
    ];
    const stored = await manifestRows((await buildBackup({ rows })).tree);
    expect(stored).toEqual([
      { ...rows[0], file: Uint8Array.of(1, 2) },
      { ...rows[1], fileID: Uint8Array.of(9) },
      { fileID: null, domain: null, relativePath: null, flags: null, file: null },
    ]);
  });

  test('hides the records of an encrypted iOS 10.0 backup as base64 text', async () => {
    const { tree } = await buildBackup({ ios: '10.0.1', encrypted: true, files });
    for (const { file } of await manifestRows(tree)) expect(file).toMatch(/^[A-Za-z0-9+/]+=*$/);
    const properties = await queryBytes(
      await treeBytes(tree, 'Manifest.db'),
      'SELECT key FROM Properties ORDER BY rowid',
    );
    expect(properties).toEqual([{ key: 'salt' }, { key: 'passwordHash' }]);
  });
});

describe('Manifest.mbdb', () => {
  test('has one whole record for each entry', async () => {
    const { tree, fileCount } = await buildBackup({ ios: '9.3', encrypted: true, files });
    const scan = await scanMbdb(await treeBytes(tree, 'Manifest.mbdb'));
    expect(scan.damage).toBeUndefined();
    expect(scan.offsets).toHaveLength(fileCount);
  });

  test('comes with an index on iOS 4 whose offsets lead to the records', async () => {
    const { tree, files: truth } = await buildBackup({ ios: '4.3', files });
    const index = Buffer.from(await treeBytes(tree, 'Manifest.mbdx'));
    const scan = await scanMbdb(await treeBytes(tree, 'Manifest.mbdb'));
    expect(index.subarray(0, 6).toString('latin1')).toBe('mbdx\u0002\u0000');
    expect(index.readUInt32BE(6)).toBe(truth.length);
    for (const [i, { fileId, mode }] of truth.entries()) {
      const entry = index.subarray(10 + i * 26, 36 + i * 26);
      expect(entry.subarray(0, 20).toString('hex')).toBe(fileId);
      expect(entry.readUInt32BE(20) + 6).toBe(scan.offsets[i]);
      expect(entry.readUInt16BE(24)).toBe(mode);
    }
  });
});
