import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackupTree } from '../../src/core/backup-tree.js';
import { memoryTree, readTreeFile, type MemoryTree } from '../../src/core/memory-tree.js';
import { Backup, type OpenBackupProgress } from '../../src/manifest/backup.js';
import { createDatabase } from '../../src/sqlite/writable.js';
import type { BackupSpec } from '../../src/testing/backup-builder/backup-spec.js';
import { buildBackup } from '../../src/testing/backup-builder/build-backup.js';
import { all, codeOf, issueLog, names, openBuilt, sha256 } from './support.js';

const note = { domain: 'HomeDomain', relativePath: 'Library/note.txt' };
const files = [{ ...note, content: 'the content' }];
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

async function readNote(backup: Backup): Promise<string> {
  return text(await (await backup.files.get(note))?.read());
}

/** A built backup as a tree that can be changed. */
async function built(spec: BackupSpec): Promise<{ tree: MemoryTree; password: string | undefined }> {
  const { tree, password } = await buildBackup({ files, ...spec });
  return { tree: tree as MemoryTree, password };
}

const bytesOf = async (tree: BackupTree, path: string): Promise<Uint8Array> =>
  (await readTreeFile(tree, path, { limit: 2 ** 30 })) ?? new Uint8Array(0);

describe('a password', () => {
  test.each(['9.3.5', '10.0.2', '10.1.1', '10.2', '17.4'])(
    'that is missing or wrong is told apart on iOS %s',
    async (ios) => {
      const { tree } = await built({ ios, password: 'right' });
      expect(await codeOf(Backup.open(tree))).toBe('MANIFEST_PASSWORD_REQUIRED');
      expect(await codeOf(Backup.open(tree, { password: 'wrong' }))).toBe('MANIFEST_PASSWORD_INCORRECT');
      expect(await codeOf(Backup.open(tree, { password: '' }))).toBe('MANIFEST_PASSWORD_INCORRECT');
      await using backup = await Backup.open(tree, { password: 'right' });
      expect(await readNote(backup)).toBe('the content');
    },
  );

  test.each(['9.3.5', '10.1.1', '17.4'])('is ignored by a plain backup of iOS %s', async (ios) => {
    await using backup = await openBuilt({ ios, files }, { password: 'any' });
    expect([await readNote(backup), backup.exportKey()]).toEqual(['the content', undefined]);
  });

  test.each(['9.3.5', '10.0.2', '10.1.1', '17.4'])(
    'is replaced by the key that was exported from iOS %s',
    async (ios) => {
      const { tree, password } = await built({ ios, encrypted: true });
      const first = await Backup.open(tree, { password });
      const key = first.exportKey();
      await first.close();
      expect(key?.length).toBe(ios === '10.0.2' ? 48 : 32);
      await using backup = await Backup.open(tree, { key });
      expect(await readNote(backup)).toBe('the content');
    },
  );

  test('is asked for where a key of 32 bytes cannot open the records of iOS 10.0', async () => {
    const { tree, password } = await built({ ios: '10.0.2', encrypted: true });
    const first = await Backup.open(tree, { password });
    const key = first.exportKey()?.slice(0, 32);
    await first.close();
    expect(await codeOf(Backup.open(tree, { key }))).toBe('MANIFEST_PASSWORD_REQUIRED');
  });

  test('of the wrong type, or a key of the wrong length, is a mistake of the caller', async () => {
    const { tree } = await built({ encrypted: true });
    await expect(Backup.open(tree, { password: 1 as unknown as string })).rejects.toThrow(TypeError);
    await expect(Backup.open(tree, { key: 'key' as unknown as Uint8Array })).rejects.toThrow(TypeError);
    await expect(Backup.open(tree, { key: new Uint8Array(31) })).rejects.toThrow(RangeError);
    await expect(Backup.open({} as unknown as BackupTree)).rejects.toThrow(TypeError);
    await expect(Backup.open('')).rejects.toThrow(TypeError);
  });
});

