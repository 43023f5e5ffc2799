import { expect, test } from 'vitest';
import type { MemoryTree } from '../../../src/core/memory-tree.js';
import { Backup } from '../../../src/manifest/backup.js';
import { buildBackup } from '../../../src/testing/backup-builder/build-backup.js';
import { contentsOf, temporaryFolder } from './support.js';

const content = 'x'.repeat(200_000);
const files = [1, 2, 3].map((n) => ({ domain: 'HomeDomain', relativePath: `${n}.txt`, content }));

test.each([undefined, 'password'])('extraction frees nothing that a tree has kept (password %s)', async (password) => {
  const built = await buildBackup({ files, password });
  const { files: stored } = built.tree as MemoryTree;
  const sizes = (): number[] => [...stored.values()].map(({ length }) => length);
  const before = sizes();
  // Gives its own arrays away, as a tree of an application may.
  const tree = Object.assign(Object.create(built.tree) as MemoryTree, {
    readFile: async (path: string) => stored.get(path),
  });
  const backup = await Backup.open(tree, { password });
  for (let run = 0; run < 2; run += 1) {
    const target = await temporaryFolder();
    await backup.extract(target);
    expect(Object.values(await contentsOf(target)).filter((text) => text === content)).toHaveLength(3);
  }
  await backup.close();
  expect(sizes()).toEqual(before);
});
