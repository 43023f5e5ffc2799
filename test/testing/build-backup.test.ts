import { mkdtemp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildBackup, memoryTree, sampleBackupSpec, type BackupSpec, type FileSpec } from '../../src/entry/testing.js';
import { directoryTree } from '../../src/manifest/directory-tree.js';
import { archiveMembers, manifestRows, treeBytes, treeContents, treePaths, treePlist } from '../support/raw-backup.js';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'build-backup-'));
});
afterAll(async () => {
  await rm(place, { recursive: true, force: true });
});

const file = (relativePath: string, more: Partial<FileSpec> = {}): FileSpec => ({
  domain: 'HomeDomain',
  relativePath,
  content: 'x',
  ...more,
});

describe('a seed', () => {
  const spec: BackupSpec = {
    ...sampleBackupSpec({ photos: 2 }),
    encrypted: true,
    files: [file('big', { content: { size: 3_000_000 } }), file('small', { content: { size: 100 } })],
  };

  test('makes two builds byte-identical', async () => {
    expect(await treeContents((await buildBackup(spec)).tree)).toEqual(
      await treeContents((await buildBackup(spec)).tree),
    );
  });

  test('makes memory and folder byte-identical', async () => {
    const { path = '' } = await buildBackup(spec, { to: join(place, 'seeded') });
    expect(await treeContents(directoryTree(path))).toEqual(await treeContents((await buildBackup(spec)).tree));
  });

  test('makes another backup of another seed', async () => {
    const [first, second] = [await buildBackup(spec), await buildBackup({ ...spec, seed: 'another' })];
    expect(second.udid).not.toBe(first.udid);
    const sha256 = (built: typeof first) => built.files.find(({ relativePath }) => relativePath === 'big')?.sha256;
    expect(sha256(second)).not.toBe(sha256(first));
    const [a, b] = [await treeContents(first.tree), await treeContents(second.tree)];
    for (const path of ['Manifest.db', 'Manifest.plist', 'Info.plist', 'Status.plist']) {
      expect(b.get(path)).not.toBe(a.get(path));
    }
  });

  test('gives a file the same content whatever is beside it', async () => {
    const alone = await buildBackup({ files: [file('small', { content: { size: 100 } })] });
    const beside = await buildBackup({ files: [file('other'), file('small', { content: { size: 100 } })] });
    expect(beside.files.at(-1)?.sha256).toBe(alone.files.at(-1)?.sha256);
  });
});

describe('ground truth', () => {
  test('is what was asked for, and what records say', async () => {
    const spec = file('Library/a', {
      content: 'ä',
      mode: 0o600,
      userId: -2,
      groupId: 0,
      inode: 2n ** 60n,
      flags: 0x4000_0000,
      modified: new Date('1969-12-31T23:59:58.900Z'),
      protectionClass: 1,
      extendedAttributes: { 'com.example.empty': new Uint8Array(), 'com.example.x': Uint8Array.of(0, 255) },
    });
    const { tree, files } = await buildBackup({ files: [spec] });
    expect(files.at(-1)).toMatchObject({
      kind: 'file',
      size: 2,
      sha256: createHash('sha256').update('ä').digest('hex'),
      mode: 0o100600,
      userId: -2,
      groupId: 0,
      inode: 2n ** 60n,
      flags: 0x4000_0000,
      modified: new Date('1969-12-31T23:59:58Z'),
      created: new Date('1969-12-31T22:59:58Z'),
      protectionClass: 1,
      digest: new Uint8Array(createHash('sha1').update('ä').digest()),
    });
    const members = archiveMembers((await manifestRows(tree)).at(-1)?.file ?? null);
    expect(Object.fromEntries(members)).toMatchObject({ UserID: -2, LastModified: -2, Mode: 0o100600, Size: 2 });
    expect(members.get('InodeNumber')).toBe(2n ** 60n);
  });

  test('counts entries without keeping them when it is not collected', async () => {
    const built = await buildBackup({ files: [file('a/b/c')] }, { collect: false });
    expect(built).toMatchObject({ files: [], fileCount: 4 });
  });

  test('has the facts of streamed and of buffered content alike', async () => {
    for (const encrypted of [false, true]) {
      const built = await buildBackup({ encrypted, files: [file('big', { content: { size: 1_048_577 } })] });
      const [truth] = built.files.slice(-1);
      const blob = await treeBytes(built.tree, `${truth?.fileId.slice(0, 2)}/${truth?.fileId}`);
      expect(blob).toHaveLength(encrypted ? 1_048_592 : 1_048_577);
      expect(truth?.digest).toEqual(new Uint8Array(createHash('sha1').update(blob).digest()));
      if (!encrypted) expect(truth?.sha256).toBe(createHash('sha256').update(blob).digest('hex'));
    }
  });

  test('of streamed content in a decrypted copy has the digest of the ciphertext', async () => {
    const files = [file('big', { content: { size: 1_500_000 } })];
    const [sound] = (await buildBackup({ encrypted: true, files })).files.slice(-1);
    const copy = await buildBackup({ encrypted: true, files, manifest: { decryptedCopy: true } });
    const [truth] = copy.files.slice(-1);
    expect(truth).toEqual(sound);
    const blob = await treeBytes(copy.tree, `${truth?.fileId.slice(0, 2)}/${truth?.fileId}`);
    expect(createHash('sha256').update(blob).digest('hex')).toBe(truth?.sha256);
  });
});