describe('damage to what opens a backup', () => {
  test('in the keybag is told apart from a wrong password', async () => {
    const { tree, password } = await built({ encrypted: true, manifestPlist: { BackupKeyBag: new Uint8Array(30) } });
    expect(await codeOf(Backup.open(tree, { password }))).toBe('FORMAT_INVALID');
  });

  test.each([{ BackupKeyBag: undefined }, { ManifestKey: undefined }, { ManifestKey: new Uint8Array(44) }])(
    'in Manifest.plist is told apart from it too: %o',
    async (manifestPlist) => {
      const { tree, password } = await built({ encrypted: true, manifestPlist });
      expect(['MANIFEST_CORRUPT', 'MANIFEST_KEY_UNAVAILABLE']).toContain(await codeOf(Backup.open(tree, { password })));
    },
  );

  test('in the encrypted Manifest.db is told apart from it too', async () => {
    const { tree, password } = await built({ encrypted: true });
    const manifest = await bytesOf(tree, 'Manifest.db');
    tree.files.set(
      'Manifest.db',
      manifest.map((byte) => byte ^ 1),
    );
    expect(await codeOf(Backup.open(tree, { password }))).toBe('MANIFEST_DECRYPTION_FAILED');
    tree.files.set('Manifest.db', new Uint8Array(0));
    expect(await codeOf(Backup.open(tree, { password }))).toBe('MANIFEST_CORRUPT');
  });

  test('is MANIFEST_CORRUPT where Manifest.db is a database without files', async () => {
    const db = await createDatabase();
    db.exec('CREATE TABLE Other (x)');
    const tree = memoryTree([['Manifest.db', db.serialize()]]);
    expect(await codeOf(Backup.open(tree))).toBe('MANIFEST_CORRUPT');
    db.exec('CREATE TABLE Files (fileID, domain)');
    tree.files.set('Manifest.db', db.serialize());
    expect(await codeOf(Backup.open(tree))).toBe('MANIFEST_CORRUPT');
    db.close();
  });

  test('leaves an encrypted backup without Manifest.plist closed, with the reason', async () => {
    const { tree } = await built({ encrypted: true, omit: ['Manifest.plist'] });
    await expect(Backup.open(tree, { password: 'password' })).rejects.toMatchObject({
      code: 'MANIFEST_CORRUPT',
      message: expect.stringContaining('Manifest.plist') as unknown,
    });
  });
});

describe('what a folder is', () => {
  test('is no backup where nothing of one is in it', async () => {
    expect(await codeOf(Backup.open(memoryTree([['x.txt', new Uint8Array(1)]])))).toBe('MANIFEST_NOT_A_BACKUP');
    expect(await codeOf(Backup.inspect(memoryTree()))).toBe('MANIFEST_NOT_A_BACKUP');
    expect(await codeOf(Backup.open(join(tmpdir(), 'no such folder at all')))).toBe('MANIFEST_NOT_A_BACKUP');
  });

  test('is an old backup where it has .mdinfo files', async () => {
    const { tree } = await built({ ios: '9.3.5', omit: ['Manifest.mbdb'] });
    tree.files.set(`${'a'.repeat(40)}.mdinfo`, new Uint8Array(1));
    expect(await codeOf(Backup.open(tree))).toBe('MANIFEST_VERSION_UNSUPPORTED');
    expect(await Backup.inspect(tree)).toMatchObject({ manifestKind: undefined, productVersion: '9.3.5' });
  });

  test('is a backup without a manifest where only property lists are left', async () => {
    const { tree } = await built({ omit: ['Manifest.db'] });
    expect(await codeOf(Backup.open(tree))).toBe('MANIFEST_CORRUPT');
    const { manifestKind, warnings } = await Backup.inspect(tree);
    expect([manifestKind, warnings]).toEqual([undefined, ['There is no manifest.']]);
  });

  test('is a readable backup where only Manifest.db is left', async () => {
    const { tree } = await built({ omit: ['Info.plist', 'Manifest.plist', 'Status.plist'] });
    await using backup = await Backup.open(tree);
    expect(await readNote(backup)).toBe('the content');
    expect(backup.summary).toMatchObject({ udid: undefined, isEncrypted: false, isFinished: undefined, apps: [] });
    expect(backup.summary.warnings).toEqual([
      'Info.plist is missing.',
      'Manifest.plist is missing.',
      'Status.plist is missing.',
    ]);
  });

  test('does not depend on versions that the property lists state', async () => {
    const device = { productVersion: '3.0' };
    for (const ios of ['9.3.5', '10.1.1', '17.4']) {
      await using backup = await openBuilt({ ios, device, files, encrypted: true, statusPlist: { Version: '1.0' } });
      expect([backup.summary.productVersion, await readNote(backup)]).toEqual(['3.0', 'the content']);
    }
  });

  test('shows in property lists that are XML as well as binary', async () => {
    const { tree } = await built({});
    const xml =
      '<?xml version="1.0"?><plist version="1.0"><dict><key>SnapshotState</key><string>moving</string></dict></plist>';
    tree.files.set('Status.plist', new TextEncoder().encode(xml));
    const { isFinished, warnings } = await Backup.inspect(tree);
    expect([isFinished, warnings.length]).toEqual([false, 1]);
  });

  test('has a warning for each property list that cannot be read', async () => {
    const { tree } = await built({});
    for (const name of ['Info.plist', 'Status.plist']) tree.files.set(name, new TextEncoder().encode('bplist00 cut'));
    const { warnings, udid } = await Backup.inspect(tree);
    expect(warnings.map((warning) => warning.split(':')[0])).toEqual([
      'Info.plist cannot be read',
      'Status.plist cannot be read',
    ]);
    expect(udid).toBe((await buildBackup({ files })).udid);
  });
});

