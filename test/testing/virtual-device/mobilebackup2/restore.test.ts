import { describe, expect, test } from 'vitest';
import { createVirtualDevice, type CreateVirtualDeviceOptions } from '../../../../src/entry/testing.js';
import { MiniHost, snapshot } from './mini-host.js';
import { someFiles } from './support.js';

/** Restores everything. */
const everything = { RestoreSystemFiles: true, RestoreDontCopyBackup: true, RemoveItemsNotRestored: true };
const settings = { domain: 'HomeDomain', relativePath: 'Library/Preferences/a.plist' };
const other = { domain: 'HomeDomain', relativePath: 'other.txt' };
const photo = { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE/IMG_0001.JPG' };

/** A device whose backup a host has. */
async function backedUp(options: CreateVirtualDeviceOptions = {}) {
  const device = await createVirtualDevice({ fileSystem: someFiles(), passcode: false, ...options });
  const host = await MiniHost.paired(device);
  expect(await host.request('Backup')).toMatchObject({ code: 0 });
  return { device, host };
}

describe('A restore', () => {
  test.each([
    ['9.3.5', undefined],
    ['9.3.5', 'secret'],
    ['10.0', 'secret'],
    ['17.4', undefined],
    ['17.4', 'secret'],
  ])('to iOS %s with password %s leaves an erased device as it was', async (ios, password) => {
    const { device, host } = await backedUp({ ios, backup: { password } });
    await using _ = device;
    const before = await snapshot(device);
    device.fileSystem.clear();
    expect(await host.request('Restore', { Options: { ...everything, Password: password } })).toMatchObject({
      code: 0,
    });
    await device.backups.untilIdle();
    expect(device.attached).toBe(true);
    expect(await snapshot(device)).toEqual(before);
    expect(device.backups.runs.at(-1)).toMatchObject({ downloadedFiles: 6, longestBlock: 32_768 });
  });

  test('of another device’s backup takes the folder that the host names', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    await using target = await createVirtualDevice({ seed: 2, passcode: false });
    const targetHost = await MiniHost.paired(target, host.disk);
    const keys = { SourceIdentifier: device.udid, Options: everything };
    expect(await targetHost.request('Restore', keys)).toMatchObject({ code: 0 });
    expect(await snapshot(target)).toEqual(await snapshot(device));
  });

  test('leaves what the backup lacks in place, unless told to remove it', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    const before = await snapshot(device);
    device.fileSystem.add({ ...other, content: 'new' });
    device.fileSystem.modify(photo, { content: 'changed' });
    const keep = { ...everything, RestoreShouldReboot: false, RemoveItemsNotRestored: false };
    expect(await host.request('Restore', { Options: keep })).toMatchObject({ code: 0 });
    expect((await snapshot(device)).filter(({ relativePath }) => relativePath !== 'other.txt')).toEqual(before);
    expect(device.fileSystem.has(other)).toBe(true);
    await device.restart();
    expect(await host.request('Restore', { Options: everything })).toMatchObject({ code: 0 });
    expect(await snapshot(device)).toEqual(before);
  });

  test('leaves the domains of the system alone, unless told to restore them', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    device.fileSystem.clear();
    expect(await host.request('Restore', { Options: { RestoreSystemFiles: false } })).toMatchObject({ code: 0 });
    const domains = new Set((await snapshot(device)).map(({ domain }) => domain));
    expect([...domains]).toEqual(['AppDomain-com.example.notes', 'CameraRollDomain', 'HomeDomain']);
    expect(host.log).toContain('DLMessageCopyItem');
    expect(host.paths().some((path) => path.startsWith('Restore'))).toBe(false);
  });

  test('keeps settings that are there when told to', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    device.fileSystem.modify(settings, { content: 'mine' });
    const options = { ...everything, RestorePreserveSettings: true, RestoreShouldReboot: false };
    expect(await host.request('Restore', { Options: options })).toMatchObject({ code: 0 });
    expect(await device.fileSystem.read(settings)).toEqual(new TextEncoder().encode('mine'));
    device.fileSystem.remove(settings);
    await device.restart();
    expect(await host.request('Restore', { Options: options })).toMatchObject({ code: 0 });
    expect(await device.fileSystem.read(settings)).toEqual(new TextEncoder().encode('settings'));
  });

  test('restarts the device, which is locked then where it has a passcode', async () => {
    const { device, host } = await backedUp({ passcode: true });
    await using _ = device;
    expect(await host.request('Restore', { Options: everything })).toMatchObject({ code: 0 });
    await device.backups.untilIdle();
    expect(device).toMatchObject({ attached: true, lockState: 'before-first-unlock' });
    expect(device.backups.restartPending).toBe(false);
  });

  test('before the restart of a former one fails with 102', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    const keys = { Options: { ...everything, RestoreShouldReboot: false } };
    expect(await host.request('Restore', keys)).toMatchObject({ code: 0 });
    expect(device.backups.restartPending).toBe(true);
    expect(await host.request('Restore', keys)).toMatchObject({ code: 102 });
    await device.restart();
    expect(await host.request('Restore', keys)).toMatchObject({ code: 0 });
  });

  test.each([undefined, 'wrong'])('of an encrypted backup with password %s fails with 207', async (password) => {
    const { device, host } = await backedUp({ backup: { password: 'secret' } });
    await using _ = device;
    const before = await snapshot(device);
    expect(await host.request('Restore', { Options: { ...everything, Password: password } })).toMatchObject({
      code: 207,
    });
    expect(await snapshot(device)).toEqual(before);
  });

  test('fails with 211 while Find My is on, 212 before the setup is finished, 208 while the device is locked', async () => {
    const { device, host } = await backedUp({ passcode: true });
    await using _ = device;
    device.values.set('com.apple.fmip', 'IsAssociated', true);
    expect(await host.request('Restore', { Options: everything })).toMatchObject({ code: 211 });
    device.values.set('com.apple.fmip', 'IsAssociated', false);
    device.values.set('com.apple.purplebuddy', 'SetupDone', false);
    expect(await host.request('Restore', { Options: everything })).toMatchObject({ code: 212 });
    device.values.set('com.apple.purplebuddy', 'SetupDone', true);
    device.setLockState('locked');
    expect(await host.request('Restore', { Options: everything })).toMatchObject({ code: 208 });
  });

  test('of a newer iOS fails with 203, to a device that is too full with 105', async () => {
    const { device, host } = await backedUp({ ios: '17.4' });
    await using _ = device;
    await using old = await createVirtualDevice({ ios: '17.3.1', seed: 2, passcode: false });
    const oldHost = await MiniHost.paired(old, host.disk);
    const keys = { SourceIdentifier: device.udid, Options: everything };
    expect(await oldHost.request('Restore', keys)).toMatchObject({ code: 203 });
    device.values.set('com.apple.disk_usage', 'TotalDataAvailable', 1000);
    expect(await host.request('Restore', keys)).toMatchObject({ code: 105 });
  });

  test('with a payload that is missing, altered or of another size fails with 205 and changes nothing', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    const before = await snapshot(device);
    const pathOf = (name: string): string => {
      const { fileId = '' } = before.find(({ relativePath }) => relativePath === name) ?? {};
      return `${device.udid}/${fileId.slice(0, 2)}/${fileId}`;
    };
    const database = pathOf('Library/SMS/sms.db');
    const photoPath = pathOf('Media/DCIM/100APPLE/IMG_0001.JPG');
    const sound = host.disk.files.get(database) ?? new Uint8Array();
    host.disk.files.set(database, sound.with(5, (sound[5] ?? 0) ^ 1));
    expect(await host.request('Restore', { Options: everything })).toMatchObject({
      code: 205,
      text: expect.stringContaining('digest') as string,
    });
    host.disk.files.delete(database);
    expect(await host.request('Restore', { Options: everything })).toMatchObject({ code: 205 });
    host.disk.files.set(database, sound);
    host.disk.files.set(photoPath, new Uint8Array(69_999));
    expect(await host.request('Restore', { Options: everything })).toMatchObject({ code: 205 });
    expect(await snapshot(device)).toEqual(before);
  });

  test('of an unfinished backup, or one without metadata, fails with 205', async () => {
    const { device, host } = await backedUp();
    await using _ = device;
    host.disk.files.delete(`${device.udid}/Manifest.db`);
    expect(await host.request('Restore', { Options: everything })).toMatchObject({ code: 205 });
    device.backups.faults.quirks.snapshotState = 'uploading';
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
    expect(await host.request('Restore', { Options: everything })).toMatchObject({ code: 205 });
  });

  test('of a backup without files still asks for an empty list', async () => {
    const { device, host } = await backedUp({ fileSystem: [] });
    await using _ = device;
    host.log.length = 0;
    expect(await host.request('Restore', { Options: everything })).toMatchObject({ code: 0 });
    expect(host.log.filter((name) => name === 'DLMessageDownloadFiles')).toHaveLength(4);
  });
});
