import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { pack, type Header } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { fromWindowsTime, parsePaxTime, paxTime, windowsTime } from '../../src/archive/times.js';
import { ZipWriter } from '../../src/archive/zip-writer.js';
import { directoryRecord, endOfDirectory, localHeader } from '../../src/archive/zip-records.js';
import { backUpDevice } from '../../src/entry/backup.js';
import type { StoreFs } from '../../src/snapshot/fs/store-fs.js';
import { MemoryBlobStore } from '../../src/snapshot/blobs/memory-blob-store.js';
import { keys } from '../../src/snapshot/store/keys.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { hostOf, temporaryFolder, virtualDevice } from '../backup/support.js';
import { flip, nameOf, partPath } from './damage.js';
import { quickFs } from './faulty-fs.js';
import { copyOf, treeInMemory, treeOf, udid } from './support.js';

const formats = ['tar', 'zip'] as const;

/** A quick disk with room for what is imported. */
const roomyFs: StoreFs = { ...quickFs, space: () => ({ free: 3e8, total: 1e9 }) };

/** Makes a zip of all in a folder, as Python does. */
const zipAll = `
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED, strict_timestamps=False) as z:
  for top, folders, files in os.walk(sys.argv[2]):
    for name in folders + files:
      path = os.path.join(top, name)
      z.write(path, os.path.relpath(path, sys.argv[2]))
`;

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function* chunked(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A folder with all that a backup may have: odd times, empty files and folders, long and wide names, files of all sizes. */
async function oddFolder(): Promise<string> {
  const folder = join(await temporaryFolder(), 'odd');
  const files: [string, Uint8Array, number][] = [
    ['aa/empty', new Uint8Array(0), 0],
    ['aa/block', randomBytes(512), 1_700_000_000.123456],
    ['aa/large', randomBytes(3_000_001), 946_684_799.999999],
    ['bb/before', randomBytes(10), -1.25],
    ['bb/late', randomBytes(1_048_576), 4_102_444_800.000001],
    [`cc/${'long '.repeat(40)}name`, randomBytes(100), 1_234_567_890],
    ['cc/ünïcödé 📱', randomBytes(100), 315_532_799.5],
    ...Array.from({ length: 60 }, (_, index): [string, Uint8Array, number] => [
      `dd/${index}`,
      randomBytes(index),
      index,
    ]),
  ];
  for (const [path, content, time] of files) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
    // As text, because Node takes a negative number to mean now.
    await utimes(join(folder, path), String(time + 2e-7), String(time + 2e-7));
  }
  await mkdir(join(folder, 'empty', 'deep'), { recursive: true });
  return folder;
}

