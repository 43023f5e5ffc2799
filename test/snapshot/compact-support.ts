import { expect } from 'vitest';
import { utf8Encode } from '../../src/core/bytes.js';
import type { StoreFs } from '../../src/snapshot/fs/store-fs.js';
import { MemoryLeaseManager } from '../../src/snapshot/leases/memory-lease-manager.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { editPages, numbers, pagedContent, runOf, versionsOf } from './churn.js';
import { leftovers } from './crash-support.js';
import { quickFs } from './faulty-fs.js';
import { password } from './sealed-support.js';
import { udid } from './support.js';

/** Small, so that little content makes several packs. */
export const tuning = { deltaBytes: 64 * 1024, packBytes: 32 * 1024 };
export type Versions = Map<string, Record<string, string>>;

/** Opens a store as a process of its own would. */
export async function openAlone(location: string, fs: StoreFs = quickFs): Promise<SnapshotStore> {
  return await SnapshotStore.open(location, {
    create: true,
    isolation: 'link',
    password,
    fs,
    leases: new MemoryLeaseManager(),
  });
}

/** Makes a store with four versions, and gives what they hold. */
export async function plainStore(location: string): Promise<Versions> {
  await using store = await openAlone(location);
  const random = numbers(5);
  let content = pagedContent(32, 3);
  for (let day = 0; day < 4; day += 1) {
    await runOf(store, udid, { 'ab/x': content, 'ab/y': utf8Encode(`day ${day}`) });
    content = editPages(content, 3, random);
  }
  return await versionsOf(store.device(udid));
}

/** Compacts a store that is there, and deletes two of its versions. */
export async function halfDead(location: string, versions: Versions, fs?: StoreFs): Promise<SnapshotStore> {
  const store = await openAlone(location, fs);
  await store.compact({ tuning: { ...tuning, packBytes: 1024 * 1024 } });
  const ids = (await store.device(udid).list()).map(({ id }) => id);
  const gone = [ids[3] ?? '', ids[2] ?? ''];
  await store.device(udid).delete(gone, { permanently: true });
  for (const id of gone) versions.delete(id);
  return store;
}

/** Looks whether all versions are there, also after one more compacting. */
export async function expectAll(location: string, versions: Versions): Promise<void> {
  await using store = await openAlone(location);
  expect(await versionsOf(store.device(udid))).toEqual(versions);
  await store.compact({ tuning });
  await store.purge();
  expect(await versionsOf(store.device(udid))).toEqual(versions);
  expect(leftovers(location)).toEqual([]);
}

/** A disk that has no room from some call on that needs any. */
export function fullFs(): { fs: StoreFs; fullAt: number; grown: number } {
  const grow = (): void => {
    disk.grown += 1;
    if (disk.grown >= disk.fullAt) throw Object.assign(new Error('ENOSPC: injected'), { code: 'ENOSPC' });
  };
  const disk = {
    grown: 0,
    fullAt: Infinity,
    fs: {
      ...quickFs,
      create(path: string, mode?: number) {
        grow();
        const writer = quickFs.create(path, mode);
        return {
          ...writer,
          write(bytes: Uint8Array) {
            grow();
            writer.write(bytes);
          },
        };
      },
    } satisfies StoreFs,
  };
  return disk;
}
