import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AbortOptions } from '../../src/core/abort.js';
import { memoryTree } from '../../src/core/memory-tree.js';
import { MemoryBlobStore, SnapshotStore } from '../../src/entry/snapshot.js';
import { backupSinkSuite } from '../../src/testing/suites/backup-sink.js';
import { quickFs } from '../snapshot/faulty-fs.js';
import { replaceFile, udid } from '../snapshot/support.js';

const reason = new Error('the user changed her mind');
let location: string;
let store: SnapshotStore;
let id: string;

beforeEach(async () => {
  location = await mkdtemp(join(tmpdir(), 'snapshot-contract-'));
  await replaceFile(join(location, udid, 'ab', 'file'), 'one');
  store = await SnapshotStore.open(location, { create: true, fs: quickFs });
  ({ id } = await store.device(udid).capture());
  await replaceFile(join(location, udid, 'ab', 'file'), 'two');
  await store.device(udid).capture();
});
afterEach(async () => {
  await store.close();
  await rm(location, { recursive: true, force: true });
});

const drain = async (records: AsyncIterable<unknown>): Promise<void> => {
  for await (const record of records) void record;
};

const tree = memoryTree([['file', new Uint8Array([1])]]);

/** Every public call of a store and a device. */
const calls: [string, (options: AbortOptions) => Promise<unknown>][] = [
  ['store.devices', async (options) => await store.devices(options)],
  ['store.at', async (options) => await store.at(udid, '2100-01-01', options)],
  ['store.begin', async (options) => await store.begin(udid, options)],
  ['store.purge', async (options) => await store.purge(options)],
  ['store.usage', async (options) => await store.usage(options)],
  ['device.list', async (options) => await store.device(udid).list(options)],
  ['device.get', async (options) => await store.device(udid).get(id, options)],
  ['device.begin', async (options) => await store.device(udid).begin(options)],
  ['device.capture', async (options) => await store.device(udid).capture(options)],
  ['device.import', async (options) => await store.device(udid).import(tree, options)],
  ['device.edit', async (options) => await store.device(udid).edit(id, options)],
  ['device.rollback', async (options) => await store.device(udid).rollback(id, options)],
  ['device.openFolder', async (options) => await store.device(udid).openFolder(id, options)],
  ['device.exportFolder', async (options) => await store.device(udid).exportFolder(id, join(location, 'out'), options)],
  [
    'device.diff',
    async (options) => {
      await drain(store.device(udid).diff(id, 'newest', options));
    },
  ],
  ['device.delete', async (options) => await store.device(udid).delete([id], options)],
  ['device.undelete', async (options) => await store.device(udid).undelete([id], options)],
  ['device.plan', async (options) => await store.device(udid).plan({}, options)],
  ['device.prune', async (options) => await store.device(udid).prune({}, options)],
];

