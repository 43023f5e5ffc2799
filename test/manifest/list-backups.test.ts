import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Backup } from '../../src/manifest/backup.js';
import { defaultBackupFolders } from '../../src/manifest/default-folders.js';
import { listBackups } from '../../src/manifest/list-backups.js';
import { buildBackup } from '../../src/testing/backup-builder/build-backup.js';
import { all, codeOf } from './support.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'list-backups-'));
  await buildBackup({ ios: '9.3.5', device: { name: 'Old' } }, { to: join(root, 'all/b-old') });
  await buildBackup({ encrypted: true, device: { name: 'New' } }, { to: join(root, 'all/a-new') });
  await mkdir(join(root, 'all/MediaCache'));
  await writeFile(join(root, 'all/.DS_Store'), '');
  await mkdir(join(root, 'all/c-damaged'));
  await writeFile(join(root, 'all/c-damaged/Manifest.db'), 'no database at all');
  await symlink('../elsewhere', join(root, 'all/d-moved'));
  await buildBackup({ device: { name: 'Moved' } }, { to: join(root, 'elsewhere') });
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

describe('listBackups', () => {
  test('lists the backups in a folder by name, moved and damaged ones too, and passes over the rest', async () => {
    const listed = await all(listBackups(join(root, 'all')));
    expect(
      listed.map(({ path, deviceName, isEncrypted, manifestKind }) => [
        path.slice(root.length),
        deviceName,
        isEncrypted,
        manifestKind,
      ]),
    ).toEqual([
      ['/all/a-new', 'New', true, 'database'],
      ['/all/b-old', 'Old', false, 'mbdb'],
      ['/all/c-damaged', undefined, false, 'database'],
      ['/all/d-moved', 'Moved', false, 'database'],
    ]);
    expect(listed.every(({ error }) => error === undefined)).toBe(true);
    expect(listed[2]?.warnings.length).toBeGreaterThan(2);
  });

  test('gives a folder that is a backup itself', async () => {
    const [only, ...rest] = await all(listBackups(join(root, 'all/b-old')));
    expect([only?.path, only?.deviceName, rest]).toEqual([join(root, 'all/b-old'), 'Old', []]);
  });

  test('has nothing to list in an empty folder, and fails where there is no folder', async () => {
    expect(await all(listBackups(join(root, 'all/MediaCache')))).toEqual([]);
    expect(await codeOf(all(listBackups(join(root, 'none'))))).toBe('MANIFEST_NOT_A_BACKUP');
    expect(await codeOf(all(listBackups(join(root, 'all/.DS_Store'))))).toBe('MANIFEST_NOT_A_BACKUP');
    await expect(all(listBackups(''))).rejects.toThrow(TypeError);
  });

  test('is what Backup.open points out for a folder that only has backups in it', async () => {
    await expect(Backup.open(join(root, 'all'))).rejects.toMatchObject({
      code: 'MANIFEST_NOT_A_BACKUP',
      message: expect.stringContaining('a-new') as unknown,
    });
  });

  test('stops for an aborted signal', async () => {
    const reason = new Error('mine');
    await expect(all(listBackups(root, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
  });

  test.skipIf(process.platform === 'darwin' || process.platform === 'win32')(
    'asks for a folder where the system has none for backups',
    async () => {
      expect(await codeOf(all(listBackups()))).toBe('MANIFEST_NOT_A_BACKUP');
    },
  );
});

describe('default folders', () => {
  test('are those of Finder, iTunes and Apple Devices', () => {
    expect(defaultBackupFolders('darwin', {}, '/Users/me')).toEqual([
      '/Users/me/Library/Application Support/MobileSync/Backup',
    ]);
    const env = { APPDATA: 'C:\\Users\\me\\AppData\\Roaming', USERPROFILE: 'C:\\Users\\me' };
    const folders = [
      'C:\\Users\\me\\AppData\\Roaming\\Apple Computer\\MobileSync\\Backup',
      'C:\\Users\\me\\Apple\\MobileSync\\Backup',
    ];
    expect(defaultBackupFolders('win32', env, 'C:\\Users\\other')).toEqual(folders);
    expect(defaultBackupFolders('win32', {}, 'C:\\Users\\me')).toEqual(folders);
    expect(defaultBackupFolders('linux', env, '/home/me')).toEqual([]);
  });
});
