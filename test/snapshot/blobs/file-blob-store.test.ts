import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileBlobStore } from '../../../src/snapshot/blobs/file-blob-store.js';
import { nodeFs } from '../../../src/snapshot/fs/node-fs.js';
import type { StoreFs } from '../../../src/snapshot/fs/store-fs.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'file-blobs-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const content = new Uint8Array(5);
const keys = async (store: FileBlobStore): Promise<string[]> => {
  const found: string[] = [];
  for await (const { key } of store.list('')) found.push(key);
  return found.toSorted();
};

test('files that are being made, links and folders are no blobs', async () => {
  const store = new FileBlobStore({ fs: nodeFs, root });
  await store.put('a/b', content, { size: 5 });
  writeFileSync(join(root, 'staging/left over'), '');
  symlinkSync('/etc/passwd', join(root, 'a/link'));
  mkdirSync(join(root, 'a/folder'));
  expect(await keys(store)).toEqual(['a/b']);
  expect(await store.head('a/link')).toBeUndefined();
  expect(await store.get('a/link')).toBeUndefined();
  expect(await store.open('a/link')).toBeUndefined();
  for (const key of ['staging', 'staging/left over'])
    await expect(store.put(key, content, { size: 5 })).rejects.toMatchObject({ code: 'IO_UNSAFE_PATH' });
  await store.put('staging2', content, { size: 5 });
  expect(await keys(store)).toEqual(['a/b', 'staging2']);
});

test('a blob is on the disk before its name, its name before the call ends, and cannot be written', async () => {
  const calls: string[] = [];
  const short = (path: string): string => path.slice(root.length + 1).replace(/[0-9a-f-]{36}/, '*');
  const fs: StoreFs = {
    ...nodeFs,
    create(path, mode) {
      const writer = nodeFs.create(path, mode);
      return {
        ...writer,
        sync() {
          calls.push(`content ${short(path)}`);
          writer.sync();
        },
      };
    },
    link(from, to) {
      calls.push(`link ${short(to)}`);
      nodeFs.link(from, to);
    },
    rename(from, to) {
      calls.push(`rename ${short(to)}`);
      nodeFs.rename(from, to);
    },
    sync(path) {
      calls.push(`sync ${short(path)}`);
      nodeFs.sync(path);
    },
  };
  const store = new FileBlobStore({ fs, root, staging: join(root, 'elsewhere') });
  await store.put('a/b', content, { size: 5 });
  expect(calls).toEqual(['sync ', 'content elsewhere/*', 'sync ', 'rename a/b', 'sync a']);
  calls.length = 0;
  await store.put('a/c', content, { size: 5, ifAbsent: true });
  expect(calls).toEqual(['content elsewhere/*', 'link a/c', 'sync a']);
  expect(nodeFs.facts(join(root, 'a/c'))).toMatchObject({ mode: 0o444, links: 1 });
});

test('a full disk is a typed error, and nothing is left', async () => {
  const fs: StoreFs = {
    ...nodeFs,
    create(path, mode) {
      return {
        ...nodeFs.create(path, mode),
        write() {
          throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        },
      };
    },
  };
  const store = new FileBlobStore({ fs, root });
  await expect(store.put('a/b', content, { size: 5 })).rejects.toMatchObject({ code: 'IO_NO_SPACE' });
  expect(await keys(store)).toEqual([]);
  expect(nodeFs.entries(join(root, 'staging'))).toEqual([]);
});

test('a blob that goes away before its stream is read is a typed error', async () => {
  const store = new FileBlobStore({ fs: nodeFs, root });
  await store.put('a', content, { size: 5 });
  const stream = await store.get('a');
  await store.delete(['a']);
  await expect(async () => {
    for await (const _ of stream ?? []) break;
  }).rejects.toMatchObject({ code: 'IO_FAILED', errno: 'ENOENT' });
});

test('a size that is no number of bytes is refused', async () => {
  const store = new FileBlobStore({ fs: nodeFs, root });
  for (const size of [-1, 0.5, Number.NaN]) await expect(store.put('a', content, { size })).rejects.toThrow(RangeError);
});
