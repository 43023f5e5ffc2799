import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { editPages, numbers, pagedContent, runOf } from './churn.js';
import { flip, makeRichStore, partPath, type RichStore } from './damage.js';
import { quickFs } from './faulty-fs.js';
import { udid } from './support.js';

const read = (folder: string, path: string): Uint8Array => new Uint8Array(readFileSync(join(folder, path)));

async function expectOldest(store: SnapshotStore, { versions, contents }: RichStore): Promise<void> {
  await using folder = await store.device(udid).openFolder(versions[0] ?? '', { allowCopy: true });
  expect(read(folder.path, 'aa/big')).toEqual(contents['big1']);
  expect(read(folder.path, 'bb/small')).toEqual(contents['small1']);
  expect(read(folder.path, 'bb/again')).toEqual(contents['small1']);
}

it('makes files of contents and differences in packs', async () => {
  const rich = await makeRichStore(await temporaryFolder());
  await using store = await SnapshotStore.open(rich.location, { fs: quickFs });
  await expectOldest(store, rich);
});

it('finds contents whose pack was written anew since the packs were looked at', async () => {
  const rich = await makeRichStore(await temporaryFolder());
  await using store = await SnapshotStore.open(rich.location, { fs: quickFs });
  await expectOldest(store, rich);
  const renamed = partPath(rich.location, `packs/00/${'0'.repeat(32)}.pk`);
  mkdirSync(dirname(renamed), { recursive: true });
  copyFileSync(partPath(rich.location, rich.pack), renamed);
  rmSync(partPath(rich.location, rich.pack));
  await expectOldest(store, rich);
});

it('refuses a packed content that is damaged, and leaves no folder', async () => {
  const rich = await makeRichStore(await temporaryFolder());
  const { offset, headerBytes } = rich.entries.small1;
  flip(partPath(rich.location, rich.pack), offset + headerBytes + 20);
  await using store = await SnapshotStore.open(rich.location, { fs: quickFs });
  const opening = store.device(udid).openFolder(rich.versions[0] ?? '', { allowCopy: true });
  await expect(opening).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
  expect(readdirSync(partPath(rich.location, 'open'))).toEqual([]);
});

it('makes a large file of differences of many chunks', { timeout: 60_000 }, async () => {
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true, fs: quickFs });
  const days = [pagedContent(1500, 1)];
  const random = numbers(5);
  for (let day = 0; day < 3; day += 1) days.push(editPages(days.at(-1) ?? new Uint8Array(0), 500, random));
  const ids: string[] = [];
  for (const content of days) ids.push(await runOf(store, udid, { '3d/sms': content }));
  const { deltas } = await store.compact();
  expect(deltas).toBe(3);
  for (const [day, id] of ids.entries()) {
    await using folder = await store.device(udid).openFolder(id, { allowCopy: true });
    expect(Buffer.compare(read(folder.path, '3d/sms'), days[day] ?? new Uint8Array(0))).toBe(0);
  }
});
