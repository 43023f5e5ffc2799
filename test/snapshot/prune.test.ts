import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MemoryBlobStore } from '../../src/snapshot/blobs/memory-blob-store.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { quickFs } from './faulty-fs.js';
import { readVersion, treeInMemory, treeOf, udid, writeRun } from './support.js';

const day = 24 * 60 * 60 * 1000;

async function storeOfDays(days: number): Promise<SnapshotStore> {
  const store = await SnapshotStore.open(new MemoryBlobStore(), { create: true });
  for (let ago = days - 1; ago >= 0; ago -= 1)
    await store
      .device(udid)
      .import(treeInMemory({ 'aa/same': 'x'.repeat(1000), 'aa/daily': `${ago}`.padEnd(5000, '.') }), {
        created: new Date(Date.now() - ago * day - 1000),
      });
  return store;
}

it('remembers the policy of a device', async () => {
  await using store = await storeOfDays(1);
  const device = store.device(udid);
  expect(await device.retention()).toEqual({});
  await device.setRetention({ keepLast: 2, daily: Infinity, keepWithin: 'P3D' });
  expect(await device.retention()).toEqual({ keepLast: 2, daily: Number.MAX_SAFE_INTEGER, keepWithin: 'P3D' });
  await expect(device.setRetention({ nightly: 1 } as object)).rejects.toMatchObject({ code: 'FORMAT_INVALID' });
});

it('plans with the bytes that become free, and does what it planned', async () => {
  await using store = await storeOfDays(6);
  const device = store.device(udid);
  await device.setRetention({ keepLast: 2, hourly: 0, daily: 3, weekly: 0, monthly: 0 });
  const versions = await device.list();
  const plan = await device.plan();
  expect(plan.keep.map(({ id }) => id)).toEqual(versions.slice(0, 3).map(({ id }) => id));
  expect(plan.drop).toHaveLength(3);
  expect(plan.drop.every(({ bytes = 0 }) => bytes > 5000 && bytes < 6500)).toBe(true);
  expect(await device.list()).toHaveLength(6);
  expect(await device.prune(undefined, { permanently: true })).toEqual(plan);
  const before = (await store.usage()).storeBytes;
  await store.purge();
  expect(before - (await store.usage()).storeBytes).toBe(plan.freedBytes);
  expect((await device.list({ deleted: true })).map(({ id }) => id)).toEqual(plan.keep.map(({ id }) => id));
  expect((await device.plan()).drop).toEqual([]);
});

it('keeps to a limit of size, and to what is open, pinned or asked for at another time', async () => {
  await using store = await storeOfDays(6);
  const device = store.device(udid);
  const versions = await device.list();
  await device.pin(versions[4]?.id ?? '');
  await using open = await device.get(versions[5]?.id);
  await (await open.open('aa/daily'))?.close();
  const small = await device.plan({ keepLast: 1, maxBytes: 12_000 });
  expect(small.keep.map(({ id }) => id)).toEqual([versions[0]?.id, versions[4]?.id, versions[5]?.id]);
  expect(small.warnings.map(({ code }) => code)).toContain('limit-not-met');
  const later = await device.plan(
    { keepLast: 1, keepWithin: 2 * day },
    { now: new Date(Date.now() + day), sizes: false },
  );
  expect(later.freedBytes).toBeUndefined();
});

it('does not let the trash push versions over a limit of size', async () => {
  await using store = await storeOfDays(4);
  const device = store.device(udid);
  const oldest = (await device.list()).at(-1)?.id ?? '';
  const { storeBytes } = await store.usage();
  await device.delete([oldest]);
  expect((await device.plan({ maxBytes: storeBytes - 3000 })).drop).toEqual([]);
});

it('pins the version before a great loss', async () => {
  await using store = await SnapshotStore.open(await temporaryFolder(), { create: true, fs: quickFs });
  const device = store.device(udid);
  const whole = await writeRun(store, udid, { 'aa/a': 'a', 'aa/b': 'b', 'aa/c': 'c' });
  await writeRun(store, udid, { 'aa/a': 'a' });
  await writeRun(store, udid, { 'aa/a': 'b' });
  const versions = await device.list();
  expect(versions.map(({ pinned }) => pinned)).toEqual([false, false, true]);
  expect(versions[2]).toMatchObject({ id: whole.id, note: expect.stringContaining('more than half') });
  expect((await device.prune({ keepLast: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0 })).drop).toEqual([]);
});

it('pins the last encrypted version', async () => {
  const encrypted = await temporaryFolder();
  await using store = await SnapshotStore.open(encrypted, { create: true, fs: quickFs });
  const manifest = (isEncrypted: boolean): string =>
    `<?xml version="1.0"?><plist version="1.0"><dict><key>IsEncrypted</key><${isEncrypted}/></dict></plist>`;
  const first = await writeRun(store, udid, { 'Manifest.plist': manifest(true), 'aa/a': 'a' });
  await writeRun(store, udid, { 'Manifest.plist': manifest(false), 'aa/a': 'a' });
  const [newest, before] = await store.device(udid).list();
  expect(newest?.pinned).toBe(false);
  expect(before).toMatchObject({ id: first.id, pinned: true, note: expect.stringContaining('not encrypted') });
});

it('deletes a device but not its newest backup', async () => {
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true, fs: quickFs });
  const device = store.device(udid);
  const first = await writeRun(store, udid, { 'aa/a': 'first' });
  await writeRun(store, udid, { 'aa/a': 'second' });
  await device.pin(first.id);
  await expect(store.deleteDevice(udid)).rejects.toMatchObject({ code: 'SNAPSHOT_GUARD', version: first.id });
  expect(await device.list()).toHaveLength(2);
  const before = await treeOf(join(location, udid));
  const deleted = await store.deleteDevice(udid, { evenPinned: true });
  expect(deleted).toMatchObject({ kept: join(location, udid) });
  expect(deleted.versions).toHaveLength(2);
  expect(await device.list()).toEqual([]);
  await device.undelete([first.id]);
  expect(await readVersion(store, udid, first.id)).toMatchObject({ 'aa/a': expect.stringMatching(/^[0-9a-f]{64} /) });
  await store.deleteDevice(udid, { permanently: true, evenPinned: true });
  await device.delete([], { permanently: true });
  await store.purge({ graceDays: 0 });
  expect(await device.list({ deleted: true })).toEqual([]);
  expect(await treeOf(join(location, udid))).toEqual(before);
  expect((await store.usage()).objects.count).toBe(0);
  // What is there can be captured again.
  await device.capture();
  expect(await readFile(join(location, udid, 'aa/a'), 'utf8')).toBe('second');
  expect(await device.list()).toHaveLength(1);
});