describe('a signal that is already aborted', () => {
  it('makes SnapshotStore.open reject with its reason', async () => {
    const opening = SnapshotStore.open(location, { signal: AbortSignal.abort(reason) });
    await expect(opening).rejects.toBe(reason);
  });

  it.each(calls)('makes %s reject with its reason, and nothing changes', async (_name, call) => {
    const before = await store.device(udid).list({ deleted: true });
    await expect(call({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await store.device(udid).list({ deleted: true })).toEqual(before);
    // No lease was left behind.
    await store.purge();
  });
});

describe('a closed store', () => {
  it.each(calls)('makes %s throw SNAPSHOT_CLOSED', async (_name, call) => {
    await store.close();
    await store.close();
    await expect((async () => await call({}))()).rejects.toMatchObject({ code: 'SNAPSHOT_CLOSED' });
  });

  it('has closed the versions that were open', async () => {
    const version = await store.device(udid).get(id);
    await store.close();
    await expect(version.open('ab/file')).rejects.toMatchObject({ code: 'SNAPSHOT_CLOSED' });
  });
});

describe('errors', () => {
  it('tell a folder without a store from one with a store of a later release', async () => {
    await expect(SnapshotStore.open(join(location, 'none'))).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_A_STORE' });
    const file = join(location, '.ios-backup-kit', 'store.json');
    for (const content of [
      { format: 2 },
      { format: 1, id: 'x', created: '', requires: ['magic'], uses: [], keys: [] },
    ]) {
      await rm(file);
      await writeFile(file, JSON.stringify(content));
      await expect(SnapshotStore.open(location, { fs: quickFs })).rejects.toMatchObject({
        code: 'SNAPSHOT_FORMAT_UNSUPPORTED',
      });
    }
    await rm(file);
    await writeFile(file, '{');
    await expect(SnapshotStore.open(location, { fs: quickFs })).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
  });

  it('let a store with unknown optional features be read, not written', async () => {
    const file = join(location, '.ios-backup-kit', 'store.json');
    const content = { format: 1, id: '0', created: '2026-01-01T00:00:00Z', requires: [], uses: ['extra'], keys: [] };
    await rm(file);
    await writeFile(file, JSON.stringify(content));
    await expect(SnapshotStore.open(location, { fs: quickFs })).rejects.toMatchObject({
      code: 'SNAPSHOT_FORMAT_UNSUPPORTED',
    });
    await using reader = await SnapshotStore.open(location, { readOnly: true });
    expect(await reader.device(udid).list()).toHaveLength(2);
    await expect(reader.device(udid).capture()).rejects.toMatchObject({ code: 'SNAPSHOT_READ_ONLY' });
    await expect(reader.purge()).rejects.toMatchObject({ code: 'SNAPSHOT_READ_ONLY' });
  });

  it('name what is protected, missing and impossible', async () => {
    const device = store.device(udid);
    await device.pin(id, 'before the journey');
    await expect(device.delete([id])).rejects.toMatchObject({ code: 'SNAPSHOT_GUARD', version: id });
    await device.unpin(id);
    const ids = (await device.list()).map((version) => version.id);
    await expect(device.delete(ids)).rejects.toMatchObject({ code: 'SNAPSHOT_GUARD' });
    await expect(device.get('20000101T000000000Z-aaaaaaaa')).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
    await using memory = await SnapshotStore.open(new MemoryBlobStore(), { create: true });
    await expect(memory.begin(udid)).rejects.toMatchObject({ code: 'SNAPSHOT_UNSUPPORTED' });
    expect(() => store.device('../elsewhere')).toThrow(TypeError);
  });

  it('say who works on the device', async () => {
    await using sink = await store.begin(udid);
    await sink.makeDirectory(`${udid}/new`);
    const other = await SnapshotStore.open(location, { fs: quickFs });
    const failure = await other.begin(udid).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'SNAPSHOT_LOCKED', transient: true });
    expect(String((failure as { holder?: string }).holder)).toContain(String(process.pid));
    await other.close();
  });
});

describe('a store in memory', () => {
  it('keeps versions of trees, without a folder', async () => {
    await using memory = await SnapshotStore.open(new MemoryBlobStore(), { create: true });
    const device = memory.device(udid);
    const first = await device.import(memoryTree([['a/file', new Uint8Array([1, 2])]]));
    const second = await device.import(memoryTree([['a/file', new Uint8Array([3])]]));
    expect(second).toMatchObject({ parent: first.id, changed: 1, kind: 'import' });
    const version = await device.get(first.id);
    const source = await version.open('a/file');
    expect(await source?.read(0, 9)).toEqual(new Uint8Array([1, 2]));
    await expect(device.delete([first.id])).rejects.toMatchObject({ code: 'SNAPSHOT_LOCKED' });
    await version.close();
    await device.delete([first.id], { permanently: true });
    expect(await memory.purge()).toMatchObject({ versions: [first.id], contents: 1, freedBytes: expect.any(Number) });
  });
});

describe('the sink of a run', () => {
  const suite = backupSinkSuite(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'snapshot-sink-'));
    const own = await SnapshotStore.open(folder, { create: true, fs: quickFs });
    const sink = await own.begin(udid);
    const close = sink[Symbol.asyncDispose].bind(sink);
    sink[Symbol.asyncDispose] = async () => {
      await close();
      await own.close();
      await rm(folder, { recursive: true });
    };
    return sink;
  });
  it.each(suite)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
