import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { utf8Encode } from '../../../src/core/bytes.js';
import { barrier, putDurable } from '../../../src/snapshot/fs/durable.js';
import { nodeFs } from '../../../src/snapshot/fs/node-fs.js';
import type { StoreFs } from '../../../src/snapshot/fs/store-fs.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'durable-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Notes the calls that matter to durability. */
function recording(changes: Partial<StoreFs> = {}): { fs: StoreFs; calls: string[] } {
  const calls: string[] = [];
  const short = (path: string): string => path.slice(folder.length + 1).replace(/[0-9a-f-]{36}/, '*') || '.';
  const fs: StoreFs = {
    ...nodeFs,
    create(path, mode) {
      const writer = nodeFs.create(path, mode);
      return {
        ...writer,
        sync() {
          calls.push(`sync content ${short(path)}`);
          writer.sync();
        },
      };
    },
    rename(from, to) {
      calls.push(`rename ${short(from)} ${short(to)}`);
      nodeFs.rename(from, to);
    },
    sync(path) {
      calls.push(`sync ${short(path)}`);
      nodeFs.sync(path);
    },
    ...changes,
  };
  return { fs, calls };
}

test('a small file is put whole: content, name, folder, in this order', () => {
  const { fs, calls } = recording();
  const put = (text: string): void => {
    putDurable(fs, { staging: join(folder, 'staging'), path: join(folder, 'a/b/file'), bytes: utf8Encode(text) });
  };
  put('first');
  expect(calls).toEqual([
    'sync .',
    'sync a',
    'sync .',
    'sync content staging/*',
    'rename staging/* a/b/file',
    'sync a/b',
  ]);
  calls.length = 0;
  put('second');
  expect(calls).toEqual(['sync content staging/*', 'rename staging/* a/b/file', 'sync a/b']);
  expect(readFileSync(join(folder, 'a/b/file'), 'utf8')).toBe('second');
  expect(readdirSync(join(folder, 'staging'))).toEqual([]);
});

test.each(['create', 'rename'] as const)('where %s fails, the error is typed and nothing is left', (call) => {
  const { fs } = recording({
    [call]: () => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    },
  });
  writeFileSync(join(folder, 'file'), 'before');
  expect(() => {
    putDurable(fs, { staging: join(folder, 'staging'), path: join(folder, 'file'), bytes: utf8Encode('after') });
  }).toThrow(expect.objectContaining({ code: 'IO_NO_SPACE', path: join(folder, 'file') }));
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('before');
  expect(readdirSync(join(folder, 'staging'))).toEqual([]);
});

test('a barrier is one call for the volume where the system can do that', async () => {
  const { fs, calls } = recording({ syncVolume: async () => true });
  await barrier(fs, folder, [join(folder, 'never looked at')]);
  expect(calls).toEqual([]);
});

test('else each file, then each folder; what is gone is left out', async () => {
  const { fs, calls } = recording({ syncVolume: async () => false });
  const paths = ['a/1', 'a/2', 'b/3'].map((path) => join(folder, path));
  for (const path of paths) {
    fs.makeFolder(dirname(path));
    writeFileSync(path, path);
  }
  await barrier(fs, folder, [...paths, join(folder, 'c/gone')]);
  expect(calls).toEqual(['sync a/1', 'sync a/2', 'sync b/3', 'sync a', 'sync b', 'sync .']);
});

test('a barrier that the disk refuses is an error', async () => {
  const { fs } = recording({
    syncVolume: async () => false,
    sync: () => {
      throw Object.assign(new Error('broken'), { code: 'EIO' });
    },
  });
  writeFileSync(join(folder, 'file'), '');
  await expect(barrier(fs, folder, [join(folder, 'file')])).rejects.toMatchObject({ code: 'IO_FAILED', errno: 'EIO' });
});
