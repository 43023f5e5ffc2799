import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBackupKitError } from '../../src/core/errors.js';
import { memoryTree, readTreeFile } from '../../src/core/memory-tree.js';
import { Backup } from '../../src/manifest/backup.js';
import { buildBackup } from '../../src/testing/backup-builder/build-backup.js';
import { all } from './support.js';

const limit = 2 ** 24;

describe.each([
  { name: 'Manifest.db', encrypted: false },
  { name: 'Manifest.plist', encrypted: true },
  { name: 'Info.plist', encrypted: false },
])('a changed $name', ({ name, encrypted }) => {
  test('gives what can be read, or one of our errors', async () => {
    const files = ['a', 'b', 'c/d'].map((relativePath) => ({
      domain: 'HomeDomain',
      relativePath,
      content: relativePath,
    }));
    const built = await buildBackup({ encrypted, files, manifest: { pageSize: 1024 } });
    const sound = (await readTreeFile(built.tree, name, { limit })) ?? new Uint8Array(0);
    const names = ['Info.plist', 'Manifest.plist', 'Status.plist', 'Manifest.db'];
    const edits = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(edits, fc.option(fc.nat(sound.length)), async (changes, cut) => {
        const bytes = sound.slice(0, cut ?? sound.length);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        const tree = memoryTree();
        for (const path of names)
          tree.files.set(path, (await readTreeFile(built.tree, path, { limit })) ?? new Uint8Array(0));
        tree.files.set(name, bytes);
        try {
          expect((await Backup.inspect(tree)).warnings).toBeInstanceOf(Array);
          await using backup = await Backup.open(tree, { password: built.password });
          for (const file of await all(backup.files)) expect(JSON.stringify(file)).toContain(file.kind);
          expect(await backup.files.count({ kind: 'file' })).toBeGreaterThanOrEqual(0);
          expect(await backup.fs.readdir('/')).toBeInstanceOf(Array);
        } catch (error) {
          if (!isBackupKitError(error)) throw error;
        }
      }),
      { numRuns: 80 },
    );
  });
});
