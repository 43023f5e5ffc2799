import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hexDecode, hexEncode } from '../../src/core/bytes.js';
import { Backup } from '../../src/manifest/backup.js';
import type { ManifestFile } from '../../src/manifest/backup-file.js';
import type { BackupFile } from '../../src/manifest/types.js';
import { describeWithFixtures } from '../support/shared-fixtures.js';
import { all, codeOf, issueLog, sha256 } from './support.js';

interface Expected {
  password: string | null;
  encrypted: boolean;
  format: 'db' | 'mbdb';
  kek: string;
  udid: string;
  productVersion: string;
  rows: { total: number; files: number; dirs: number; links: number };
  files: readonly ExpectedFile[];
}

interface ExpectedFile {
  fileID: string | null;
  domain: string | null;
  relativePath: string | null;
  type: 'file' | 'symlink' | 'evil';
  flags: number;
  mode?: number;
  class?: number;
  size?: number;
  recordSize?: number;
  sha256?: string;
  mtime?: number;
  ctime?: number;
  birth?: number;
  inode?: number;
  digest?: string;
  target?: string;
  xattrs?: Record<string, string>;
  blob?: 'normal' | 'empty' | 'truncated' | 'missing' | 'unpadded';
  note?: string;
}

const seconds = (date: Date | undefined): number | undefined => date && date.getTime() / 1000;

/** What the reader says of a file, as the expected values have it. */
function fields(file: BackupFile): object {
  return {
    fileID: file.fileId,
    mode: file.mode,
    class: file.protectionClass,
    recordSize: file.size,
    mtime: seconds(file.modified),
    ctime: seconds(file.statusChanged),
    birth: seconds(file.created),
    inode: Number(file.inode),
    ...(file.digest && { digest: hexEncode(file.digest) }),
    ...(file.extendedAttributes.size > 0 && {
      xattrs: Object.fromEntries([...file.extendedAttributes].map(([name, value]) => [name, hexEncode(value)])),
    }),
  };
}

function expectedFields({ fileID, mode, recordSize, mtime, ctime, birth, inode, ...rest }: ExpectedFile): object {
  const { class: protectionClass, digest, xattrs } = rest;
  return {
    fileID,
    mode,
    class: protectionClass,
    recordSize,
    mtime,
    ctime,
    birth,
    inode,
    ...(digest !== undefined && { digest }),
    ...(xattrs !== undefined && Object.keys(xattrs).length > 0 && { xattrs }),
  };
}

/** What reading gives: the hash of the content, or the code of the error. */
function expectedContent({ blob, size, sha256: hash }: ExpectedFile): string | undefined {
  if (blob === 'missing' || (blob === 'empty' && size !== 0)) return 'MANIFEST_FILE_MISSING';
  return blob === 'truncated' ? 'MANIFEST_FILE_DAMAGED' : hash;
}

async function content(file: BackupFile): Promise<unknown> {
  let hash: string | undefined;
  const code = await codeOf(
    file.read().then((bytes) => {
      hash = sha256(bytes);
    }),
  );
  return hash ?? code;
}

