import { describe, expect, test } from 'vitest';
import {
  createVirtualDevice,
  sampleBackupSpec,
  type CreateVirtualDeviceOptions,
} from '../../../../src/entry/testing.js';
import { parsePlist } from '../../../../src/plist/parse.js';
import { dict } from '../../../support/raw-backup.js';
import { MiniHost, snapshot } from './mini-host.js';
import { contentsOf, someFiles } from './support.js';

const home = { domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' };
const notes = 'AppDomain-com.example.notes';

async function backedUp(options: CreateVirtualDeviceOptions = {}) {
  const device = await createVirtualDevice({ fileSystem: someFiles(), ...options });
  const host = await MiniHost.paired(device);
  expect(await host.request('Backup')).toMatchObject({ code: 0 });
  return { device, host };
}

describe('A backup of a virtual device', () => {
  test.each([
    ['9.3.5', undefined],
    ['9.3.5', 'secret'],
    ['10.0', 'secret'],
    ['10.1', 'secret'],
    ['17.4', undefined],
    ['17.4', 'secret'],
    ['26.0', 'secret'],
  ])('of iOS %s with password %s holds every file of the device', async (ios, password) => {
    const { device, host } = await backedUp({ ios, backup: { password } });
    await using _ = device;
    await using backup = await host.open(password);
    expect(backup.summary).toMatchObject({ isEncrypted: password !== undefined, isFinished: true, udid: device.udid });
    expect(await contentsOf(backup)).toEqual(await snapshot(device));
    expect(host.paths().filter((path) => path.startsWith('Snapshot/'))).toEqual([]);
  });

  test('goes through the messages in the order of real devices', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    const steps = host.log.filter((name, index) => name !== host.log[index - 1]);
    expect(steps).toEqual([
      'DLMessageDownloadFiles',
      'DLContentsOfDirectory',
      'DLMessageGetFreeDiskSpace',
      'DLMessageCreateDirectory',
      'DLMessageUploadFiles',
      'DLMessageCreateDirectory',
      'DLMessageUploadFiles',
      'DLMessageMoveItems',
      'DLMessageUploadFiles',
      'DLContentsOfDirectory',
      'DLMessageRemoveItems',
      'DLMessageUploadFiles',
      'DLMessageDownloadFiles',
      'DLMessageProcessMessage',
    ]);
    expect(host.progress.at(-1)).toBe(100);
    expect(host.uploads.at(-1)).toBe(`${device.udid}/Status.plist`);
    expect(host.uploads.filter((path) => path.includes('/Snapshot/Manifest.'))).toHaveLength(2);
  });

  test('adds nothing when nothing has changed', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    const before = host.paths();
    host.uploads.length = 0;
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
    expect(device.backups.runs.at(-1)).toMatchObject({ isFull: false, uploadedFiles: 0, uploadedBytes: 0 });
    expect(host.uploads.filter((path) => /[0-9a-f]{40}$/.test(path))).toEqual([]);
    expect(host.paths()).toEqual(before);
    expect(
      dict(parsePlist(host.disk.files.get(`${device.udid}/Status.plist`) ?? new Uint8Array())).get('IsFullBackup'),
    ).toBe(false);
  });

  test.each([undefined, 'secret'])(
    'sends what has changed and removes what is gone, with password %s',
    async (password) => {
      const { device, host } = await backedUp({ backup: { password } });
      await using _ = device;
      const { fileSystem } = device;
      fileSystem.modify(home, { content: { size: 100_000 } });
      fileSystem.modify({ domain: 'RootDomain', relativePath: 'Library/x.bin' }, { mode: 0o600 });
      fileSystem.append({ domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE/IMG_0001.JPG' }, 'more');
      fileSystem.rename({ domain: notes, relativePath: 'Documents/Ideen' }, { domain: notes, relativePath: 'Ideas' });
      fileSystem.remove({ domain: 'HomeDomain', relativePath: 'Library/Preferences' });
      fileSystem.add({ domain: 'HomeDomain', relativePath: 'new.txt', content: 'new' });
      expect(await host.request('Backup')).toMatchObject({ code: 0 });
      // The database, the photo, the renamed note and the new file; the old note and the settings are removed, and Snapshot.
      expect(device.backups.runs.at(-1)).toMatchObject({ isFull: false, uploadedFiles: 4, removed: 3 });
      await using backup = await host.open(password);
      expect(await contentsOf(backup)).toEqual(await snapshot(device));
      const payloads = host.paths().filter((path) => /[0-9a-f]{40}$/.test(path));
      expect(payloads).toHaveLength((await snapshot(device)).filter(({ kind }) => kind === 'file').length);
    },
  );

  test('sends the companion of a database that grows, and the file itself after a checkpoint', async () => {
    const { device, host } = await backedUp({ fileSystem: sampleBackupSpec({ photos: 0, contacts: 3, messages: 3 }) });
    await using _ = device;
    const tasks = {
      domain: 'AppDomainGroup-group.com.example.notes',
      relativePath: 'Library/Application Support/Tasks.sqlite',
    };
    await device.fileSystem.growDatabase(tasks, "INSERT INTO tasks VALUES (101, 'Read', 0)", { wal: true });
    await host.request('Backup');
    expect(device.backups.runs.at(-1)).toMatchObject({ isFull: false, uploadedFiles: 1 });
    await device.fileSystem.growDatabase(tasks, "INSERT INTO tasks VALUES (102, 'Write', 0)");
    await host.request('Backup');
    await using backup = await host.open();
    await using database = await backup.openDatabase(tasks);
    const ids: unknown[] = [];
    for await (const { id } of database.query('SELECT id FROM tasks WHERE id > 99 ORDER BY id')) ids.push(id);
    expect(ids).toEqual([100, 101, 102]);
  });

  test('begins anew when forced, and removes payloads that nobody knows', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    host.disk.files.set(`${device.udid}/00/${'0'.repeat(40)}`, new Uint8Array(5));
    expect(await host.request('Backup', { Options: { ForceFullBackup: true } })).toMatchObject({ code: 0 });
    expect(device.backups.runs.at(-1)).toMatchObject({ isFull: true, uploadedFiles: 6 });
    expect(host.disk.files.has(`${device.udid}/00/${'0'.repeat(40)}`)).toBe(false);
  });

  test('begins anew where metadata is missing, of another device, or in the middle of its moves', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    for (const name of ['Status.plist', 'Manifest.plist', 'Manifest.db']) {
      host.disk.files.delete(`${device.udid}/${name}`);
      expect(await host.request('Backup')).toMatchObject({ code: 0 });
      expect(device.backups.runs.at(-1)).toMatchObject({ isFull: true });
    }
    device.backups.faults.at('remove', { pullCable: true });
    expect(await host.request('Backup')).toBeUndefined();
    await device.backups.untilIdle();
    await device.attach();
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
    expect(device.backups.runs.at(-1)).toMatchObject({ isFull: true });
    await using other = await createVirtualDevice({ seed: 2, fileSystem: someFiles() });
    const files = [...host.disk.files].map(([path, bytes]) => [path.replace(device.udid, other.udid), bytes] as const);
    const second = await MiniHost.paired(other);
    for (const [path, bytes] of files) second.disk.files.set(path, bytes);
    expect(await second.request('Backup')).toMatchObject({ code: 0 });
    expect(other.backups.runs.at(-1)).toMatchObject({ isFull: true });
  });

  test('adds to a backup whose last run ended before its moves', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    device.fileSystem.modify(home, { content: 'changed' });
    device.backups.faults.at('move', { disconnect: 'enough' });
    expect(await host.request('Backup')).toBeUndefined();
    expect(host.paths().some((path) => path.startsWith('Snapshot/'))).toBe(true);
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
    expect(device.backups.runs.at(-1)).toMatchObject({ isFull: false, uploadedFiles: 1 });
    await using backup = await host.open();
    expect(await contentsOf(backup)).toEqual(await snapshot(device));
  });

  test('begins anew with new keys when the password is set, changed and removed', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    const keybags: unknown[] = [];
    for (const password of ['one', 'two', undefined]) {
      device.backups.setPassword(password);
      expect(await host.request('Backup')).toMatchObject({ code: 0 });
      expect(device.backups.runs.at(-1)).toMatchObject({ isFull: true, uploadedFiles: 6 });
      const manifest = dict(parsePlist(host.disk.files.get(`${device.udid}/Manifest.plist`) ?? new Uint8Array()));
      keybags.push(manifest.get('BackupKeyBag'));
      await using backup = await host.open(password);
      expect(await contentsOf(backup)).toEqual(await snapshot(device));
    }
    expect(new Set(keybags.map(String)).size).toBe(3);
  });

  test('with an empty Manifest.plist on the host fails with 205, with a damaged one with 11', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    host.disk.files.set(`${device.udid}/Manifest.plist`, new Uint8Array());
    expect(await host.request('Backup')).toMatchObject({
      code: 205,
      text: expect.stringContaining('(MBErrorDomain/205)') as string,
    });
    host.disk.files.set(`${device.udid}/Manifest.plist`, Uint8Array.of(1, 2, 3));
    expect(await host.request('Backup')).toMatchObject({ code: 11 });
    expect(await host.request('Backup', { Options: { ForceFullBackup: true } })).toMatchObject({ code: 0 });
  });

  test('sends files in batches of the profile', async () => {
    const files = Array.from({ length: 25 }, (_unused, index) => ({
      domain: 'HomeDomain',
      relativePath: `f${index}`,
      content: 'x',
    }));
    const { device, host } = await backedUp({ fileSystem: files, backup: { profile: { batchFiles: 10 } } });
    await using _ = device;
    const batches = host.log.filter((name) => name === 'DLMessageUploadFiles').length;
    expect(batches).toBe(3 + 5); // three of payloads, one of metadata, four of Status.plist
  });

  test('keeps the values of lockdownd up to date', async () => {
    const { device, host } = await backedUp({ now: () => new Date('2024-03-14T09:00:00Z') });
    await using _ = device;
    expect(device.values.get('com.apple.mobile.backup', 'LastiTunesBackupDate')).toBe(732_099_600);
    expect(device.values.get('com.apple.mobile.backup', 'LastiTunesBackupTZ')).toBe('Europe/Berlin');
    expect(device.values.get('com.apple.mobile.backup', 'WillEncrypt')).toBe(false);
    const names: string[] = [];
    device.notifications.subscribe((name) => names.push(name));
    expect(await host.request('ChangePassword', { NewPassword: 'x' })).toMatchObject({ code: 0 });
    expect(device.values.get('com.apple.mobile.backup', 'WillEncrypt')).toBe(true);
    expect(names).toContain('com.apple.mobile.backup.domain_changed');
  });

  test('takes the file system as it is at the start', async () => {
    await using device = await createVirtualDevice({ fileSystem: someFiles() });
    const host = await MiniHost.paired(device);
    const before = await snapshot(device);
    host.answer = (message) => {
      if (message.type === 'DLMessageCreateDirectory') device.fileSystem.modify(home, { content: 'later' });
      return undefined;
    };
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
    await using backup = await host.open();
    expect(await contentsOf(backup)).toEqual(before);
  });

  test('speaks XML when told to', async () => {
    await using device = await createVirtualDevice({ fileSystem: someFiles() });
    device.backups.faults.quirks.xml = true;
    const host = await MiniHost.paired(device);
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
    await using backup = await host.open();
    expect(await contentsOf(backup)).toEqual(await snapshot(device));
  });
});