describe('whether a backup is encrypted', () => {
  const isEncrypted = async (spec: BackupSpec): Promise<boolean[]> => {
    const { tree, password } = await built(spec);
    const { isEncrypted: inspected } = await Backup.inspect(tree);
    await using backup = await Backup.open(tree, { password });
    expect(await readNote(backup)).toBe('the content');
    return [inspected, backup.summary.isEncrypted];
  };

  test.each(['9.3.5', '10.0.2', '10.1.1', '17.4'])(
    'follows from its content on iOS %s, whatever its flag says',
    async (ios) => {
      expect(await isEncrypted({ ios, encrypted: true, manifestPlist: { IsEncrypted: false } })).toEqual([true, true]);
      expect(await isEncrypted({ ios, encrypted: true, manifestPlist: { IsEncrypted: undefined } })).toEqual([
        true,
        true,
      ]);
      expect(await isEncrypted({ ios, encrypted: false, manifestPlist: { IsEncrypted: true } })).toEqual([
        false,
        false,
      ]);
    },
  );

  test('is no for a decrypted copy, which keeps its flag, its keys and the padding of Manifest.db', async () => {
    const spec = { encrypted: true, manifest: { decryptedCopy: true } };
    expect(await isEncrypted(spec)).toEqual([false, false]);
    await using backup = await openBuilt({ files, ...spec }, { password: undefined });
    expect(backup.summary.warnings).toEqual([
      'Manifest.plist says that the backup is encrypted, which its content contradicts.',
    ]);
    expect((await backup.files.get(note))?.problems).toEqual([]);
  });

  test('is yes where only Manifest.db was decrypted', async () => {
    const plain = await built({ encrypted: true, manifest: { decryptedCopy: true } });
    const { tree, password } = await built({ encrypted: true });
    tree.files.set('Manifest.db', await bytesOf(plain.tree, 'Manifest.db'));
    await using backup = await Backup.open(tree, { password });
    expect([backup.summary.isEncrypted, await readNote(backup)]).toEqual([true, 'the content']);
  });

  test('is no for a decrypted copy whose contents are not there', async () => {
    const { tree } = await built({ encrypted: true, manifest: { decryptedCopy: true } });
    for (const path of Array.from(tree.files.keys())) if (/^[0-9a-f]{2}\//.test(path)) tree.files.delete(path);
    await using backup = await Backup.open(tree);
    expect([backup.summary.isEncrypted, await codeOf(readNote(backup))]).toEqual([false, 'MANIFEST_FILE_MISSING']);
  });
});

describe('manifests of other tools', () => {
  test.each<BackupSpec>([
    { manifest: { simplifiedSchema: true } },
    { manifest: { simplifiedSchema: true }, encrypted: true },
    { manifest: { padding: false }, encrypted: true },
    { manifest: { walHeader: false, pageSize: 512 } },
    { manifest: { pageSize: 65536, protectionClass: 3 }, encrypted: true },
  ])('are read: %o', async (spec) => {
    await using backup = await openBuilt({ files, ...spec });
    expect(await readNote(backup)).toBe('the content');
    expect(names(await all(backup.files.list({ kind: 'file' })))).toEqual(['HomeDomain/Library/note.txt']);
    expect(await backup.files.count({ kind: 'file' })).toBe(1);
    expect(await backup.files.domains()).toEqual(['HomeDomain']);
  });

  test.each([
    'CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB) WITHOUT ROWID',
    'CREATE TABLE files (FILE, FLAGS TEXT, RELATIVEPATH, DOMAIN, FILEID BLOB)',
    'CREATE TABLE Files (extra DEFAULT 7, relativePath, domain, fileID)',
  ])('are read by the names of their columns: %s', async (schema) => {
    const db = await createDatabase();
    db.exec(schema);
    const ids = ['HomeDomain-b', 'HomeDomain-a', 'AppDomain-x-z'].map((name) =>
      sha256(new TextEncoder().encode(name)).slice(0, 40),
    );
    db.run('INSERT INTO Files (fileID, domain, relativePath) VALUES (?, ?, ?)', [ids[0] ?? '', 'HomeDomain', 'b']);
    db.run('INSERT INTO Files (fileID, domain, relativePath) VALUES (?, ?, ?)', [ids[1] ?? '', 'HomeDomain', 'a']);
    db.run('INSERT INTO Files (fileID, domain, relativePath) VALUES (?, ?, ?)', [ids[2] ?? '', 'AppDomain-x', 'z']);
    const tree = memoryTree([
      ['Manifest.db', db.serialize()],
      [`${ids[1]?.slice(0, 2)}/${ids[1]}`, new Uint8Array([1, 2])],
    ]);
    db.close();
    await using backup = await Backup.open(tree);
    const listed = await all(backup.files);
    expect(names(listed)).toEqual(['AppDomain-x/z', 'HomeDomain/a', 'HomeDomain/b']);
    expect(listed.map(({ kind, problems }) => [kind, problems])).toEqual(
      listed.map(() => ['file', ['record-damaged']]),
    );
    expect(await listed[1]?.read()).toEqual(new Uint8Array([1, 2]));
    expect((await backup.files.getById(ids[1]?.toUpperCase() ?? ''))?.relativePath).toBe('a');
    expect(await backup.files.count({ kind: 'file', domain: 'HomeDomain' })).toBe(2);
  });

  test('show the rows that are still in a -wal beside a plain Manifest.db', async () => {
    const { tree } = await built({});
    const db = await createDatabase();
    db.exec('CREATE TABLE Files (fileID, domain, relativePath, flags, file)');
    db.checkpoint();
    db.exec("INSERT INTO Files VALUES ('x', 'HomeDomain', 'late', 2, NULL)");
    const { db: main, wal } = db.serializeWithWal();
    db.close();
    tree.files.set('Manifest.db', main);
    tree.files.set('Manifest.db-wal', wal);
    await using backup = await Backup.open(tree);
    expect(names(await all(backup.files))).toEqual(['HomeDomain/late']);
  });
});

describe('a run that did not end', () => {
  test('has its manifest, its plist and its contents in Snapshot/', async () => {
    const { tree, password } = await built({ encrypted: true, snapshotState: 'uploading' });
    for (const [path, bytes] of Array.from(tree.files)) {
      if (path === 'Info.plist' || path === 'Status.plist') continue;
      tree.files.delete(path);
      tree.files.set(`Snapshot/${path}`, bytes);
    }
    await using backup = await Backup.open(tree, { password });
    expect(await readNote(backup)).toBe('the content');
    expect(backup.summary.isFinished).toBe(false);
    expect(backup.summary.warnings).toEqual([
      'Manifest.plist is missing; Snapshot/Manifest.plist takes its place.',
      'The last run of this backup did not end (its state is "uploading"), so files may be missing.',
    ]);
  });

  test('does not hide an older manifest that is complete behind an empty one', async () => {
    const { tree } = await built({});
    tree.files.set('Snapshot/Manifest.db', await bytesOf(tree, 'Manifest.db'));
    tree.files.set('Manifest.db', new Uint8Array(0));
    await using backup = await Backup.open(tree);
    expect(await readNote(backup)).toBe('the content');
  });
});

describe('contents', () => {
  test('are found flat or in folders, whatever the generation', async () => {
    for (const ios of ['9.3.5', '17.4']) {
      const { tree } = await built({ ios });
      for (const [path, bytes] of Array.from(tree.files)) {
        const id = /[0-9a-f]{40}$/.exec(path)?.[0];
        if (id === undefined) continue;
        tree.files.delete(path);
        tree.files.set(path.includes('/') ? id : `${id.slice(0, 2)}/${id}`, bytes);
      }
      await using backup = await Backup.open(tree);
      expect(await readNote(backup)).toBe('the content');
    }
  });

  test('that no row names are no harm', async () => {
    await using backup = await openBuilt({
      files,
      extraFiles: { ['ab/'.padEnd(43, 'ab')]: 'orphan', '.DS_Store': '' },
    });
    expect(await readNote(backup)).toBe('the content');
  });
});

describe('openDatabase', () => {
  const database = { domain: 'HomeDomain', relativePath: 'Library/x.db' };
  const sql = 'CREATE TABLE t (x); INSERT INTO t VALUES (1)';

  test.each(['none', 'some', 'all'] as const)('has the rows of a database whose -wal holds %s of them', async (wal) => {
    await using backup = await openBuilt({
      encrypted: true,
      databases: [{ ...database, sql, wal, ...(wal === 'some' && { walSql: 'INSERT INTO t VALUES (2)' }) }],
    });
    const db = await backup.openDatabase(database);
    expect(await all(db.query('SELECT max(x) AS x FROM t'))).toEqual([{ x: wal === 'some' ? 2 : 1 }]);
    await db.close();
    await db.close();
  });

  test('says when there is no such file, when it is a folder and when its content is missing', async () => {
    await using backup = await openBuilt({ databases: [{ ...database, sql, damage: ['content-missing'] }] });
    expect(await codeOf(backup.openDatabase({ domain: 'HomeDomain', relativePath: 'none' }))).toBe(
      'MANIFEST_FILE_NOT_FOUND',
    );
    expect(await codeOf(backup.openDatabase({ domain: 'HomeDomain', relativePath: 'Library' }))).toBe(
      'MANIFEST_NOT_A_FILE',
    );
    expect(await codeOf(backup.openDatabase(database))).toBe('MANIFEST_FILE_MISSING');
  });

  test('uses what is left of a damaged database, and reports it', async () => {
    const { issues, onIssue } = issueLog();
    await using backup = await openBuilt(
      {
        encrypted: true,
        databases: [
          {
            ...database,
            sql: `${sql}; CREATE TABLE u (y); INSERT INTO u VALUES (zeroblob(9000))`,
            damage: ['content-truncated-block'],
          },
        ],
      },
      { onIssue },
    );
    const db = await backup.openDatabase(database);
    expect(await all(db.query('SELECT x FROM t'))).toEqual([{ x: 1 }]);
    expect(issues.map(({ kind }) => kind)).toEqual(['content-damaged']);
  });

  test('is closed with the backup', async () => {
    const backup = await openBuilt({ databases: [{ ...database, sql }] });
    const db = await backup.openDatabase(database);
    await backup.close();
    expect(await codeOf(all(db.query('SELECT 1')))).toBe('DATABASE_CLOSED');
  });
});

describe('the life of a backup', () => {
  test('ends once: what is asked after close() fails with MANIFEST_CLOSED', async () => {
    const backup = await openBuilt({ files, encrypted: true });
    const file = await backup.files.get(note);
    const listing = backup.files.list()[Symbol.asyncIterator]();
    await listing.next();
    await backup.close();
    await backup.close();
    const calls = [
      () => backup.files.get(note),
      () => backup.files.count(),
      () => all(backup.files),
      () => listing.next(),
      () => backup.files.domains(),
      () => backup.files.getById('a'.repeat(40)),
      () => backup.fs.readdir('/'),
      () => backup.fs.stat('/HomeDomain'),
      () => backup.openDatabase(note),
      () => file?.read(),
      () => file?.open(),
      () => all<unknown>(file?.stream() ?? backup.files),
      async () => backup.exportKey(),
    ];
    for (const call of calls)
      expect(await codeOf(Promise.resolve().then(call as () => Promise<unknown>))).toBe('MANIFEST_CLOSED');
  });

  test('starts with its phases, in order', async () => {
    const phases: string[] = [];
    const onProgress = ({ phase }: OpenBackupProgress): void => void phases.push(phase);
    await (await openBuilt({ encrypted: true }, { onProgress })).close();
    expect(phases).toEqual(['reading', 'deriving-key', 'opening-manifest']);
  });

  test('does not start where the signal was aborted, and nothing is read', async () => {
    const reason = new Error('mine');
    const signal = AbortSignal.abort(reason);
    const untouched = new Proxy({ open: () => undefined, list: () => undefined } as unknown as BackupTree, {
      get(target, key) {
        if (key === 'open') return () => expect.unreachable();
        return Reflect.get(target, key) as unknown;
      },
    });
    await expect(Backup.open(untouched, { signal })).rejects.toBe(reason);
    await expect(Backup.inspect(untouched, { signal })).rejects.toBe(reason);
    await using backup = await openBuilt({ files });
    const file = await backup.files.get(note);
    await expect(backup.files.get(note, { signal })).rejects.toBe(reason);
    await expect(backup.files.count({}, { signal })).rejects.toBe(reason);
    await expect(backup.files.domains({ signal })).rejects.toBe(reason);
    await expect(all(backup.files.list({}, { signal }))).rejects.toBe(reason);
    await expect(file?.read({ signal })).rejects.toBe(reason);
    await expect(file?.open({ signal })).rejects.toBe(reason);
    await expect(backup.openDatabase(note, { signal })).rejects.toBe(reason);
    await expect(backup.fs.readFile('/HomeDomain/Library/note.txt', { signal })).rejects.toBe(reason);
  });

  test('is aborted while the key is derived', async () => {
    const { tree, password } = await built({ encrypted: true, kdf: { dpic: 3_000_000, iter: 1 } });
    const controller = new AbortController();
    const reason = new Error('mine');
    const onProgress = ({ phase }: OpenBackupProgress): void => {
      if (phase === 'deriving-key') setImmediate(() => controller.abort(reason));
    };
    await expect(Backup.open(tree, { password, signal: controller.signal, onProgress })).rejects.toBe(reason);
  });

  test('leaves the folder as it was, without a file more', async () => {
    const before = await snapshot(folder);
    await using backup = await Backup.open(folder, { password: 'password' });
    await all(backup.files);
    await (await backup.openDatabase({ domain: 'HomeDomain', relativePath: 'Library/x.db' })).close();
    await backup.close();
    expect(await snapshot(folder)).toEqual(before);
  });

  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'open-backup-'));
    await buildBackup(
      {
        encrypted: true,
        files,
        databases: [{ domain: 'HomeDomain', relativePath: 'Library/x.db', sql: 'CREATE TABLE t (x)', wal: 'all' }],
      },
      { to: folder },
    );
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
});

/** Names, sizes and times of change of all files. */
async function snapshot(folder: string): Promise<unknown> {
  const entries = await readdir(folder, { recursive: true });
  return await Promise.all(
    entries.toSorted().map(async (name) => {
      const { size, mtimeMs, ctimeMs } = await stat(join(folder, name));
      return { name, size, mtimeMs, ctimeMs };
    }),
  );
}