describe('files', () => {
  test('may come from an async iterable, one at a time', async () => {
    async function* many(): AsyncGenerator<FileSpec, void, undefined> {
      for (let i = 0; i < 600; i += 1) yield file(`d/${i}`);
    }
    expect((await buildBackup({ files: many() })).fileCount).toBe(602);
  });

  test('with a hostile path are written as they are and without parents', async () => {
    for (const relativePath of ['../../evil', '/abs', 'a//b', 'C:\\x', 'a/./b', 'nul\0byte']) {
      const { tree, fileCount } = await buildBackup({ files: [file(relativePath)] });
      expect(fileCount).toBe(1);
      expect((await manifestRows(tree))[0]?.relativePath).toBe(relativePath);
    }
  });

  test.each<[string, FileSpec[]]>([
    ['the same path twice', [file('a'), file('a')]],
    ['a folder after what is in it', [file('a/b'), { domain: 'HomeDomain', relativePath: 'a', kind: 'directory' }]],
    ['a folder with content', [file('a', { kind: 'directory' })]],
    ['a link without target', [{ domain: 'HomeDomain', relativePath: 'a', kind: 'symlink' }]],
    ['an invalid date', [file('a', { modified: new Date(Number.NaN) })]],
    ['an unknown kind', [file('a', { kind: 'socket' as 'file', content: undefined })]],
  ])('refuse %s', async (_title, files) => {
    await expect(buildBackup({ files })).rejects.toThrow(RangeError);
  });
});

