import { constants } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backup } from '../../src/manifest/backup.js';
import type { FileSpec } from '../../src/testing/backup-builder/types.js';
import { openBuilt } from './support.js';

const file = (domain: string, relativePath: string, content = relativePath): FileSpec => ({
  domain,
  relativePath,
  content,
});
const link = (domain: string, relativePath: string, linkTarget: string): FileSpec => ({
  domain,
  relativePath,
  kind: 'symlink',
  linkTarget,
});
const container = '/private/var/mobile/Containers/Data/Application/0A0A0A0A-0000-4000-8000-000000000001';

const files: FileSpec[] = [
  {
    ...file('HomeDomain', 'Library/SMS/sms.db', 'messages'),
    modified: new Date('2024-01-02T03:04:05Z'),
    mode: 0o600,
    userId: 33,
  },
  file('HomeDomain', 'Library/SMS.txt'),
  file('HomeDomain', 'Library/SMS/a/b'),
  link('HomeDomain', 'Library/relative', 'SMS/sms.db'),
  link('HomeDomain', 'Library/up', '../Library/./SMS'),
  link('HomeDomain', 'Library/absolute', '/private/var/mobile/Library/SMS/sms.db'),
  link('HomeDomain', 'Library/photos', '/var/mobile/Media/DCIM'),
  link('HomeDomain', 'Library/app', `${container}/Documents/a.txt`),
  link('HomeDomain', 'Library/out', '/etc/passwd'),
  link('HomeDomain', 'Library/above', '../../../../../../etc/passwd'),
  link('HomeDomain', 'Library/sideways', '../../db/x'),
  link('HomeDomain', 'Library/dangling', 'nothing'),
  link('HomeDomain', 'Library/circle1', 'circle2'),
  link('HomeDomain', 'Library/circle2', 'circle1'),
  link('HomeDomain', 'Library/self', 'self'),
  link('UnknownDomain', 'leaves', '../x'),
  file('DatabaseDomain', 'x', 'sideways'),
  file('CameraRollDomain', 'Media/DCIM/100APPLE/IMG_0001.JPG', 'picture'),
  file('AppDomain-com.example.app', 'Documents/a.txt', 'app'),
  file('AppDomainGroup-group.com.example', 'c.txt', 'group'),
  { ...file('SecretDomain', 'cut', 'x'.repeat(100)), damage: ['content-truncated'] },
  { ...file('SecretDomain', 'keyless'), damage: ['key-missing'] },
];

let backup: Backup;
beforeAll(async () => {
  backup = await openBuilt({
    encrypted: true,
    files,
    manifestPlist: {
      Applications: {
        'com.example.app': {
          CFBundleIdentifier: 'com.example.app',
          ContainerContentClass: 'Data/Application',
          Path: container,
        },
      },
    },
    rows: [
      { fileID: '1'.repeat(40), domain: 'ImpliedDomain', relativePath: 'deep/er/file', flags: 1 },
      { fileID: '2'.repeat(40), domain: 'Home/Domain', relativePath: 'x', flags: 1 },
      { fileID: '3'.repeat(40), domain: '..', relativePath: 'x', flags: 1 },
      { fileID: '4'.repeat(40), domain: 'ImpliedDomain', relativePath: '../x', flags: 1 },
      { fileID: '5'.repeat(40), domain: 'ImpliedDomain', relativePath: 'a//b', flags: 1 },
    ],
  });
});
afterAll(async () => {
  await backup.close();
});

const text = async (path: string): Promise<string> => await backup.fs.readFile(path, 'utf8');

async function codes(...calls: Promise<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(calls);
  return settled.map((result) =>
    result.status === 'rejected' ? (result.reason as { code: unknown }).code : 'no error',
  );
}

