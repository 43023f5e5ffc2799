import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nodeFs } from '../../../src/snapshot/fs/node-fs.js';
import { walkFolder } from '../../../src/snapshot/run/walk-live.js';
import { temporaryFolder } from '../../backup/support.js';

function walked(root: string): string[] {
  const paths: string[] = [];
  for (const { path, isEmptyFolder } of walkFolder(nodeFs, root)) paths.push(isEmptyFolder ? `${path}/` : path);
  return paths;
}

it('finds files and empty folders by the bytes of their paths, and neither links nor folders with something in them', async () => {
  const root = await temporaryFolder();
  const files = ['a/b', 'a-b', 'a0', 'x/y/z', 'x-', 'ﬀ', '𐀀', 'ÿ', 'Manifest.db'];
  for (const path of files) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), path);
  }
  await mkdir(join(root, 'x/empty'));
  await mkdir(join(root, 'b'));
  await writeFile(join(root, 'b-'), '');
  await symlink('a0', join(root, 'link'));
  expect(walked(root)).toEqual([
    'Manifest.db',
    'a-b',
    'a/b',
    'a0',
    'b/',
    'b-',
    'x-',
    'x/empty/',
    'x/y/z',
    'ÿ',
    'ﬀ',
    '𐀀',
  ]);
});

it('has nothing to say of a folder that is not there', async () => {
  expect(walked(join(await temporaryFolder(), 'none'))).toEqual([]);
});

it('keeps the order of tables whatever the names', async () => {
  const name = fc.stringMatching(/^[!ab-]{1,2}$/);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.array(name, { minLength: 1, maxLength: 3 }), {
        maxLength: 12,
        selector: (parts) => parts.join('/'),
      }),
      async (paths) => {
        const root = await temporaryFolder();
        for (const parts of paths) {
          const path = join(root, ...parts);
          // A name that is a folder already, or below a file, is left out.
          await mkdir(dirname(path), { recursive: true })
            .then(async () => {
              await writeFile(path, '');
            })
            .catch(() => undefined);
        }
        const found = walked(root).map((path) => Buffer.from(path.replace(/\/$/, '')));
        expect(found).toEqual([...found].sort((a, b) => a.compare(b)));
      },
    ),
    { numRuns: 50 },
  );
});
