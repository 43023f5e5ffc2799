import { describe, expect, test } from 'vitest';
import { createVirtualDevice, type CreateVirtualDeviceOptions } from '../../../../src/entry/testing.js';
import { MiniHost, snapshot } from './mini-host.js';
import { someFiles } from './support.js';

async function ready(options: CreateVirtualDeviceOptions = {}) {
  const device = await createVirtualDevice({ fileSystem: someFiles(), ...options });
  return { device, host: await MiniHost.paired(device) };
}

describe('The backup password', () => {
  test('is set, changed and removed by hosts', async () => {
    const { device, host } = await ready();
    await using _ = device;
    const change = async (keys: Record<string, string>) => (await host.request('ChangePassword', keys))?.code;
    expect(await change({ NewPassword: 'one' })).toBe(0);
    expect(device.backups.password).toBe('one');
    expect(await change({ OldPassword: 'wrong', NewPassword: 'two' })).toBe(207);
    expect(await change({ NewPassword: 'two' })).toBe(207);
    expect(await change({ OldPassword: 'one', NewPassword: 'two' })).toBe(0);
    expect(await change({ OldPassword: 'wrong' })).toBe(207);
    device.values.set('com.apple.mobile.backup', 'RequiresEncryption', 1);
    expect(await change({ OldPassword: 'two' })).toBe(2);
    device.values.set('com.apple.mobile.backup', 'RequiresEncryption', 0);
    expect(await change({ OldPassword: 'two' })).toBe(0);
    expect(device.backups.password).toBeUndefined();
    expect(device.values.get('com.apple.mobile.backup', 'WillEncrypt')).toBe(false);
  });

  test('needs the passcode from iOS 13 on', async () => {
    const { device, host } = await ready({ backup: { passcode: 'dismiss' } });
    await using _ = device;
    expect(await host.request('ChangePassword', { NewPassword: 'one' })).toMatchObject({ code: 208 });
    const old = await ready({ ios: '12.5', backup: { passcode: 'dismiss' } });
    await using __ = old.device;
    expect(await old.host.request('ChangePassword', { NewPassword: 'one' })).toMatchObject({ code: 0 });
  });

  test('cannot be empty', async () => {
    const { device, host } = await ready();
    await using _ = device;
    expect(() => device.backups.setPassword('')).toThrow(RangeError);
    expect(await host.request('ChangePassword', { NewPassword: '' })).toMatchObject({ code: 2 });
  });
});

describe('The passcode', () => {
  test('is asked for before each backup from iOS 16.1 on, and the host waits', async () => {
    const { device, host } = await ready({ backup: { passcode: 'wait' } });
    await using _ = device;
    const shown: string[] = [];
    const sheet = new Promise<void>((resolve) => {
      device.notifications.subscribe((name) => {
        shown.push(name.replace('com.apple.LocalAuthentication.ui.', ''));
        resolve();
      });
    });
    const backup = host.request('Backup');
    await sheet;
    expect(device.backups.asksForPasscode).toBe(true);
    expect(host.log).toEqual([]);
    device.backups.answerPasscode('enter');
    expect(await backup).toMatchObject({ code: 0 });
    expect(shown.slice(0, 2)).toEqual(['presented', 'dismissed']);
    expect(device.backups.asksForPasscode).toBe(false);
  });

  test('that is not entered in time ends the backup with 208', async () => {
    const { device, host } = await ready({ backup: { passcode: 'wait', profile: { passcodeMs: 1 } } });
    await using _ = device;
    expect(await host.request('Backup')).toMatchObject({ code: 208, text: 'Device locked (MBErrorDomain/208)' });
  });

  test('is not asked for on older devices, which fail when they are locked', async () => {
    const { device, host } = await ready({ ios: '15.7', backup: { passcode: 'dismiss' } });
    await using _ = device;
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
    device.setLockState('locked');
    expect(await host.request('Backup')).toMatchObject({ code: 208 });
  });

  test('sheet goes away with the host', async () => {
    const { device, host } = await ready({ backup: { passcode: 'wait' } });
    await using _ = device;
    const names: string[] = [];
    const over = new Promise<void>((resolve) => {
      device.notifications.subscribe((name) => {
        names.push(name);
        if (name.endsWith('presented')) void device.detach();
        if (name.endsWith('dismissed')) resolve();
      });
    });
    expect(await host.request('Backup')).toBeUndefined();
    await over;
    await device.backups.untilIdle();
    expect(device.backups.runs.at(-1)).toMatchObject({ request: 'Backup' });
  });
});

