import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MemoryBlobStore } from '../../src/snapshot/blobs/memory-blob-store.js';
import type { StoreFs } from '../../src/snapshot/fs/store-fs.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { quickFs } from './faulty-fs.js';
import { treeInMemory, udid, writeRun } from './support.js';

const other = '00008120-000A1B2C3D4E5F61';

/** What the system says that a folder takes, in bytes. */
function diskUsage(folder: string): number {
  return Number(execFileSync('du', ['-s', '-B1', '--exclude=staging', folder], { encoding: 'utf8' }).split('\t')[0]);
}

async function manyVersions(location: string, fs?: StoreFs): Promise<SnapshotStore> {
  const store = await SnapshotStore.open(location, { create: true, fs });
  for (const day of [1, 2, 3, 4]) {
    await writeRun(store, udid, {
      'aa/same': randomOf('same', 300_000),
      'aa/daily': randomOf(`day ${day}`, 200_000 + day * 10_000),
      [`bb/only-${day}`]: randomOf(`only ${day}`, 50_000),
      'bb/two-days': randomOf(`pair ${Math.ceil(day / 2)}`, 120_000),
      ...Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`cc/${index}`, `small ${index} of ${day}`])),
    });
  }
  await writeRun(store, other, { 'aa/same': randomOf('same', 300_000), 'aa/own': randomOf('own', 90_000) });
  return store;
}

const contents = new Map<string, Uint8Array>();
function randomOf(name: string, size: number): Uint8Array {
  const known = contents.get(name) ?? randomBytes(size);
  contents.set(name, known);
  return known;
}

it.each(['link', 'copy', 'move'] as const)('agrees with du, in %s placement', async (isolation) => {
  const location = await temporaryFolder();
  await (await SnapshotStore.open(location, { create: true })).close();
  {
    await using store = await SnapshotStore.open(location, { isolation });
    await writeRun(store, udid, { 'aa/a': randomOf('a', 400_000), 'aa/b': 'b' });
    await writeRun(store, udid, { 'aa/a': randomOf('a2', 400_000), 'aa/b': 'c' });
  }
  await writeFile(join(location, 'a file of the user'), randomBytes(100_000));
  await using store = await manyVersions(location);
  const usage = await store.usage();
  const said = diskUsage(location);
  expect(Math.abs(usage.totalBytes - said)).toBeLessThan(said / 100);
  expect(usage.storeBytes + usage.liveBytes).toBeLessThan(usage.totalBytes);
  expect(usage.reservedBytes).toBeGreaterThanOrEqual(32 * 1024 * 1024);
  expect(usage.devices.map((device) => device.udid)).toEqual([udid, other]);
});

it('says for each version what its removal frees, to the byte', async () => {
  const location = await temporaryFolder();
  await using store = await manyVersions(location, quickFs);
  const device = store.device(udid);
  for (const { id } of (await device.list()).slice(1)) {
    const usage = await store.usage({ perVersion: true });
    const version = usage.devices[0]?.versions.find((each) => each.id === id);
    await device.delete([id], { permanently: true });
    const before = diskUsage(location);
    expect((await store.usage()).trash).toEqual({ count: 1, bytes: version?.ownBytes });
    await store.purge();
    expect(before - diskUsage(location)).toBe(version?.ownBytes);
    expect(version?.ownBytes).toBeGreaterThan(200_000);
  }
});

it('knows what all versions of a device take together, and what devices share', async () => {
  const blobs = new MemoryBlobStore();
  await using store = await SnapshotStore.open(blobs, { create: true });
  const big = randomOf('big', 1_000_000);
  await store.device(udid).import(treeInMemory({ 'aa/big': big, 'aa/x': randomOf('x', 10_000) }));
  await store.device(other).import(treeInMemory({ 'aa/big': big, 'aa/y': randomOf('y', 20_000) }));
  const usage = await store.usage({ perVersion: true });
  expect(usage.liveBytes).toBe(0);
  expect(usage.objects).toEqual({ count: 3, bytes: 1_030_000 });
  const [first, second] = usage.devices;
  expect(first).toMatchObject({ sharedBytes: 1_000_000, apparentBytes: 1_010_000 });
  expect(first?.ownBytes).toBeGreaterThan(10_000);
  expect(second?.versions[0]).toMatchObject({ sharedBytes: 1_000_000, apparentBytes: 1_020_000, deleted: false });
  expect(second?.ownBytes).toBeGreaterThan(20_000);
  expect(second?.ownBytes).toBeLessThan(22_000);
});