describe.each(formats)('%s', (format) => {
  it.each(['a folder', 'blobs'])('comes back equal to the last byte and microsecond, from %s', async (kind) => {
    const location = await temporaryFolder();
    await using store = await SnapshotStore.open(kind === 'blobs' ? new MemoryBlobStore() : location, {
      create: true,
      fs: roomyFs,
    });
    const first = await store.device(udid).import(await oddFolder());
    expect(first.files).toBe(67);
    const archive = await bytesOf(store.device(udid).exportArchive(first.id, { format }));
    const again = await store.device(udid).importArchive(chunked(archive, 70_000));
    expect(again).toMatchObject({
      kind: 'import',
      root: first.root,
      files: 67,
      bytes: first.bytes,
      added: 0,
      changed: 0,
    });
    const path = join(await temporaryFolder(), 'archive');
    await writeFile(path, archive);
    await using other = await SnapshotStore.open(await temporaryFolder(), { create: true, fs: roomyFs });
    expect((await other.device(udid).importArchive(path, { format })).root).toBe(first.root);
    expect((await other.device(udid).importArchive(path)).root).toBe(first.root);
    const deflated = store.device(udid).exportArchive(first.id, { format, compression: 'deflate' });
    expect((await other.device(udid).importArchive(deflated)).root).toBe(first.root);
    if (kind !== 'blobs') expect(await readdir(partPath(location, 'staging'))).toEqual([]);
  });

  it('is what other programs read', async () => {
    await using store = await SnapshotStore.open(new MemoryBlobStore(), { create: true });
    const folder = await oddFolder();
    const { id } = await store.device(udid).import(folder);
    const to = await temporaryFolder();
    const path = join(to, `archive.${format}`);
    await pipeline(Readable.from(store.device(udid).exportArchive(id, { format })), createWriteStream(path));
    if (format === 'tar') execFileSync('tar', ['-xf', path, '-C', to], { stdio: 'ignore' });
    else
      execFileSync('python3', [
        '-c',
        'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); z.extractall(sys.argv[2])',
        path,
        to,
      ]);
    const [unpacked, wanted] = [await treeOf(join(to, udid)), await treeOf(folder)];
    const contents = (tree: Record<string, string>): [string, string][] =>
      Object.entries(tree)
        .map(([name, content]): [string, string] => [name, format === 'tar' ? content : content.slice(0, 16)])
        .sort(([a], [b]) => (a < b ? -1 : 1));
    expect(contents(unpacked)).toEqual(contents(wanted));
  });

  it('reads archives of other programs', async () => {
    const folder = await oddFolder();
    const to = join(await temporaryFolder(), 'other');
    if (format === 'tar') execFileSync('tar', ['-cf', to, '--format=pax', '-C', folder, '.']);
    else execFileSync('python3', ['-c', zipAll, to, folder]);
    await using store = await SnapshotStore.open(new MemoryBlobStore(), { create: true });
    const { root } = await store.device(udid).import(folder);
    const again = await store.device(udid).importArchive(to);
    if (format === 'tar') expect(again.root).toBe(root);
    // Python keeps times to two seconds, in local time.
    else expect(again).toMatchObject({ files: 67, added: 0, changed: 0, removed: 0 });
  });

  it('cut anywhere, it is an error and no version', async () => {
    await using store = await SnapshotStore.open(new MemoryBlobStore(), { create: true });
    const { id } = await store.device(udid).import(treeInMemory({ 'aa/a': 'x'.repeat(2000), 'bb/b': 'y'.repeat(700) }));
    const archive = await bytesOf(store.device(udid).exportArchive(id, { format }));
    for (let length = 513; length < archive.length; length += 97)
      await expect(store.device(udid).importArchive(chunked(archive.subarray(0, length)))).rejects.toMatchObject({
        code: expect.stringMatching(/^FORMAT_/),
      });
    expect(await store.device(udid).list()).toHaveLength(1);
  });

  it('with any bytes changed it gives a typed error, or a version that is whole', async () => {
    await using store = await SnapshotStore.open(new MemoryBlobStore(), { create: true });
    const { id } = await store.device(udid).import(treeInMemory({ 'aa/a': 'x'.repeat(600), 'bb/b': 'y' }));
    const archive = await bytesOf(store.device(udid).exportArchive(id, { format }));
    const change = fc.tuple(fc.nat(archive.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const damaged = new Uint8Array(archive);
        for (const [at, by] of changes) damaged[at] = (damaged[at] ?? 0) ^ by;
        try {
          await store.device(udid).importArchive(chunked(damaged), { format });
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(?:FORMAT|IO|SNAPSHOT)_/) });
        }
      }),
      { numRuns: 150 },
    );
  });

  it('stops when it is not read to its end, when it is aborted, and at damage', async () => {
    const location = await temporaryFolder();
    await using store = await SnapshotStore.open(location, { create: true, fs: roomyFs });
    const content = randomBytes(3_000_000);
    const { id } = await store.device(udid).import(treeInMemory({ 'aa/a': content, 'aa/b': 'b' }));
    for await (const chunk of store.device(udid).exportArchive(id, { format })) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    const { signal } = stop;
    await expect(bytesOf(store.device(udid).exportArchive(id, { format, signal }))).rejects.toThrow('enough');
    expect(() => store.device(udid).exportArchive(id, { format: 'rar' as 'tar' })).toThrow(TypeError);
    flip(partPath(location, keys.object(nameOf(content))), 2_999_999);
    await expect(bytesOf(store.device(udid).exportArchive(id, { format }))).rejects.toMatchObject({
      code: 'SNAPSHOT_CORRUPT',
    });
    expect(await readdir(partPath(location, 'locks'))).toEqual([]);
  });
});

async function tarOf(entries: readonly (Partial<Header> & { name: string; content?: string })[]): Promise<Buffer> {
  const archive = pack();
  for (const { content = '', ...header } of entries) archive.entry(header, content);
  archive.finalize();
  return await bytesOf(archive as AsyncIterable<Uint8Array>);
}

