import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { directoryTree } from '../../src/manifest/directory-tree.js';

const mebibyte = 1024 * 1024;

test.each([0, 1, mebibyte, mebibyte + 1, 3 * mebibyte])('a file of %i bytes is read whole', async (size) => {
  const root = await mkdtemp(join(tmpdir(), 'directory-tree-size-'));
  onTestFinished(async () => {
    await rm(root, { recursive: true, force: true });
  });
  const content = new Uint8Array(size).map((_byte, index) => index * 31);
  await writeFile(join(root, 'file'), content);
  const tree = directoryTree(root);
  const limit = 4 * mebibyte;
  // Read side by side, since small ones are read synchronously.
  const reads = await Promise.all([1, 2, 3].map(async () => await tree.readFile?.('file', { limit })));
  for (const read of reads) {
    expect(Object.getPrototypeOf(read)).toBe(Uint8Array.prototype);
    expect(read?.byteLength).toBe(read?.buffer.byteLength);
    expect(Buffer.compare(read ?? new Uint8Array(), content)).toBe(0);
  }
  expect(reads[0]?.buffer).not.toBe(reads[1]?.buffer);
});