describeWithFixtures('the generated backups of an independent program', (fixtures) => {
  const folder = join(fixtures, 'backups');
  const load = (name: string): Expected =>
    JSON.parse(readFileSync(join(folder, `${name}.expected.json`), 'utf8')) as Expected;

  describe.each(['plain-edge', 'enc-edge', 'mbdb-plain', 'mbdb-enc', 'enc-10.1', 'enc-real-kdf'])('%s', (name) => {
    const expected = load(name);
    const open = async (): Promise<Backup> =>
      // The derived key spares this test the seconds of Apple's rounds; another test derives it.
      expected.encrypted
        ? await Backup.open(join(folder, name), { key: hexDecode(expected.kek) ?? new Uint8Array(0) })
        : await Backup.open(join(folder, name));

    test('is summed up without a password', async () => {
      const { password: _password, udid, productVersion, encrypted, format } = expected;
      expect(await Backup.inspect(join(folder, name))).toMatchObject({
        udid,
        productVersion,
        deviceName: 'Generated iPhone',
        isEncrypted: encrypted,
        isFinished: true,
        isFullBackup: false,
        manifestKind: format === 'db' ? 'database' : 'mbdb',
        warnings: [],
      });
    });

    test('has every file with every field', async () => {
      await using backup = await open();
      const files = new Map((await all(backup.files)).map((file) => [`${file.domain}\n${file.relativePath}`, file]));
      expect(files.size).toBe(expected.rows.total);
      expect([await backup.files.count(), await backup.files.count({ kind: 'directory' })]).toEqual([
        expected.rows.total,
        expected.rows.dirs,
      ]);
      for (const file of expected.files) {
        const found = files.get(`${file.domain}\n${file.relativePath}`);
        if (file.type === 'symlink') expect([found?.kind, found?.linkTarget]).toEqual(['symlink', file.target]);
        else expect(found && fields(found)).toEqual(expectedFields(file));
      }
    });

    test('has every content, and the right error for every damaged one', async () => {
      await using backup = await open();
      for (const expectedFile of expected.files) {
        if (expectedFile.type !== 'file') continue;
        const { domain, relativePath } = expectedFile;
        const file = await backup.files.get({ domain: domain ?? '', relativePath: relativePath ?? '' });
        expect([relativePath, file && (await content(file))]).toEqual([relativePath, expectedContent(expectedFile)]);
      }
    });

    test('is read no further than what is left of damaged files, with recover', async () => {
      await using backup = await open();
      for (const { domain, relativePath, blob, size = 0 } of expected.files) {
        if (blob !== 'truncated' && blob !== 'empty') continue;
        const file = await backup.files.get({ domain: domain ?? '', relativePath: relativePath ?? '' });
        const left = await file?.read({ recover: true });
        expect(left?.length).toBe(blob === 'empty' ? 0 : 2496);
        expect(left?.length ?? 0).toBeLessThanOrEqual(size);
      }
      expect(backup.files).toBeDefined();
    });
  });

  describe('evil-plain', () => {
    const { files } = load('evil-plain');
    const path = join(folder, 'evil-plain');

    test('gives its sound files', async () => {
      await using backup = await Backup.open(path);
      const sound = files.filter(({ type }) => type === 'file');
      expect(sound.length).toBeGreaterThan(3);
      for (const { domain, relativePath, sha256: hash } of sound) {
        const file = await backup.files.get({ domain: domain ?? '', relativePath: relativePath ?? '' });
        expect([file && (await content(file)), file?.problems]).toEqual([hash, []]);
      }
    });

    test('lists hostile rows with their problems, and reports the row that names no file', async () => {
      const { issues, onIssue } = issueLog();
      await using backup = await Backup.open(path, { onIssue });
      const problems = Object.fromEntries(
        (await all(backup.files))
          .filter((file) => file.problems.length > 0)
          .map((file) => [`${file.domain}/${file.relativePath.slice(0, 24)}`, file.problems]),
      );
      expect(problems).toEqual({
        'HomeDomain/../../../../tmp/evil.txt': ['path-unsafe'],
        'HomeDomain//tmp/gen-evil-abs.txt': ['path-unsafe'],
        'HomeDomain/Library/../../../x': ['path-unsafe'],
        'HomeDomain/a/./b': ['path-unsafe'],
        'HomeDomain/a//b': ['path-unsafe'],
        'HomeDomain/nul\0byte.txt': ['path-unsafe'],
        'HomeDomain/C:\\Windows\\x': ['path-unsafe'],
        'HomeDomain/..\\..\\x': ['path-unsafe'],
        '../../x/a.txt': ['path-unsafe'],
        'SysContainerDomain-../../../../../../var/backup/a.txt': ['path-unsafe'],
        '/a.txt': ['path-unsafe'],
        'Home/Domain/a.txt': ['path-unsafe'],
        'HomeDomain/Library/fileid1': ['file-id-invalid', 'path-differs'],
        'HomeDomain/Library/fileid2': ['file-id-invalid', 'path-differs'],
        'HomeDomain/Library/fileid3': ['file-id-invalid', 'path-differs'],
        'HomeDomain/Library/up': ['path-differs'],
        'HomeDomain/Library/b': ['path-differs'],
        'HomeDomain/Library/f': ['path-differs'],
        'HomeDomain/Library/huge': ['size-invalid'],
        'HomeDomain/Library/neg': ['size-invalid'],
        'HomeDomain/Library/null': ['record-damaged'],
        'HomeDomain/Library/e': ['record-damaged'],
        'HomeDomain/Library/t': ['record-damaged'],
        'HomeDomain/Library/x': ['record-damaged'],
        'HomeDomain/Library/m': ['path-differs'],
        'HomeDomain/Library/c': ['record-damaged'],
        'HomeDomain/Library/o': ['record-damaged'],
      });
      expect(issues.map(({ kind }) => kind)).toEqual(['row-unusable']);
    });

    test('has every row but the one without a name, and each can be asked for and read without leaving the backup', async () => {
      await using backup = await Backup.open(path);
      const listed = await all(backup.files);
      expect(listed).toHaveLength(47);
      for (const file of listed.filter(({ kind }) => kind === 'file')) {
        expect(['no error', 'MANIFEST_FILE_MISSING']).toContain(await codeOf(file.read()));
      }
      const { domain, relativePath } = listed.find((file) => file.relativePath.startsWith('..')) ?? {
        domain: '',
        relativePath: '',
      };
      expect((await backup.files.get({ domain, relativePath }))?.relativePath).toBe(relativePath);
    });
  });
});