async function zipOf(paths: readonly string[]): Promise<Buffer> {
  const writer = new ZipWriter({ compression: 'deflate' });
  const entry = (path: string): Parameters<ZipWriter['addFile']>[0] => ({ path, mode: 0o644, modified: undefined });
  const whole = Buffer.from('content');
  for (const path of paths) await writer.addFile(entry(path), { size: 7, whole, chunks: () => chunked(whole) });
  await writer.finish();
  return await bytesOf(writer.output);
}

/** A zip of one entry that says what the caller wants. */
function craftedZip(fields: { name: string; mode: number; size: number; stored?: number; crc?: number }): Buffer {
  const content = Buffer.from('content');
  const header = {
    name: Buffer.from(fields.name),
    mode: fields.mode,
    modified: undefined,
    method: 0 as const,
    isStreamed: false,
    isLarge: false,
    crc32: fields.crc ?? 0,
    storedSize: fields.stored ?? fields.size,
    size: fields.size,
    offset: 0,
  };
  const local = localHeader({ ...header, size: content.length, storedSize: content.length });
  const directory = directoryRecord(header);
  const offset = local.length + content.length;
  const end = endOfDirectory({ entries: 1, size: directory.length, offset });
  return Buffer.concat([local, content, directory, end]);
}

describe('hostile archives', () => {
  const unsafe = ['../out', 'aa/../../out', '/etc/passwd', 'aa\\..\\out', 'C:/out', 'aa/\u0000', 'aa//b', 'con/..'];
  const hostile: [name: string, bytes: () => Promise<Buffer> | Buffer, code: RegExp][] = [
    ...unsafe.flatMap((path): [string, () => Promise<Buffer>, RegExp][] => [
      // A path ends at a zero in tar.
      ...(path.includes('\u0000')
        ? []
        : [
            [`tar with ${path}`, async () => await tarOf([{ name: path, content: 'x' }]), /IO_UNSAFE_PATH/] as [
              string,
              () => Promise<Buffer>,
              RegExp,
            ],
          ]),
      [`zip with ${JSON.stringify(path)}`, async () => await zipOf([path]), /IO_UNSAFE_PATH/],
    ]),
    [
      'a symbolic link in tar',
      async () => await tarOf([{ name: 'a', type: 'symlink', linkname: '/etc' }]),
      /FORMAT_INVALID/,
    ],
    ['a hard link in tar', async () => await tarOf([{ name: 'a', type: 'link', linkname: 'b' }]), /FORMAT_INVALID/],
    ['a device in tar', async () => await tarOf([{ name: 'a', type: 'character-device' }]), /FORMAT_INVALID/],
    ['a symbolic link in zip', () => craftedZip({ name: 'a', mode: 0o120777, size: 7 }), /FORMAT_INVALID/],
    [
      'a file twice',
      async () =>
        await tarOf([
          { name: 'a/b', content: 'x' },
          { name: './a/b', content: 'y' },
        ]),
      /FORMAT_INVALID/,
    ],
    ['a file that is a folder', async () => await zipOf(['a/b', 'a/b/c']), /FORMAT_INVALID/],
    [
      'more bytes than the disk has',
      () => craftedZip({ name: 'a', mode: 0o100644, size: 2 ** 50, stored: 7 }),
      /IO_NO_SPACE|FORMAT_INVALID/,
    ],
    ['more bytes than it says', () => craftedZip({ name: 'a', mode: 0o100644, size: 3, stored: 7 }), /FORMAT_INVALID/],
    ['another checksum', () => craftedZip({ name: 'a', mode: 0o100644, size: 7, crc: 1 }), /FORMAT_INVALID/],
    ['several backups', async () => await zipOf(['a/Manifest.plist', 'b/Manifest.plist']), /FORMAT_INVALID/],
    ['nothing', async () => await tarOf([]), /FORMAT_|SNAPSHOT_NOT_FOUND/],
    ['something else', () => Buffer.from('Rar!'.repeat(1000)), /FORMAT_UNSUPPORTED/],
    ['no bytes', () => Buffer.alloc(0), /FORMAT_UNSUPPORTED/],
  ];
  it.each(hostile)('%s', async (_name, make, code) => {
    const location = await temporaryFolder();
    await using store = await SnapshotStore.open(location, { create: true, fs: roomyFs });
    await expect(store.device(udid).importArchive(chunked(await make()))).rejects.toMatchObject({
      code: expect.stringMatching(code),
    });
    expect(await store.device(udid).list()).toEqual([]);
    expect(await readdir(partPath(location, 'staging'))).toEqual([]);
  });

  it('a bomb ends where its sizes end', async () => {
    const location = await temporaryFolder();
    await using store = await SnapshotStore.open(location, { create: true, fs: roomyFs });
    const writer = new ZipWriter({ compression: 'deflate' });
    const whole = Buffer.alloc(900_000);
    await writer.addFile(
      { path: 'aa/zeros', mode: 0o644, modified: undefined },
      { size: whole.length, whole, chunks: () => chunked(whole) },
    );
    await writer.finish();
    const bomb = await bytesOf(writer.output);
    expect(bomb.length).toBeLessThan(3000);
    // Says that it has 1,000 bytes.
    const at = bomb.indexOf(
      Buffer.from([0xa0, 0xbb, 0x0d, 0x00]),
      bomb.indexOf(Buffer.from('PK\u0001\u0002', 'latin1')),
    );
    bomb.writeUInt32LE(1000, at);
    await expect(store.device(udid).importArchive(chunked(bomb))).rejects.toMatchObject({ code: 'FORMAT_INVALID' });
  });
});

