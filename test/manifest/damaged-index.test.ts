import { describe, expect, test } from 'vitest';
import { memorySource } from '../../src/core/byte-source.js';
import { memoryTree, type MemoryTree } from '../../src/core/memory-tree.js';
import { Backup } from '../../src/manifest/backup.js';
import { pagedDriver } from '../../src/sqlite/paged/paged-driver.js';
import { buildBackup } from '../../src/testing/backup-builder/build-backup.js';
import { all, names } from './support.js';

const files = Array.from({ length: 300 }, (_, index) => ({
  domain: index % 3 === 0 ? 'CameraRollDomain' : 'HomeDomain',
  relativePath: `Library/${String((index * 7919) % 1000).padStart(4, '0')}.dat`,
  content: 'x',
}));
const indexes = ['FilesDomainIdx', 'FilesRelativePathIdx', 'FilesFlagsIdx', 'sqlite_autoindex_Files_1'];

/** A plain backup, and the same with pages of Manifest.db's indexes overwritten. */
async function backups(damaged: readonly string[]): Promise<{ sound: Backup; damaged: Backup }> {
  const built = await buildBackup({ files });
  const { files: stored } = built.tree as MemoryTree;
  const bytes = stored.get('Manifest.db') ?? new Uint8Array(0);
  const broken = bytes.slice();
  const db = await pagedDriver().open({ db: memorySource(bytes) });
  const pageSize = new DataView(bytes.buffer, bytes.byteOffset).getUint16(16);
  let pages = 0;
  for await (const { name, rootpage } of db.query('SELECT name, rootpage FROM sqlite_master')) {
    if (!damaged.includes(String(name))) continue;
    const start = (Number(rootpage) - 1) * pageSize;
    broken.fill(0xff, start, start + pageSize);
    pages += 1;
  }
  await db.close();
  expect(pages).toBe(damaged.length);
  return {
    sound: await Backup.open(built.tree),
    damaged: await Backup.open(memoryTree([...stored, ['Manifest.db', broken]])),
  };
}

describe.each([...indexes.map((name) => [name]), indexes])('where only %s is damaged', (...damagedIndexes) => {
  test('all files are listed, in their order', async () => {
    const { sound, damaged } = await backups(damagedIndexes);
    for (const query of [
      {},
      { domain: 'HomeDomain' },
      { glob: '**/0*.dat' },
      { pathPrefix: 'Library' },
      { kind: 'file' as const },
    ]) {
      expect(names(await all(damaged.files.list(query)))).toEqual(names(await all(sound.files.list(query))));
      expect(await damaged.files.count(query)).toBe(await sound.files.count(query));
    }
    await damaged.close();
  });

  test('single files and domains are found', async () => {
    const { sound, damaged } = await backups(damagedIndexes);
    const [first] = await all(sound.files.list({ kind: 'file' }));
    if (first === undefined) throw new Error('no files');
    const { domain, relativePath, fileId } = first;
    expect((await damaged.files.get({ domain, relativePath }))?.fileId).toBe(fileId);
    expect((await damaged.files.getById(fileId))?.relativePath).toBe(relativePath);
    expect(await damaged.files.domains()).toEqual(await sound.files.domains());
    await damaged.close();
  });

  test('folders show what is in them', async () => {
    const { sound, damaged } = await backups(damagedIndexes);
    const path = '/HomeDomain/Library';
    expect((await damaged.fs.readdir(path)).toSorted()).toEqual((await sound.fs.readdir(path)).toSorted());
    await damaged.close();
  });
});
