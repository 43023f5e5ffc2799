import { describe, expect, test } from 'vitest';
import {
  createVirtualDevice,
  type BackupPhase,
  type CreateVirtualDeviceOptions,
} from '../../../../src/entry/testing.js';
import { encodeName, endOfFiles } from '../../../../src/backup/device-link/wire.js';
import { concatBytes } from '../../../../src/core/bytes.js';
import { PlistReal } from '../../../../src/plist/types.js';
import { Host } from '../host.js';
import { MiniHost, snapshot } from './mini-host.js';
import { contentsOf, someFiles } from './support.js';

const service = 'com.apple.mobilebackup2';

async function ready(options: CreateVirtualDeviceOptions = {}) {
  const errors: unknown[] = [];
  const device = await createVirtualDevice({
    fileSystem: someFiles(),
    onError: (error) => errors.push(error),
    ...options,
  });
  return { device, host: await MiniHost.paired(device), errors };
}

const backupPhases: readonly BackupPhase[] = [
  'start',
  'metadata',
  'space',
  'upload',
  'manifest',
  'move',
  'remove',
  'finish',
  'verify',
  'respond',
];

describe('The fault script of backups', () => {
  test.each(backupPhases)('lets a backup end with an error before %s, and the next one succeed', async (phase) => {
    const { device, host } = await ready();
    await using _ = device;
    device.backups.faults.at(phase, { respond: { code: 105, text: 'No room (MBErrorDomain/105)' } });
    expect(await host.request('Backup')).toEqual({
      code: 105,
      text: 'No room (MBErrorDomain/105)',
      content: undefined,
    });
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
    await using backup = await host.open();
    expect(await contentsOf(backup)).toEqual(await snapshot(device));
  });

  test('lets a restore end with an error before a batch', async () => {
    const { device, host } = await ready({ passcode: false });
    await using _ = device;
    await host.request('Backup');
    device.backups.faults.at('download', { respond: { code: 100 } });
    expect(await host.request('Restore')).toMatchObject({ code: 100 });
  });

  test('sends messages and files as they are, hostile ones too', async () => {
    const { device, host } = await ready();
    await using _ = device;
    const { faults } = device.backups;
    faults.at('upload', { send: ['DLMessageDance', { with: 'me' }] });
    faults.at('upload', { send: ['DLMessagePing', 'hello'], awaitStatus: false });
    faults.at('manifest', {
      upload: [
        { path: '../escape', content: 'x' },
        { path: '/etc/passwd', content: 'x' },
        { path: `${device.udid}/partial`, content: 'some', end: { code: 0x0b, text: 'Input/output error (5)' } },
      ],
    });
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
    expect(host.uploads).toContain('../escape');
    expect(host.uploads).toContain('/etc/passwd');
    expect(host.disk.files.get(`${device.udid}/partial`)).toEqual(new TextEncoder().encode('some'));
    expect(host.log).toEqual(expect.arrayContaining(['DLMessageDance', 'DLMessagePing']));
  });

  test('pulls the cable, falls silent, or disconnects at a phase', async () => {
    const { device, host } = await ready();
    await using _ = device;
    const { faults } = device.backups;
    faults.at('upload', { pullCable: true });
    expect(await host.request('Backup')).toBeUndefined();
    await device.backups.untilIdle();
    expect(device.attached).toBe(false);
    await device.attach();
    faults.at('move', { disconnect: 'bye' });
    expect(await host.request('Backup')).toBeUndefined();
    expect(host.log.at(-1)).toBe('DLMessageDisconnect');
    faults.at('space', { silent: true });
    const silent = host.request('Backup');
    host.answer = (message) => {
      if (message.type === 'DLContentsOfDirectory') setImmediate(() => void device.detach());
      return undefined;
    };
    expect(await silent).toBeUndefined();
    expect(device.backups.runs.map(({ errorCode }) => errorCode)).toEqual([undefined, undefined, undefined]);
  });

  test('pulls the cable at every message of a backup, and the next one succeeds', async () => {
    const { device, host } = await ready({ fileSystem: someFiles().slice(0, 2) });
    await using _ = device;
    for (let messages = 1; ; messages += 1) {
      device.faults.pullCableAfter({ service, messages });
      const result = await host.request('Backup').catch(() => undefined);
      await device.backups.untilIdle();
      if (result !== undefined) break;
      device.faults.clear();
      await device.attach();
      expect(messages).toBeLessThan(100);
    }
    device.faults.clear();
    await device.attach();
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
    await using backup = await host.open();
    expect(await contentsOf(backup)).toEqual(await snapshot(device));
  });

  test('puts raw bytes in place of a message: lengths that make no sense', async () => {
    const { device, host } = await ready();
    await using _ = device;
    device.backups.faults.at('upload', { bytes: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1) });
    await expect(host.request('Backup')).rejects.toMatchObject({ code: 'PROTOCOL_LIMIT_EXCEEDED' });
  });

  test('ends files early, and the rest of the backup is whole', async () => {
    const { device, host } = await ready();
    await using _ = device;
    device.backups.faults.quirks.failFile = ({ relativePath }) =>
      relativePath === 'Library/SMS/sms.db'
        ? { code: 0x0b, text: 'Input/output error (5)', afterBytes: 1000 }
        : undefined;
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
    await using backup = await host.open();
    const file = await backup.files.get({ domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' });
    expect(file?.size).toBe(100_000);
    expect((await file?.open({ recover: true }))?.size).toBe(1000);
  });

  test('states another version, of another type, or fewer elements', async () => {
    const { device } = await ready();
    await using _ = device;
    const host = await Host.paired(device);
    const { quirks } = device.backups.faults;
    quirks.deviceLinkVersion = [500, 1];
    quirks.protocolVersion = 2;
    quirks.helloErrorCode = 1;
    const connection = await host.service(service, host.escrowBag);
    expect(await connection.receive()).toEqual(['DLMessageVersionExchange', 500, 1]);
    await connection.send(['DLMessageVersionExchange', 'DLVersionsOk', 500]);
    expect(await connection.receive()).toEqual(['DLMessageDeviceReady']);
    const hello = { MessageName: 'Hello', SupportedProtocolVersions: [new PlistReal(2.1)] };
    expect(await connection.request(['DLMessageProcessMessage', hello])).toEqual([
      'DLMessageProcessMessage',
      { MessageName: 'Response', ErrorCode: 1, ProtocolVersion: 2 },
    ]);
    connection.close();
    device.backups.faults.clear();
    quirks.uploadElements = 3;
    const mini = await MiniHost.paired(device);
    const lengths: number[] = [];
    mini.onRaw = (value) => {
      if (Array.isArray(value) && value[0] === 'DLMessageUploadFiles') lengths.push(value.length);
    };
    expect(await mini.request('Backup')).toMatchObject({ code: 0 });
    expect(new Set(lengths)).toEqual(new Set([3]));
  });
});

describe('What a host answers', () => {
  test.each([
    ['DLMessageUploadFiles', -15, 105],
    ['DLMessageUploadFiles', -6, 104],
    ['DLMessageCreateDirectory', -1, 104],
    ['DLMessageMoveItems', -6, 104],
    ['DLMessageRemoveItems', -11, 104],
  ])('to %s with %i ends the backup with %i', async (type, code, expected) => {
    const { device, host } = await ready();
    await using _ = device;
    host.answer = (message) => (message.type === type ? [code, 'No luck'] : undefined);
    expect(await host.request('Backup')).toMatchObject({
      code: expected,
      text: expect.stringContaining('No luck') as string,
    });
  });

  test('too little space ends the backup with 105', async () => {
    const { device, host } = await ready();
    await using _ = device;
    host.freeBytes = 128 * 1024 * 1024;
    expect(await host.request('Backup')).toMatchObject({ code: 105 });
    host.freeBytes += 1_000_000;
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
  });

  test('to the wish for space of iOS 26 does not matter where there is enough', async () => {
    const { device, host } = await ready({ ios: '26.0' });
    await using _ = device;
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
    expect(host.log).toContain('DLMessagePurgeDiskSpace');
    host.freeBytes = 1000;
    expect(await host.request('Backup')).toMatchObject({ code: 105 });
    host.answer = (message) => {
      if (message.type !== 'DLMessagePurgeDiskSpace') return undefined;
      host.freeBytes = 2 ** 40;
      return [0];
    };
    expect(await host.request('Backup')).toMatchObject({ code: 0 });
  });

  test('that metadata is something else than was sent ends the backup with 205', async () => {
    const { device, host } = await ready();
    await using _ = device;
    host.answer = (message) => {
      if (message.type === 'DLMessageDownloadFiles' && message.progress === 100)
        host.disk.files.set(`${device.udid}/Manifest.plist`, new Uint8Array(7));
      return undefined;
    };
    expect(await host.request('Backup')).toMatchObject({ code: 205 });
  });

  test.each([
    ['an endless name', Uint8Array.of(0x7f, 0xff, 0xff, 0xff), 'PROTOCOL_LIMIT_EXCEEDED'],
    [
      'an endless block',
      concatBytes([encodeName('x'), Uint8Array.of(0x7f, 0xff, 0xff, 0xff)]),
      'PROTOCOL_LIMIT_EXCEEDED',
    ],
    ['a block without a code', concatBytes([encodeName('x'), new Uint8Array(4)]), 'PROTOCOL_MALFORMED'],
    ['a request in place of a status', endOfFiles, 'PROTOCOL_MALFORMED'],
  ])('with %s ends the session with an error', async (_title, bytes, code) => {
    const { device, errors } = await ready();
    await using _ = device;
    const host = await Host.paired(device);
    const connection = await host.service(service, host.escrowBag);
    await connection.receive();
    await connection.send(['DLMessageVersionExchange', 'DLVersionsOk', 400]);
    await connection.receive();
    await connection.send(['DLMessageProcessMessage', { MessageName: 'Backup', TargetIdentifier: device.udid }]);
    await connection.receive();
    await connection.channel.write(bytes);
    await connection.send(['DLMessageProcessMessage', { MessageName: 'Backup' }]);
    await connection.receive().catch(() => undefined);
    await device.backups.untilIdle();
    expect(errors).toEqual([expect.objectContaining({ code })]);
  });
});

describe('The owner', () => {
  test('cancels a backup: hosts are told, and it ends with 202', async () => {
    const { device, host } = await ready();
    await using _ = device;
    const names: string[] = [];
    device.notifications.subscribe((name) => names.push(name));
    host.answer = (message) => {
      if (message.type === 'DLMessageGetFreeDiskSpace') device.backups.cancel();
      return undefined;
    };
    expect(await host.request('Backup')).toMatchObject({ code: 202 });
    expect(names).toContain('com.apple.itunes-client.syncCancelRequest');
  });
});