it('finds the backup of a device in an archive or folder by itself', async () => {
  const phone = await virtualDevice();
  const device = await hostOf(phone);
  const backups = await temporaryFolder();
  await using source = await SnapshotStore.open(backups, { create: true, fs: roomyFs });
  const { version } = await backUpDevice(device, { to: source });
  await using store = await SnapshotStore.open(await temporaryFolder(), { create: true, fs: roomyFs });
  const nested = join(await temporaryFolder(), 'nested');
  await mkdir(nested);
  await copyOf(join(backups, device.udid), join(nested, 'My old iPhone'));
  const tar = `${nested}.tar`;
  execFileSync('tar', ['-cf', tar, '--format=pax', '-C', join(nested, '..'), 'nested']);
  const imported = await store.importBackup(tar);
  // Not the root: times of that archive have nanoseconds.
  expect(imported).toMatchObject({ udid: device.udid, bytes: version.bytes, kind: 'import', added: version.files });
  expect(await store.importBackup(join(nested, 'My old iPhone'))).toMatchObject({
    udid: device.udid,
    root: version.root,
  });
  const zip = source.device(device.udid).exportArchive('newest', { format: 'zip' });
  expect(await store.importBackup(zip, { note: 'by hand' })).toMatchObject({ root: version.root, note: 'by hand' });
  expect(await store.importBackup(tar, { udid })).toMatchObject({ udid, root: imported.root });
  expect(await store.importBackup(treeInMemory({ 'aa/a': 'a' }), { udid })).toMatchObject({ udid, files: 1 });
  await expect(store.importBackup(treeInMemory({ 'aa/a': 'a' }))).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
  await expect(store.importBackup(join(nested, 'nothing'))).rejects.toMatchObject({ code: 'IO_NOT_FOUND' });
  await rm(nested, { recursive: true });
});

it('keeps times exactly in both formats', () => {
  fc.assert(
    fc.property(fc.integer({ min: -9_000_000_000_000_000, max: 9_000_000_000_000_000 }), (us) => {
      expect(parsePaxTime(paxTime(us))).toBe(us);
      expect(fromWindowsTime(windowsTime(us) ?? 0n)).toBe(us);
    }),
  );
  expect(paxTime(-1_250_000)).toBe('-1.25');
  expect(parsePaxTime('-1.2500001')).toBe(-1_250_001);
  expect(parsePaxTime('1700000000.1234567')).toBe(1_700_000_000_123_456);
  expect(parsePaxTime('soon')).toBeUndefined();
  expect(windowsTime(-11_644_473_700_000_000)).toBeUndefined();
});

it('reads contents beyond 4 and 8 GiB where the disk stores them sparsely', async () => {
  const path = join(await temporaryFolder(), 'sparse.tar');
  const archive = pack();
  archive.entry({ name: 'aa/huge', size: 9 * 2 ** 30 });
  const chunks = archive[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const head = (await chunks.next()).value as Buffer;
  await writeFile(path, head);
  await truncate(path, head.length + 2 ** 20);
  await using store = await SnapshotStore.open(new MemoryBlobStore(), { create: true });
  // The size is understood: it is cut.
  await expect(store.device(udid).importArchive(path)).rejects.toMatchObject({ code: 'FORMAT_INVALID' });
  expect(await readFile(path)).toHaveLength(head.length + 2 ** 20);
});
