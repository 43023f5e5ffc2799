import { rm } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { MemoryBlobStore } from '../../src/snapshot/blobs/memory-blob-store.js';
import { keys } from '../../src/snapshot/store/keys.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { flip, makeRichStore, nameOf, other, partPath } from './damage.js';
import { editPages, numbers, pagedContent, runOf } from './churn.js';
import { quickFs } from './faulty-fs.js';
import { readVersion, udid } from './support.js';

it.each(['folder', 'blobs'])('copies versions into another store, as they are: %s', async (kind) => {
  const { location, versions, others } = await makeRichStore(await temporaryFolder());
  await using store = await SnapshotStore.open(location, { fs: quickFs });
  await store.device(udid).setRetention({ keepLast: 9 });
  await using copy = await SnapshotStore.open(kind === 'folder' ? await temporaryFolder() : new MemoryBlobStore(), {
    create: true,
    fs: quickFs,
  });
  const part = await store.copyTo(copy, { udid, versions: [versions[1] ?? ''] });
  expect(part).toMatchObject({ copied: [versions[1]], present: [], failed: [], contents: 3 });
  const report = await store.copyTo(copy);
  expect(report.copied).toEqual([versions[0], versions[2], ...others]);
  expect(report.present).toEqual([versions[1]]);
  expect(report.contents + part.contents).toBe(12);
  for (const device of [udid, other]) {
    expect(await copy.device(device).list()).toEqual(await store.device(device).list());
    for (const { id } of await store.device(device).list())
      expect(await readVersion(copy, device, id)).toEqual(await readVersion(store, device, id));
  }
  expect(await copy.device(udid).retention()).toEqual({ keepLast: 9 });
  expect((await copy.device(udid).list()).at(-1)).toMatchObject({ pinned: true, note: 'a note' });
  // The second version of the second device needs no table of its own there either.
  expect((await copy.usage()).tables.count).toBe(1);
  const check = copy.verify({ level: 'full' });
  for await (const finding of check) expect(finding).toBeUndefined();
  expect(await store.copyTo(copy)).toMatchObject({ copied: [], failed: [], contents: 0 });
});

it('goes on after it was stopped', async () => {
  const { location } = await makeRichStore(await temporaryFolder());
  await using store = await SnapshotStore.open(location, { readOnly: true });
  await using copy = await SnapshotStore.open(await temporaryFolder(), { create: true, fs: quickFs });
  const stop = new AbortController();
  const stopped = store.copyTo(copy, { udid, signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) });
  await expect(stopped).rejects.toThrow('enough');
  const done = await store.copyTo(copy, { udid });
  expect(done.copied.length + done.present.length).toBe(3);
});

it('copies what is whole, and names the rest', async () => {
  const { location, versions, contents } = await makeRichStore(await temporaryFolder());
  flip(partPath(location, keys.object(nameOf(contents['small2'] ?? new Uint8Array()))), 5);
  await rm(partPath(location, keys.version(udid, versions[0] ?? '')));
  await using store = await SnapshotStore.open(location, { fs: quickFs });
  await using copy = await SnapshotStore.open(new MemoryBlobStore(), { create: true });
  const report = await store.copyTo(copy, { udid });
  expect(report.copied).toEqual([versions[2]]);
  expect(report.failed).toEqual([{ id: versions[1], error: expect.objectContaining({ code: 'SNAPSHOT_CORRUPT' }) }]);
  await expect(store.copyTo(copy, { versions: [versions[0] ?? ''] })).rejects.toMatchObject({
    code: 'SNAPSHOT_NOT_FOUND',
  });
  await expect(store.copyTo(store)).rejects.toThrow(TypeError);
});

it('makes a copy of large histories small on the way', { timeout: 60_000 }, async () => {
  await using store = await SnapshotStore.open(await temporaryFolder(), { create: true, fs: quickFs });
  const random = numbers(7);
  let content = pagedContent(1000, 1);
  for (let day = 0; day < 6; day += 1) {
    content = editPages(content, 100, random);
    await runOf(store, udid, { '3d/sms': content, 'aa/note': Buffer.from(`day ${day}`) });
  }
  await using copy = await SnapshotStore.open(await temporaryFolder(), { create: true, fs: quickFs });
  const held: number[] = [];
  const report = await store.copyTo(copy, {
    bytesPerCompaction: 2 * content.length,
    onProgress: ({ type }) => held.push(type === 'compact' ? 1 : 0),
  });
  expect(report.copied).toHaveLength(6);
  expect(held).toContain(1);
  // Never more than two days whole, and pages of the others.
  const { objects, packs } = await copy.usage();
  expect(objects.bytes).toBeLessThanOrEqual(2 * content.length + 100);
  expect(packs.bytes).toBeLessThan(content.length);
  for (const { id } of await store.device(udid).list())
    expect(await readVersion(copy, udid, id)).toEqual(await readVersion(store, udid, id));
  for await (const finding of copy.verify({ level: 'full' })) expect(finding).toBeUndefined();
});
