import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  buildBackup,
  createVirtualDevice,
  sampleBackupSpec,
  type FileSystemContent,
  type VirtualFileSystem,
} from '../../../src/entry/testing.js';
import { BodyStore } from '../../../src/testing/virtual-device/file-system/body-store.js';
import { snapshot } from './mobilebackup2/mini-host.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

const note = { domain: 'HomeDomain', relativePath: 'Documents/note.txt' };
const database = { domain: 'HomeDomain', relativePath: 'Library/data.db' };
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function withFileSystem(content: FileSystemContent, use: (fileSystem: VirtualFileSystem) => Promise<void>) {
  await using device = await createVirtualDevice({ fileSystem: content, now: () => new Date('2024-03-14T09:00:00Z') });
  await use(device.fileSystem);
}

describe('The file system of a virtual device', () => {
  test('is filled from a spec as of buildBackup, whose apps are installed', async () => {
    const spec = sampleBackupSpec();
    await using device = await createVirtualDevice({ fileSystem: spec });
    const built = await buildBackup(spec);
    const names = ({ domain, relativePath }: { domain: string; relativePath: string }): string =>
      `${domain}/${relativePath}`;
    expect((await snapshot(device)).map(names).toSorted()).toEqual(built.files.map(names).toSorted());
    expect([...device.apps.keys()]).toEqual(['com.example.notes', 'org.example.weather']);
  });

  test.each([undefined, 'secret'])('is filled from a backup with password %s', async (password) => {
    const built = await buildBackup({ ...sampleBackupSpec(), password });
    await using device = await createVirtualDevice({ fileSystem: { backup: built.tree, password } });
    const entries = await snapshot(device);
    const expected = built.files.map(({ digest: _digest, damage: _damage, ...entry }) => entry);
    const byId = (a: { fileId: string }, b: { fileId: string }): number => (a.fileId < b.fileId ? -1 : 1);
    expect(entries.toSorted(byId)).toEqual(expected.toSorted(byId));
    expect([...device.apps.keys()]).toEqual(['com.example.notes', 'org.example.weather']);
  });

  test('is not filled from a backup with the wrong password', async () => {
    const built = await buildBackup({ password: 'secret' });
    await expect(createVirtualDevice({ fileSystem: { backup: built.tree, password: 'x' } })).rejects.toMatchObject({
      code: 'MANIFEST_PASSWORD_INCORRECT',
    });
  });

  test('is filled by a script, and from an async list', async () => {
    await withFileSystem(
      (fileSystem) => fileSystem.add({ ...note, content: 'x' }),
      async (fileSystem) => expect(fileSystem.size).toBe(3),
    );
    await withFileSystem(
      (async function* () {
        yield { ...note, content: 'x' };
      })(),
      async (fileSystem) => expect(text(await fileSystem.read(note))).toBe('x'),
    );
  });

  test('generates the same content each time that it is read, also for files that are not kept', async () => {
    await withFileSystem([{ ...note, content: { size: 1_000_000 } }], async (fileSystem) => {
      const first = await fileSystem.read(note);
      expect(first).toHaveLength(1_000_000);
      expect(await fileSystem.read(note)).toEqual(first);
      fileSystem.modify(note, { content: { size: 1_000_000 } });
      expect(await fileSystem.read(note)).not.toEqual(first);
    });
  });

  test('moves the time of an entry by a second at least with every change', async () => {
    await using device = await createVirtualDevice({
      fileSystem: [{ ...note, content: 'a', modified: new Date('2024-03-14T09:00:00Z') }],
      now: () => new Date('2024-03-14T09:00:00Z'),
    });
    const { fileSystem } = device;
    const times = async () => (await snapshot(device)).find(({ relativePath }) => relativePath === note.relativePath);
    fileSystem.modify(note, { content: 'b' });
    expect(await times()).toMatchObject({
      modified: new Date('2024-03-14T09:00:01Z'),
      statusChanged: new Date('2024-03-14T09:00:01Z'),
    });
    fileSystem.append(note, 'c');
    expect(await times()).toMatchObject({ modified: new Date('2024-03-14T09:00:02Z'), size: 2 });
    fileSystem.modify(note, { mode: 0o600, extendedAttributes: { a: Uint8Array.of(1) } });
    expect(await times()).toMatchObject({
      modified: new Date('2024-03-14T09:00:02Z'),
      statusChanged: new Date('2024-03-14T09:00:03Z'),
      mode: 0o100600,
      extendedAttributes: { a: Uint8Array.of(1) },
    });
    expect(text(await fileSystem.read(note))).toBe('bc');
  });

  test('moves and removes folders with what is in them', async () => {
    await withFileSystem([{ ...note, content: 'a' }], async (fileSystem) => {
      const folder = { domain: 'HomeDomain', relativePath: 'Documents' };
      fileSystem.rename(folder, { domain: 'AppDomain-x', relativePath: 'Moved/Here' });
      expect(text(await fileSystem.read({ domain: 'AppDomain-x', relativePath: 'Moved/Here/note.txt' }))).toBe('a');
      expect(fileSystem.has(folder)).toBe(false);
      expect(fileSystem.remove({ domain: 'AppDomain-x', relativePath: '' })).toBe(true);
      expect(fileSystem.remove({ domain: 'AppDomain-x', relativePath: '' })).toBe(false);
      expect(fileSystem.size).toBe(1);
    });
  });

  test('grows databases, also after they were moved, and only those that were made from SQL', async () => {
    await withFileSystem({ databases: [{ ...database, sql: 'CREATE TABLE t (a)' }] }, async (fileSystem) => {
      const before = await fileSystem.read(database);
      await fileSystem.growDatabase(database, 'INSERT INTO t VALUES (1)', { wal: true });
      expect(await fileSystem.read(database)).toEqual(before);
      expect(fileSystem.has({ ...database, relativePath: `${database.relativePath}-wal` })).toBe(true);
      const moved = { domain: 'HomeDomain', relativePath: 'Library/moved.db' };
      fileSystem.rename(database, moved);
      await fileSystem.growDatabase(moved, 'INSERT INTO t VALUES (2)');
      expect(await fileSystem.read(moved)).not.toEqual(before);
      fileSystem.add({ ...note, content: 'x' });
      await expect(fileSystem.growDatabase(note, 'SELECT 1')).rejects.toThrow(RangeError);
      await expect(fileSystem.growDatabase(moved, 'NONSENSE')).rejects.toMatchObject({ code: 'DATABASE_QUERY_FAILED' });
    });
  });

  test('refuses what cannot be', async () => {
    await withFileSystem([{ ...note, content: 'a' }], async (fileSystem) => {
      const folder = { domain: 'HomeDomain', relativePath: 'Documents' };
      const absent = { domain: 'HomeDomain', relativePath: 'absent' };
      expect(() => fileSystem.add({ ...note, content: 'b' })).toThrow(RangeError);
      expect(() => fileSystem.modify(absent, { content: 'b' })).toThrow(RangeError);
      expect(() => fileSystem.modify(folder, { content: 'b' })).toThrow(RangeError);
      expect(() => fileSystem.append(folder, 'b')).toThrow(RangeError);
      expect(() => fileSystem.rename(note, folder)).toThrow(RangeError);
      expect(() => fileSystem.rename(absent, note)).toThrow(RangeError);
      await expect(fileSystem.read(folder)).rejects.toThrow(RangeError);
      expect(() => fileSystem.add({ domain: 'X', relativePath: 'l', kind: 'symlink' })).toThrow(RangeError);
    });
  });
});

describe('The store of restored contents', () => {
  test('keeps small files in memory and large ones in a folder that is removed', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'body-store-test-'));
    folders.push(parent);
    const { TMPDIR } = process.env;
    process.env['TMPDIR'] = parent;
    const store = new BodyStore();
    try {
      const small = await store.put([Uint8Array.of(1), Uint8Array.of(2)]);
      expect(await readdir(parent)).toEqual([]);
      const large = await store.put([new Uint8Array(900_000).fill(1), new Uint8Array(900_000).fill(2)]);
      expect(await readdir(parent)).toHaveLength(1);
      expect([small.size, large.size]).toEqual([2, 1_800_000]);
      const source = await large.open();
      expect(await source.read(899_999, 2)).toEqual(Uint8Array.of(1, 2));
      await source.close();
      let sum = 0;
      for await (const chunk of large.stream()) sum += chunk.length;
      expect(sum).toBe(1_800_000);
    } finally {
      await store.close();
      if (TMPDIR === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = TMPDIR;
    }
    expect(await readdir(parent)).toEqual([]);
  });
});