describe('a spec', () => {
  test.each<[string, BackupSpec]>([
    ['a version before 4', { ios: '3.1' }],
    ['no version at all', { ios: 'seventeen' }],
    ['a password of a plain backup', { encrypted: false, password: 'x' }],
    ['a decrypted copy of a plain backup', { manifest: { decryptedCopy: true } }],
    ['rows before iOS 10', { ios: '9.0', rows: [{}] }],
    ['a manifest database before iOS 10', { ios: '9.0', manifest: {} }],
    ['messages before iOS 6', { ios: '5.1', messages: [] }],
    ['no rounds', { encrypted: true, kdf: { dpic: 0, iter: 1 } }],
    ['an unknown derivation', { kdf: 'slow' as 'fast' }],
    ['an invalid date', { date: new Date(Number.NaN) }],
    ['an impossible page size', { manifest: { pageSize: 1000 } }],
  ])('with %s is refused', async (_title, spec) => {
    await expect(buildBackup(spec)).rejects.toThrow(RangeError);
  });

  test('may have the same row twice only without a primary key', async () => {
    const rows = [{ fileID: 'a' }, { fileID: 'a' }];
    await expect(buildBackup({ rows })).rejects.toMatchObject({ code: 'DATABASE_QUERY_FAILED' });
    const { tree } = await buildBackup({ rows, manifest: { simplifiedSchema: true } });
    expect((await manifestRows(tree)).map(({ fileID }) => fileID)).toEqual(['a', 'a']);
  });

  test('leaves out, replaces and adds top-level files', async () => {
    const { tree } = await buildBackup({
      omit: ['Info.plist', 'Status.plist'],
      extraFiles: { '.DS_Store': 'x', 'Snapshot/ab/ab00': Uint8Array.of(1), 'Manifest.plist': 'broken' },
    });
    expect(await treePaths(tree)).toEqual(['.DS_Store', 'Manifest.db', 'Manifest.plist', 'Snapshot/ab/ab00']);
    expect(Buffer.from(await treeBytes(tree, 'Manifest.plist')).toString()).toBe('broken');
  });

  test('refuses extra files outside of the backup', async () => {
    await expect(buildBackup({ extraFiles: { '../x': '' } })).rejects.toMatchObject({ code: 'IO_UNSAFE_PATH' });
  });

  test('sets and removes keys of the property lists', async () => {
    const { tree } = await buildBackup({
      infoPlist: { IMEI: undefined, 'Phone Number': 'none', Extra: [1, { a: true }] },
      manifestPlist: { IsEncrypted: true },
      statusPlist: { Version: undefined },
    });
    const info = await treePlist(tree, 'Info.plist');
    expect(info.has('IMEI')).toBe(false);
    expect(info.get('Phone Number')).toBe('none');
    expect(info.get('Extra')).toEqual([1, new Map([['a', true]])]);
    expect((await treePlist(tree, 'Manifest.plist')).get('IsEncrypted')).toBe(true);
    expect((await treePlist(tree, 'Status.plist')).has('Version')).toBe(false);
  });

  test('names device, date, state and apps in the property lists', async () => {
    const date = new Date('2024-01-02T03:04:05.678Z');
    const { tree, udid } = await buildBackup({
      date,
      passcodeSet: false,
      isFullBackup: true,
      snapshotState: 'uploading',
      backupState: 'old',
      device: { name: 'Sam’s iPhone', udid: '0123456789abcdef0123456789abcdef01234567', imei2: '1' },
      apps: [
        { bundleId: 'org.example.a', version: '3', groups: ['group.org.example'], plugins: ['org.example.a.share'] },
        { bundleId: 'org.example.b', groups: ['group.org.example'] },
      ],
    });
    expect(udid).toBe('0123456789abcdef0123456789abcdef01234567');
    const info = await treePlist(tree, 'Info.plist');
    expect(info.get('Unique Identifier')).toBe(udid.toUpperCase());
    expect(info.get('Device Name')).toBe('Sam’s iPhone');
    expect(info.get('IMEI 2')).toBe('1');
    expect(info.get('Last Backup Date')).toEqual(new Date('2024-01-02T03:04:05Z'));
    expect(info.get('Installed Applications')).toEqual(['org.example.a', 'org.example.b']);
    const manifest = await treePlist(tree, 'Manifest.plist');
    expect(manifest.get('WasPasscodeSet')).toBe(false);
    const applications = manifest.get('Applications') as Map<string, Map<string, string>>;
    expect([...applications].map(([id, app]) => [id, app.get('ContainerContentClass')])).toEqual([
      ['group.org.example', 'Shared/AppGroup'],
      ['org.example.a', 'Data/Application'],
      ['org.example.a.share', 'Data/PluginKitPlugin'],
      ['org.example.b', 'Data/Application'],
    ]);
    const status = await treePlist(tree, 'Status.plist');
    expect(Object.fromEntries(status)).toMatchObject({
      IsFullBackup: true,
      SnapshotState: 'uploading',
      BackupState: 'old',
      Date: new Date('2024-01-02T03:04:05Z'),
    });
  });
});