interface RealRow {
  fileID: string;
  domain: string;
  relativePath: string;
  flags: number;
  Mode: number;
  InodeNumber: number;
  UserID: number;
  GroupID: number;
  LastModified: number;
  LastStatusChange: number;
  Birth: number;
  Size: number;
  ProtectionClass: number;
  Flags: number;
  Target?: string;
  Digest?: string;
  EncryptionKey?: string;
  xattrs?: Record<string, string>;
}

describeWithFixtures('the manifest of a real iOS 14.3 device', (fixtures) => {
  const path = join(fixtures, 'real/ios-14.3');
  const rows = (): RealRow[] =>
    readFileSync(`${path}.manifest.expected.jsonl`, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as RealRow);

  test('has all 3,721 records, field by field', async () => {
    await using backup = await Backup.open(path);
    const files = new Map((await all(backup.files)).map((file) => [file.fileId, file]));
    expect(files.size).toBe(3721);
    for (const row of rows()) {
      const file = files.get(row.fileID);
      expect(file && realFields(file)).toEqual(realExpected(row));
      expect(file?.problems).toEqual([]);
    }
  });

  test('is plain, although every record has a key: its contents are', async () => {
    await using backup = await Backup.open(path);
    expect(backup.summary).toMatchObject({ isEncrypted: false, productVersion: '14.3', imei: '42' });
    expect(backup.summary.warnings).toEqual(['Manifest.plist is missing.', 'Status.plist is missing.']);
    const sms = await backup.files.get({ domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' });
    expect((await sms?.read())?.length).toBe(28_672);
    const content = await sms?.open();
    expect(content?.problems).toEqual(['size-differs']);
    await content?.close();
  });

  test('opens databases whose content differs from what the record says', async () => {
    await using backup = await Backup.open(path);
    const db = await backup.openDatabase({ domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' });
    expect(await all(db.query('SELECT count(*) AS messages FROM message'))).toEqual([{ messages: 1 }]);
    await db.close();
  });
});

const realFields = (file: BackupFile): object => ({
  domain: file.domain,
  relativePath: file.relativePath,
  kind: file.kind,
  mode: file.mode,
  inode: file.inode,
  userId: file.userId,
  groupId: file.groupId,
  times: [file.modified, file.statusChanged, file.created].map(seconds),
  size: file.size,
  protectionClass: file.protectionClass,
  flags: file.flags,
  linkTarget: file.linkTarget,
  digest: file.digest && hexEncode(file.digest),
  attributes: Object.fromEntries([...file.extendedAttributes].map(([name, value]) => [name, hexEncode(value)])),
  wrappedKey: hexOf((file as ManifestFile).wrappedKey),
});

const hexOf = (bytes: Uint8Array | undefined): string | undefined => bytes && hexEncode(bytes);

const realExpected = (row: RealRow): object => ({
  domain: row.domain,
  relativePath: row.relativePath,
  kind: { 1: 'file', 2: 'directory', 4: 'symlink' }[row.flags],
  mode: row.Mode,
  inode: row.InodeNumber,
  userId: row.UserID,
  groupId: row.GroupID,
  times: [row.LastModified, row.LastStatusChange, row.Birth],
  size: row.Size,
  protectionClass: row.ProtectionClass,
  flags: row.Flags,
  linkTarget: row.Target,
  digest: row.Digest,
  attributes: row.xattrs ?? {},
  wrappedKey: row.EncryptionKey,
});
