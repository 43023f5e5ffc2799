import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'vitest';
import { PlistReal } from '../../src/plist/types.js';
import { describeWithPeers } from '../support/peers.js';
import { snapshot } from '../testing/virtual-device/mobilebackup2/mini-host.js';
import { contentsOf } from '../testing/virtual-device/mobilebackup2/support.js';
import { backUpAndRestore } from './idevicebackup2-suite.js';
import { contains, ready } from './idevicebackup2-lab.js';

// One device of each layout, and one flag alone; more in idevicebackup2.slow.test.ts.
backUpAndRestore({
  generations: ['9.3.5', '17.4'],
  restoreFlags: ['', '--remove', '--system --settings --copy --no-reboot --skip-apps --remove'],
});

describeWithPeers('idevicebackup2 takes the virtual device for a real one:', ['idevicebackup2'], () => {
  test.concurrent.for([undefined, 'secret'])(
    'it adds what has changed, with password %s',
    async (password, { expect }) => {
      await using lab = await ready({ backup: { password } });
      const { device, backup2, open } = lab;
      await backup2('backup');
      const { fileSystem } = device;
      const notes = 'AppDomain-com.example.notes';
      fileSystem.modify({ domain: notes, relativePath: 'Documents/notes.txt' }, { content: 'changed' });
      fileSystem.rename({ domain: notes, relativePath: 'Documents/Ideas' }, { domain: notes, relativePath: 'Ideas' });
      fileSystem.remove({ domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE/IMG_0001.PNG' });
      fileSystem.add({ domain: 'HomeDomain', relativePath: 'large.bin', content: { size: 3_000_000 } });
      await fileSystem.growDatabase(
        { domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' },
        "INSERT INTO deleted_messages (guid) VALUES ('x')",
      );
      expect(await backup2('backup')).toMatchObject({ code: 0, text: contains('Backup Successful.') });
      expect(device.backups.runs.at(-1)).toMatchObject({ isFull: false, uploadedFiles: 4, removed: 3 });
      await using backup = await open(password);
      expect(await contentsOf(backup)).toEqual(await snapshot(device));
    },
  );

  test.concurrent('it turns encryption on, changes the password, and turns it off', async ({ expect }) => {
    await using lab = await ready();
    const { device, backup2, open } = lab;
    expect(await backup2('encryption', 'on', 'one')).toMatchObject({ code: 0 });
    expect(device.backups.password).toBe('one');
    await backup2('backup');
    await using first = await open('one');
    expect(first.summary.isEncrypted).toBe(true);
    expect(await contentsOf(first)).toEqual(await snapshot(device));
    expect(await backup2('changepw', 'one', 'two')).toMatchObject({ code: 0 });
    await backup2('backup');
    expect(device.backups.runs.at(-1)).toMatchObject({ isFull: true });
    await using second = await open('two');
    expect(await contentsOf(second)).toEqual(await snapshot(device));
    expect((await backup2('encryption', 'off', 'wrong')).code).not.toBe(0);
    expect(device.backups.runs.at(-1)).toMatchObject({ errorCode: 207 });
    expect(await backup2('encryption', 'off', 'two')).toMatchObject({ code: 0 });
    expect(device.backups.password).toBeUndefined();
    expect(await backup2('encryption', 'off', 'two')).toMatchObject({ code: 255, text: contains('not enabled') });
  });

  test.concurrent('it restores an encrypted backup with its password only', async ({ expect }) => {
    await using lab = await ready({ passcode: false, backup: { password: 'secret' } });
    const { device, backup2 } = lab;
    await backup2('backup');
    const before = await snapshot(device);
    device.fileSystem.clear();
    expect((await backup2('restore', '--system', '--password', 'wrong')).code).toBe(256 - 207);
    expect(await backup2('restore', '--system', '--password', 'secret')).toMatchObject({ code: 0 });
    expect(await snapshot(device)).toEqual(before);
  });

  test.concurrent.for([undefined, 'secret'])(
    'it gets info and list, and unpacks, before iOS 10, with password %s',
    async (password, { expect }) => {
      await using lab = await ready({ ios: '9.3.5', backup: { password } });
      const { device, folder, backup2 } = lab;
      await backup2('backup');
      if (password === undefined) {
        expect(await backup2('info')).toMatchObject({ code: 0, text: contains(device.udid) });
        expect(await backup2('list')).toMatchObject({ code: 0, text: contains('Library/SMS/sms.db') });
      }
      const unback = password === undefined ? await backup2('unback') : await backup2('unback', '--password', password);
      expect(unback).toMatchObject({ code: 0 });
      for (const { kind, domain, relativePath } of await snapshot(device))
        if (kind === 'file') {
          const unpacked = await readFile(join(folder, device.udid, '_unback_', domain, relativePath));
          expect(new Uint8Array(unpacked)).toEqual(await device.fileSystem.read({ domain, relativePath }));
        }
    },
  );

  test.concurrent('it gets 207 for info and unback of an encrypted backup on current devices', async ({ expect }) => {
    await using lab = await ready({ backup: { password: 'secret' } });
    const { backup2 } = lab;
    await backup2('backup');
    expect((await backup2('info')).code).toBe(256 - 207);
  });

  test.concurrent('it switches cloud backups', async ({ expect }) => {
    await using lab = await ready();
    const { device, backup2 } = lab;
    const state = () => device.values.get('com.apple.mobile.backup', 'CloudBackupEnabled');
    expect(await backup2('cloud', 'on')).toMatchObject({ code: 0 });
    expect(state()).toBe(true);
    expect(await backup2('cloud', 'off')).toMatchObject({ code: 0 });
    expect(state()).toBe(false);
    await using other = await ready({ seed: 2, backup: { cloudAccount: false } });
    expect((await other.backup2('cloud', 'on')).code).not.toBe(0);
    expect(other.device.backups.runs).toEqual([expect.objectContaining({ errorCode: 1 })]);
  });
});

describeWithPeers('idevicebackup2 1.3 under injection:', ['idevicebackup2'], () => {
  test.concurrent.for([
    { code: 105, exit: 151 },
    { code: 208, exit: 48 },
  ])('error $code in a response is exit status $exit', async ({ code, exit }, { expect }) => {
    await using lab = await ready();
    const { device, backup2 } = lab;
    device.backups.faults.at('upload', { respond: { code } });
    expect(await backup2('backup')).toMatchObject({ code: exit, text: contains(`Error Code ${code}`) });
  });

  test.concurrent('a snapshot state that is not finished is a failure with exit status 0', async ({ expect }) => {
    await using lab = await ready();
    const { device, backup2 } = lab;
    device.backups.faults.quirks.snapshotState = 'uploading';
    expect(await backup2('backup')).toMatchObject({ code: 0, text: contains('Backup Failed (Error Code 0).') });
  });

  test.concurrent('files that end with 0x0B count as whole', async ({ expect }) => {
    await using lab = await ready();
    const { device, backup2 } = lab;
    device.backups.faults.quirks.failFile = () => ({ code: 0x0b });
    expect(await backup2('backup')).toMatchObject({ code: 0, text: contains('Backup Successful.') });
  });

  test.concurrent.for([
    { what: 'Device Link 500', quirks: { deviceLinkVersion: [500, 0] as const }, said: 'error code -1' },
    { what: 'a ProtocolVersion that is an integer', quirks: { protocolVersion: 2 }, said: 'error code -2' },
  ])('$what ends the session', async ({ quirks, said }, { expect }) => {
    await using lab = await ready();
    const { device, backup2 } = lab;
    Object.assign(device.backups.faults.quirks, quirks);
    expect(await backup2('backup')).toMatchObject({ code: 255, text: contains(said) });
  });

  test.concurrent('Device Link 300 is taken', async ({ expect }) => {
    await using lab = await ready({ ios: '17.4' });
    const { device, backup2 } = lab;
    device.backups.faults.quirks.deviceLinkVersion = [300, 0];
    expect(await backup2('backup')).toMatchObject({ code: 0 });
  });

  test.concurrent('a pulled cable and a disconnecting device are exit status 255', async ({ expect }) => {
    await using lab = await ready();
    const { device, backup2 } = lab;
    device.backups.faults.at('upload', { disconnect: 'bye' });
    expect(await backup2('backup')).toMatchObject({ code: 255, text: contains('Backup Failed (Error Code 1)') });
    device.backups.faults.at('upload', { pullCable: true });
    expect(await backup2('backup')).toMatchObject({ code: 255, text: contains('Could not receive') });
    await device.backups.untilIdle();
    await device.attach();
    expect(await backup2('backup')).toMatchObject({ code: 0 });
  });

  // Where it is waiting for the device as the notification comes, it goes on waiting for up to 30 seconds.
  test.concurrent('the owner who cancels ends it', { timeout: 90_000 }, async ({ expect }) => {
    await using lab = await ready({
      onMessage: ({ direction, message }) => {
        const isUpload = Array.isArray(message) && message[0] === 'DLMessageUploadFiles';
        if (isUpload && direction === 'sent') lab.device.backups.cancel();
      },
    });
    const { code } = await lab.backup2('backup');
    // It stops at the notification, or at the response of the device, whichever it reads first.
    expect([255, 256 - 202]).toContain(code);
  });

  test.concurrent.for([
    { what: 'the wish for space of iOS 26', message: ['DLMessagePurgeDiskSpace', 1_000_000, 4] },
    { what: 'a message that is not known', message: ['DLMessageDance', 'x'] },
    { what: 'a batch that is announced with three elements', message: ['DLMessageUploadFiles', {}, new PlistReal(1)] },
  ])('$what is never answered', async ({ message }, { expect }) => {
    await using lab = await ready();
    const { device, backup2 } = lab;
    // An answer would be taken for that to the next message, and the run would fail.
    device.backups.faults.at('space', { send: message, awaitStatus: false });
    expect(await backup2('backup')).toMatchObject({ code: 0, text: contains('Backup Successful.') });
  });
});
