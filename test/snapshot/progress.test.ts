import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MemoryBlobStore } from '../../src/snapshot/blobs/memory-blob-store.js';
import type { StoreProgress } from '../../src/snapshot/types.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { treeInMemory, udid, writeRun } from './support.js';

const files = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`aa/${i}`, `content ${i}\n`]));

type Listener = (event: StoreProgress) => void;

async function drain(chunks: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of chunks);
}

/** Long work of a store that holds two versions. */
const work: [string, (store: SnapshotStore, onProgress: Listener) => Promise<unknown>][] = [
  [
    'capture',
    async (store, onProgress) => {
      const location = store.info.location ?? '';
      await mkdir(join(location, 'other'));
      for (const [path, content] of Object.entries(files))
        await writeFile(join(location, 'other', path.slice(3)), content);
      await store.device('other').capture({ onProgress });
    },
  ],
  ['import', async (store, onProgress) => await store.device('other').import(treeInMemory(files), { onProgress })],
  [
    'exportFolder',
    async (store, onProgress) =>
      await store.device(udid).exportFolder('newest', join(await temporaryFolder(), 'out'), { onProgress }),
  ],
  [
    'openFolder',
    async (store, onProgress) => {
      await using _folder = await store.device(udid).openFolder('newest', { allowCopy: true, onProgress });
    },
  ],
  [
    'exportArchive',
    async (store, onProgress) => await drain(store.device(udid).exportArchive('newest', { format: 'tar', onProgress })),
  ],
  [
    'importArchive',
    async (store, onProgress) => {
      const archive = store.device(udid).exportArchive('newest', { format: 'tar' });
      await store.device('other').importArchive(archive, { onProgress });
    },
  ],
  [
    'rollback',
    async (store, onProgress) => await store.device(udid).rollback((await oldest(store)).id, { onProgress }),
  ],
  ['compact', async (store, onProgress) => await store.compact({ onProgress })],
  ['verify', async (store, onProgress) => await drain(store.verify({ level: 'full', onProgress }))],
  [
    'copyTo',
    async (store, onProgress) => {
      await using target = await SnapshotStore.open(new MemoryBlobStore(), { create: true });
      await store.copyTo(target, { onProgress });
    },
  ],
];

async function oldest(store: SnapshotStore): Promise<{ id: string }> {
  const version = (await store.device(udid).list()).at(-1);
  if (version === undefined) throw new Error('no version');
  return version;
}

/** Done and in all, of an event. */
function countsOf(event: StoreProgress): [number, number] {
  if (event.type === 'check') return [event.parts, event.totalParts];
  if (event.type === 'compact') return [event.contents, event.totalContents];
  return [event.files, event.totalFiles];
}

it.each(work)('%s ends with a report of all that there was to do', async (_name, run) => {
  await using store = await SnapshotStore.open(await temporaryFolder(), { create: true });
  await writeRun(store, udid, { ...files, 'aa/0': 'older\n'.repeat(100), 'aa/1': 'older\n' });
  await writeRun(store, udid, files);
  const last = new Map<string, StoreProgress>();
  await run(store, (event) => last.set(event.type, event));
  expect(last.size).toBeGreaterThan(0);
  for (const event of last.values()) {
    const [done, total] = countsOf(event);
    expect([event.type, done, done > 1]).toEqual([event.type, total, true]);
  }
});