describe('Other requests', () => {
  test('switch cloud backups, where there is an account', async () => {
    const { device, host } = await ready();
    await using _ = device;
    const state = () => device.values.get('com.apple.mobile.backup', 'CloudBackupEnabled');
    expect(await host.request('EnableCloudBackup', { Options: { CloudBackupState: true } })).toMatchObject({ code: 0 });
    expect(state()).toBe(true);
    expect(await host.request('EnableCloudBackup', { CloudBackupState: false })).toMatchObject({ code: 0 });
    expect(state()).toBe(false);
    expect(await host.request('EnableCloudBackup')).toMatchObject({ code: 2 });
    const other = await ready({ backup: { cloudAccount: false } });
    await using __ = other.device;
    expect(await other.host.request('EnableCloudBackup', { CloudBackupState: true })).toEqual({
      code: 1,
      text: 'No account exists (MBErrorDomain/1)',
      content: undefined,
    });
  });

  test('erase the device: the link ends without an answer, and the host is a stranger', async () => {
    const { device, host } = await ready({ backup: { password: 'x' } });
    await using _ = device;
    expect(await host.request('EraseDevice')).toBeUndefined();
    await device.backups.untilIdle();
    expect(await snapshot(device)).toEqual([]);
    expect(device.trustedHosts).toEqual([]);
    expect(device.backups.password).toBeUndefined();
  });

  test.each([undefined, 'secret'])(
    'tell of, list and unpack the host’s backup before iOS 10, with password %s',
    async (password) => {
      const { device, host } = await ready({ ios: '9.3.5', backup: { password } });
      await using _ = device;
      expect(await host.request('Backup')).toMatchObject({ code: 0 });
      const keys = password === undefined ? {} : { Options: { Password: password }, Password: password };
      const info = await host.request('Info', keys);
      expect(info).toMatchObject({
        code: 0,
        content: expect.stringContaining(`Unique Identifier: ${device.udid}`) as string,
      });
      const list = await host.request('List', keys);
      expect(String(list?.content).split('\n')).toHaveLength((await snapshot(device)).length + 2);
      expect(await host.request('Unback', keys)).toMatchObject({ code: 0 });
      for (const { kind, domain, relativePath } of await snapshot(device))
        if (kind === 'file') {
          const unpacked = host.disk.files.get(`${device.udid}/_unback_/${domain}/${relativePath}`);
          expect(unpacked).toEqual(await device.fileSystem.read({ domain, relativePath }));
        }
      await host.disk.remove(`${device.udid}/_unback_`);
      const place = { DomainName: 'HomeDomain', RelativePath: 'Library/SMS/sms.db' };
      expect(await host.request('Extract', { ...keys, ...place })).toMatchObject({ code: 0 });
      expect(host.paths().filter((path) => path.startsWith('_unback_'))).toEqual([
        '_unback_/HomeDomain/Library/SMS/sms.db',
      ]);
      expect(await host.request('Extract', { ...keys, DomainName: 'X', RelativePath: 'y' })).toMatchObject({ code: 2 });
      if (password !== undefined) expect(await host.request('Info')).toMatchObject({ code: 207 });
    },
  );

  test('of that kind fail on current devices: 205, or 207 for an encrypted backup', async () => {
    const { device, host } = await ready();
    await using _ = device;
    for (const name of ['Info', 'List', 'Unback']) expect(await host.request(name)).toMatchObject({ code: 205 });
    await host.request('Backup');
    for (const name of ['Info', 'List', 'Unback']) expect(await host.request(name)).toMatchObject({ code: 205 });
    device.backups.setPassword('secret');
    await host.request('Backup');
    expect(await host.request('Info')).toMatchObject({ code: 207 });
  });

  test('that are not known fail with 2, and the session goes on', async () => {
    const { device, host } = await ready();
    await using _ = device;
    const connection = await host.connect();
    expect(await host.request('Dance', {}, connection)).toMatchObject({ code: 2 });
    expect(await host.request('Backup', {}, connection)).toMatchObject({ code: 0 });
    await connection.send(['DLMessageDisconnect', '___EmptyParameterString___'], 'binary');
    expect(await connection.receive()).toBeUndefined();
    expect(device.backups.runs.map(({ request, errorCode }) => [request, errorCode])).toEqual([
      ['Dance', 2],
      ['Backup', 0],
    ]);
  });
});
