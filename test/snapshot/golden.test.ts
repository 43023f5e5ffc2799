import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MemoryLeaseManager } from '../../src/snapshot/leases/memory-lease-manager.js';
import { readTreeFile } from '../../src/core/memory-tree.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { allVersions, bytesOf, contentsOf, shortOf, treeNow, type Tree } from './crash-support.js';
import { quickFs } from './faulty-fs.js';
import { udid } from './support.js';

const golden = join(import.meta.dirname, '../fixtures/snapshot-store/v1');
const expected = JSON.parse(readFileSync(join(golden, 'versions.json'), 'utf8')) as Record<string, Tree>;

/** The golden store, as somebody has it on a disk. See test/fixtures/snapshot-store/README.md */
async function unpacked(): Promise<string> {
  const location = await temporaryFolder();
  execFileSync('tar', ['-C', location, '-xzf', join(golden, 'store.tar.gz')]);
  return location;
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

it('the golden store of format 1 has all that the format has', async () => {
  const location = await unpacked();
  const store = join(location, '.ios-backup-kit');
  const records = filesOf(join(store, 'devices')).filter((path) => path.endsWith('.ver'));
  expect(records.some((path) => path.includes('/trash/'))).toBe(true);
  const texts = records.map((path) => readFileSync(path, 'latin1'));
  expect(texts.filter((text) => text.includes('"baseAge":0')).length).toBeGreaterThan(0);
  expect(texts.filter((text) => /"baseAge":[1-9]/.test(text)).length).toBeGreaterThan(0);
  expect(filesOf(join(store, 'tables')).length).toBeGreaterThan(0);
  const kinds = filesOf(join(store, 'packs')).flatMap((path) =>
    readFileSync(path, 'latin1')
      .split('IBKE')
      .slice(1)
      .map((entry) => entry.codePointAt(0)),
  );
  expect(new Set(kinds)).toEqual(new Set([0, 1]));
  expect(filesOf(join(store, 'objects')).some((path) => statSync(path).nlink === 2)).toBe(true);
});

it('the golden store is read without a byte of it being changed', async () => {
  const location = await unpacked();
  const before = treeNow(location);
  {
    await using store = await SnapshotStore.open(location, { readOnly: true });
    for (const [id, tree] of Object.entries(expected)) {
      await using version = await store.device(udid).get(id);
      for (const [path, text] of Object.entries(contentsOf(tree))) {
        if (path.endsWith('/')) continue;
        const bytes = await readTreeFile(version, path, { limit: 1e8 });
        expect({ id, path, text: bytes && shortOf(bytes) }).toEqual({ id, path, text });
      }
    }
  }
  expect(treeNow(location)).toEqual(before);
});

it('the golden store opens, its versions as folders, and takes another run', async () => {
  const location = await unpacked();
  await using store = await SnapshotStore.open(location, { fs: quickFs, leases: new MemoryLeaseManager() });
  const versions = await allVersions(store);
  expect(Object.fromEntries([...versions].map(([id, { tree }]) => [id, tree]))).toEqual(expected);
  expect((await store.device(udid).list()).filter(({ pinned }) => pinned)).toHaveLength(1);
  {
    await using sink = await store.begin(udid);
    await sink.write(`${udid}/day-5`, bytesOf('only day 5'));
    await sink.commit();
  }
  await store.purge({ graceDays: 0 });
  for (const { id } of (await store.device(udid).list()).slice(1)) {
    await using folder = await store.device(udid).openFolder(id);
    expect(treeNow(folder.path)).toEqual(expected[id]);
  }
});
