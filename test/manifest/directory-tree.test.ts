import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackupTree } from '../../src/core/backup-tree.js';
import { directoryTree } from '../../src/manifest/directory-tree.js';
import { accessDenied, readError } from '../../src/manifest/regular-file.js';
import { all, codeOf } from './support.js';

let root: string;
let tree: BackupTree;
const limit = 1024;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'directory-tree-'));
  await mkdir(join(root, 'backup/3d'), { recursive: true });
  await writeFile(join(root, 'backup/3d/file'), 'content');
  await writeFile(join(root, 'backup/empty'), '');
  await writeFile(join(root, 'secret'), 'secret');
  await mkdir(join(root, 'elsewhere'));
  await writeFile(join(root, 'elsewhere/file'), 'secret');
  await symlink('../secret', join(root, 'backup/link-out'));
  await symlink('3d/file', join(root, 'backup/link-in'));
  await symlink('../elsewhere', join(root, 'backup/folder-out'));
  await symlink('backup', join(root, 'backup-link'));
  tree = directoryTree(join(root, 'backup'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

describe('directoryTree', () => {
  test('opens and reads files, also through a link to the folder itself', async () => {
    for (const folder of [tree, directoryTree(join(root, 'backup-link'))]) {
      const source = await folder.open('3d/file');
      expect([source?.size, new TextDecoder().decode(await source?.read(3, 100))]).toEqual([7, 'tent']);
      await source?.close();
      expect(new TextDecoder().decode(await folder.readFile?.('3d/file', { limit }))).toBe('content');
      expect(await folder.readFile?.('empty', { limit })).toEqual(new Uint8Array(0));
    }
  });

  test('reads into the room that it is given, where that is large enough', async () => {
    const room = new Uint8Array(8);
    const content = await tree.readFile?.('3d/file', { limit, room });
    expect(content?.buffer).toBe(room.buffer);
    expect(new TextDecoder().decode(content)).toBe('content');
    const own = await tree.readFile?.('3d/file', { limit, room: new Uint8Array(6) });
    expect(new TextDecoder().decode(own)).toBe('content');
  });

  test.skipIf(process.platform === 'win32')(
    'tells where a file lies as soon as it has seen the folder, and never out of itself or through a link',
    async () => {
      const fresh = directoryTree(join(root, 'backup'));
      expect(fresh.localFile?.('3d/file')).toBeUndefined();
      await fresh.readFile?.('3d/file', { limit });
      expect(fresh.localFile?.('3d/file')).toBe(join(root, 'backup/3d/file'));
      await fresh.readFile?.('folder-out/file', { limit });
      expect(fresh.localFile?.('folder-out/file')).toBeUndefined();
      expect(() => fresh.localFile?.('3d/../../secret')).toThrow(expect.objectContaining({ code: 'IO_UNSAFE_PATH' }));
    },
  );

  test.each(['none', '3d/none', 'none/none', '3d', '', '3d/file/below', 'x'.repeat(300)])(
    'has no file %j',
    async (path) => {
      expect(await tree.open(path)).toBeUndefined();
      expect(await tree.readFile?.(path, { limit })).toBeUndefined();
    },
  );

  test.each(['link-out', 'link-in', 'folder-out/file'])('does not follow the link in %s', async (path) => {
    expect(await tree.open(path)).toBeUndefined();
    expect(await tree.readFile?.(path, { limit })).toBeUndefined();
    expect(await all(tree.list(path))).toEqual([]);
  });

  test.each(['../secret', '/etc/passwd', '3d/../../secret', '3d//file', './3d', 'a\0b', 'C:x'])(
    'refuses the path %j',
    async (path) => {
      expect(await codeOf(tree.open(path))).toBe('IO_UNSAFE_PATH');
      expect(await codeOf(tree.readFile?.(path, { limit }) ?? Promise.resolve())).toBe('IO_UNSAFE_PATH');
      expect(await codeOf(all(tree.list(path)))).toBe('IO_UNSAFE_PATH');
    },
  );

  test('lists files and folders, without links and special files', async () => {
    const entries = (await all(tree.list(''))).toSorted((a, b) => a.path.localeCompare(b.path));
    expect(entries).toEqual([
      { path: '3d', kind: 'directory', size: 0 },
      { path: 'empty', kind: 'file', size: 0 },
    ]);
    expect(await all(tree.list('3d'))).toEqual([{ path: '3d/file', kind: 'file', size: 7 }]);
    expect([await all(tree.list('none')), await all(tree.list('empty'))]).toEqual([[], []]);
  });

  test.skipIf(process.platform === 'win32')('does not wait for the other end of a pipe', async () => {
    execFileSync('mkfifo', [join(root, 'backup/pipe')]);
    expect(await tree.open('pipe')).toBeUndefined();
    expect((await all(tree.list(''))).some(({ path }) => path === 'pipe')).toBe(false);
    await rm(join(root, 'backup/pipe'));
  });

  test('reads no more than the limit in one piece', async () => {
    expect(await codeOf(tree.readFile?.('3d/file', { limit: 6 }) ?? Promise.resolve())).toBe('FORMAT_LIMIT_EXCEEDED');
  });

  test('stops for an aborted signal before it reads', async () => {
    const reason = new Error('mine');
    const signal = AbortSignal.abort(reason);
    await expect(tree.open('3d/file', { signal })).rejects.toBe(reason);
    await expect(tree.readFile?.('3d/file', { limit, signal })).rejects.toBe(reason);
    await expect(all(tree.list('', { signal }))).rejects.toBe(reason);
  });

  test.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
    'says that the system refuses to read',
    async () => {
      await chmod(join(root, 'backup/3d/file'), 0);
      expect(await codeOf(tree.open('3d/file'))).toBe('MANIFEST_ACCESS_DENIED');
      await chmod(join(root, 'backup/3d/file'), 0o644);
    },
  );

  test('names the way to allow it on macOS', () => {
    for (const code of ['EPERM', 'EACCES']) {
      const denied = readError(Object.assign(new Error('denied'), { code }), '/backup', 'opening');
      expect(denied).toMatchObject({ code: 'MANIFEST_ACCESS_DENIED' });
    }
    expect(accessDenied('/backup', undefined, 'darwin').message).toContain('Full Disk Access');
    expect(accessDenied('/backup', undefined, 'linux').message).toContain('permissions');
    expect(readError(Object.assign(new Error('disk'), { code: 'EIO' }), '/backup', 'opening')).toMatchObject({
      code: 'IO_FAILED',
    });
  });

  test('needs a path', () => {
    expect(() => directoryTree('')).toThrow(TypeError);
    expect(() => directoryTree(undefined as unknown as string)).toThrow(TypeError);
  });
});