describe('backup.fs', () => {
  test('reads files as bytes and as text', async () => {
    expect(await backup.fs.readFile('/HomeDomain/Library/SMS/sms.db')).toEqual(new TextEncoder().encode('messages'));
    expect(await backup.fs.readFile('/HomeDomain/Library/SMS/sms.db', { encoding: 'hex' })).toBe('6d65737361676573');
    expect(await backup.fs.readFile('/HomeDomain/Library/SMS/sms.db', null)).toBeInstanceOf(Uint8Array);
    expect(await text('HomeDomain//Library/./SMS/../SMS/sms.db')).toBe('messages');
  });

  test('streams files and ranges of them', async () => {
    expect((await buffer(backup.fs.createReadStream('/HomeDomain/Library/SMS/sms.db'))).toString()).toBe('messages');
    const range = backup.fs.createReadStream('/HomeDomain/Library/SMS/sms.db', { start: 2, end: 4 });
    expect((await buffer(range)).toString()).toBe('ssa');
    expect(
      await codes(buffer(backup.fs.createReadStream('/none')), buffer(backup.fs.createReadStream('/SecretDomain/cut'))),
    ).toEqual(['ENOENT', 'EIO']);
  });

  test('lists folders by name', async () => {
    expect(await backup.fs.readdir('/')).toEqual([
      'AppDomain-com.example.app',
      'AppDomainGroup-group.com.example',
      'CameraRollDomain',
      'DatabaseDomain',
      'HomeDomain',
      'ImpliedDomain',
      'SecretDomain',
      'UnknownDomain',
    ]);
    expect(await backup.fs.readdir('/HomeDomain/Library/SMS')).toEqual(['a', 'sms.db']);
    expect(await backup.fs.readdir('/HomeDomain/Library/SMS/')).toEqual(['a', 'sms.db']);
    expect(await backup.fs.readdir('/HomeDomain', { recursive: true })).toContain('Library/SMS/a/b');
    const entries = await backup.fs.readdir('/HomeDomain/Library', { withFileTypes: true });
    const kinds = Object.fromEntries(
      entries.map((entry) => [entry.name, [entry.isFile(), entry.isDirectory(), entry.isSymbolicLink()]]),
    );
    expect(kinds).toMatchObject({
      SMS: [false, true, false],
      'SMS.txt': [true, false, false],
      relative: [false, false, true],
    });
    expect(entries[0]?.parentPath).toBe('/HomeDomain/Library');
    expect([
      entries[0]?.isFIFO(),
      entries[0]?.isSocket(),
      entries[0]?.isBlockDevice(),
      entries[0]?.isCharacterDevice(),
    ]).toEqual(Array.from({ length: 4 }, () => false));
  });

  test('has folders that no row names, and no names that are no names', async () => {
    expect(await backup.fs.readdir('/ImpliedDomain')).toEqual(['a', 'deep']);
    expect(await backup.fs.readdir('/ImpliedDomain/deep')).toEqual(['er']);
    const stats = await backup.fs.stat('/ImpliedDomain/deep/er');
    expect([stats.isDirectory(), stats.mode, stats.mtimeMs]).toEqual([true, 0o040755, 0]);
    expect(await backup.fs.readdir('/ImpliedDomain/a')).toEqual([]);
  });

  test('has the facts of files, folders and links', async () => {
    const stats = await backup.fs.stat('/HomeDomain/Library/SMS/sms.db');
    expect(stats).toMatchObject({ size: 8, mode: 0o100600, uid: 33, nlink: 1, blocks: 1 });
    expect([stats.mtime, stats.mtimeMs, stats.isFile()]).toEqual([
      new Date('2024-01-02T03:04:05Z'),
      Date.UTC(2024, 0, 2, 3, 4, 5),
      true,
    ]);
    expect([stats.atimeMs, stats.ctimeMs, stats.birthtimeMs].every(Number.isFinite)).toBe(true);
    expect((await backup.fs.stat('/HomeDomain/Library/relative')).isFile()).toBe(true);
    const linkStats = await backup.fs.lstat('/HomeDomain/Library/relative');
    expect([linkStats.isSymbolicLink(), linkStats.size]).toEqual([true, 'SMS/sms.db'.length]);
    expect((await backup.fs.stat('/')).isDirectory()).toBe(true);
  });

  test('follows links within the backup, and device paths to their domains', async () => {
    expect(await text('/HomeDomain/Library/relative')).toBe('messages');
    expect(await text('/HomeDomain/Library/up/sms.db')).toBe('messages');
    expect(await text('/HomeDomain/Library/absolute')).toBe('messages');
    expect(await text('/HomeDomain/Library/photos/100APPLE/IMG_0001.JPG')).toBe('picture');
    expect(await text('/HomeDomain/Library/app')).toBe('app');
    expect(await text('/HomeDomain/Library/sideways')).toBe('sideways');
    expect(await backup.fs.realpath('/HomeDomain/Library/up/../SMS.txt')).toBe('/HomeDomain/Library/SMS.txt');
    expect(await backup.fs.realpath('/HomeDomain/Library/photos/100APPLE')).toBe(
      '/CameraRollDomain/Media/DCIM/100APPLE',
    );
    expect(await backup.fs.readlink('/HomeDomain/Library/out')).toBe('/etc/passwd');
  });

  test('never follows a link out, nor in a circle', async () => {
    const { fs } = backup;
    const out = ['out', 'above', 'dangling'].map((name) => fs.readFile(`/HomeDomain/Library/${name}`));
    expect(await codes(...out, fs.stat('/UnknownDomain/leaves'))).toEqual(Array.from({ length: 4 }, () => 'ENOENT'));
    const circles = ['circle1', 'self'].map((name) => fs.stat(`/HomeDomain/Library/${name}`));
    expect(await codes(...circles)).toEqual(['ELOOP', 'ELOOP']);
    expect(await codes(fs.readFile('/../../etc/passwd'), fs.readFile('/HomeDomain/../../../etc/passwd'))).toEqual([
      'ENOENT',
      'ENOENT',
    ]);
  });

  test('has the containers of apps by their id', async () => {
    expect(await text('/@apps/com.example.app/Documents/a.txt')).toBe('app');
    expect(await text('/@apps/group.com.example/c.txt')).toBe('group');
    expect(await backup.fs.readdir('/@apps')).toEqual(['com.example.app']);
    expect(await backup.fs.realpath('/@apps/com.example.app/Documents')).toBe('/AppDomain-com.example.app/Documents');
    expect(await codes(backup.fs.stat('/@apps/none'))).toEqual(['ENOENT']);
  });

  test('fails as node:fs does', async () => {
    const { fs } = backup;
    expect(
      await codes(
        fs.readFile('/none'),
        fs.readFile('/HomeDomain'),
        fs.readFile('/'),
        fs.readdir('/HomeDomain/Library/SMS.txt'),
        fs.stat('/HomeDomain/Library/SMS.txt/below'),
        fs.readlink('/HomeDomain'),
        fs.readFile('/SecretDomain/cut'),
        fs.readFile('/SecretDomain/keyless'),
        fs.access('/none'),
        fs.access('/HomeDomain', constants.W_OK),
        fs.access('/HomeDomain'),
      ),
    ).toEqual([
      'ENOENT',
      'EISDIR',
      'EISDIR',
      'ENOTDIR',
      'ENOTDIR',
      'EINVAL',
      'EIO',
      'EACCES',
      'ENOENT',
      'EROFS',
      'no error',
    ]);
    await expect(fs.readFile('/HomeDomain/none')).rejects.toMatchObject({
      message: "ENOENT: no such file or directory, open '/HomeDomain/none'",
      syscall: 'open',
      path: '/HomeDomain/none',
      errno: -2,
      cause: { code: 'MANIFEST_FILE_NOT_FOUND', domain: 'HomeDomain', relativePath: 'none' },
    });
    await expect(fs.stat(5 as unknown as string)).rejects.toThrow(TypeError);
  });

  test('refuses to write', async () => {
    const { fs } = backup;
    const calls = [
      'writeFile',
      'appendFile',
      'mkdir',
      'rm',
      'unlink',
      'rename',
      'symlink',
      'truncate',
      'chmod',
      'utimes',
      'cp',
    ] as const;
    expect(await codes(...calls.map((name) => fs[name]('/HomeDomain/x', 'y')))).toEqual(calls.map(() => 'EROFS'));
  });
});