describe('a target', () => {
  test('may be a sink, which is committed once', async () => {
    const sink = memoryTree();
    let commits = 0;
    const commit = async (): Promise<void> => {
      commits += 1;
    };
    const { tree, path } = await buildBackup({ files: [file('a')] }, { to: { ...sink, commit } });
    expect([commits, path]).toEqual([1, undefined]);
    expect(await treePaths(tree)).toEqual(await treePaths(sink));
  });

  test('may be an empty folder', async () => {
    const to = join(place, 'empty');
    await mkdir(to);
    const { path } = await buildBackup({ files: [file('a')] }, { to });
    expect(path).toBe(to);
    expect(await readdir(to)).toContain('Manifest.db');
  });

  test('that is a folder with something in it is left alone', async () => {
    const to = join(place, 'full');
    await mkdir(to);
    await writeFile(join(to, 'mine'), 'x');
    await expect(buildBackup({}, { to })).rejects.toMatchObject({ code: 'IO_FAILED', errno: 'ENOTEMPTY' });
    expect(await readdir(to)).toEqual(['mine']);
  });

  test('that is a file is refused', async () => {
    const to = join(place, 'file');
    await writeFile(to, 'x');
    await expect(buildBackup({}, { to })).rejects.toMatchObject({ code: 'IO_FAILED' });
  });

  test('must not be an empty path', async () => {
    await expect(buildBackup({}, { to: '' })).rejects.toThrow(TypeError);
  });

  test('is gone again after a failure', async () => {
    const to = join(place, 'new', 'folder');
    await expect(buildBackup({ files: [file('a'), file('a')] }, { to })).rejects.toThrow(RangeError);
    expect(await readdir(place)).not.toContain('new');
  });

  test('that was an empty folder is empty again after a failure', async () => {
    const to = join(place, 'kept');
    await mkdir(to);
    await expect(buildBackup({ files: [file('a'), file('a')] }, { to })).rejects.toThrow(RangeError);
    expect(await readdir(to)).toEqual([]);
  });

  test('that fails in the middle fails the build with its own error', async () => {
    const sink = memoryTree();
    const failure = new Error('disk on fire');
    const write: typeof sink.write = async (path, data, options) => {
      if (path.includes('/')) throw failure;
      await sink.write(path, data, options);
    };
    const files = Array.from({ length: 100 }, (_unused, i) => file(`f${i}`));
    await expect(buildBackup({ files }, { to: { ...sink, write } })).rejects.toBe(failure);
  });
});

describe('an abort', () => {
  test('before the start rejects with its reason and touches nothing', async () => {
    const reason = new Error('no');
    const to = join(place, 'aborted');
    await expect(buildBackup({}, { to, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await readdir(place)).not.toContain('aborted');
  });

  test.each(['memory', 'folder'])(
    'in the middle rejects with its reason and leaves nothing in a folder (%s)',
    async (kind) => {
      const controller = new AbortController();
      const reason = { why: 'enough' };
      const to = kind === 'folder' ? join(place, 'interrupted') : undefined;
      function* files(): Generator<FileSpec, void, undefined> {
        for (let i = 0; ; i += 1) {
          if (i === 300) controller.abort(reason);
          yield file(`f${i}`);
        }
      }
      await expect(buildBackup({ files: files() }, { to, signal: controller.signal })).rejects.toBe(reason);
      expect(await readdir(place)).not.toContain('interrupted');
    },
  );

  test('closes the iterable of files', async () => {
    let closed = false;
    async function* files(): AsyncGenerator<FileSpec, void, undefined> {
      try {
        yield file('a');
        yield file('a');
      } finally {
        closed = true;
      }
    }
    await expect(buildBackup({ files: files() })).rejects.toThrow(RangeError);
    expect(closed).toBe(true);
  });
});
