import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AbortOptions } from '../../src/core/abort.js';
import {
  BackupSession,
  backUpDevice,
  changeBackupPassword,
  restoreDevice,
  willEncrypt,
} from '../../src/entry/backup.js';
import {
  Device,
  exportPairRecord,
  forgetDevice,
  importPairRecord,
  listDevices,
  pairDevice,
  unpairDevice,
  usbmuxTransport,
  validatePair,
  watchDevices,
  type DeviceTransport,
} from '../../src/entry/device.js';
import { createVirtualDevice, type VirtualDevice } from '../../src/entry/testing.js';

const reason = new Error('the user changed her mind');
const aborted = { signal: AbortSignal.abort(reason) };
let folder: string;
let virtual: VirtualDevice;
let transport: DeviceTransport;
let device: Device;
/** Messages that the device has seen. */
let heard = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'device-abort-'));
  virtual = await createVirtualDevice({ ios: '15.7', onMessage: () => (heard += 1) });
  transport = usbmuxTransport({ address: virtual.address });
  await pairDevice(virtual.udid, { transport });
  device = await Device.connect(virtual.udid, { transport });
});
afterAll(async () => {
  await device.close();
  await virtual.close();
  await rm(folder, { recursive: true });
});

const drain = async (events: AsyncIterable<unknown>): Promise<void> => {
  for await (const event of events) void event;
};

/** Every public call to a device that takes a signal. */
const calls: [string, (options: AbortOptions) => Promise<unknown>][] = [
  ['listDevices', async (options) => await listDevices({ transport, ...options })],
  ['watchDevices', async (options) => await drain(watchDevices({ transport, ...options }))],
  ['Device.connect', async (options) => await Device.connect(virtual.udid, { transport, ...options })],
  ['pairDevice', async (options) => await pairDevice(virtual.udid, { transport, ...options })],
  ['validatePair', async (options) => await validatePair(virtual.udid, { transport, ...options })],
  ['unpairDevice', async (options) => await unpairDevice(virtual.udid, { transport, ...options })],
  ['forgetDevice', async (options) => await forgetDevice(virtual.udid, { transport, ...options })],
  ['exportPairRecord', async (options) => await exportPairRecord(virtual.udid, { transport, ...options })],
  [
    'importPairRecord',
    async (options) =>
      await importPairRecord(virtual.udid, virtual.mux.pairRecords.get(virtual.udid) ?? new Uint8Array(), {
        transport,
        ...options,
      }),
  ],
  ['device.getInfo', async (options) => await device.getInfo(options)],
  ['device.getValue', async (options) => await device.getValue('DeviceName', options)],
  ['device.getValues', async (options) => await device.getValues(options)],
  ['device.setValue', async (options) => await device.setValue('DeviceName', 'x', options)],
  ['device.removeValue', async (options) => await device.removeValue('DeviceName', options)],
  ['device.battery', async (options) => await device.battery(options)],
  ['device.diskUsage', async (options) => await device.diskUsage(options)],
  ['device.apps', async (options) => await drain(device.apps(options))],
  ['device.openAfc', async (options) => await device.openAfc(options)],
  ['device.openAppFiles', async (options) => await device.openAppFiles('com.example.notes', options)],
  ['device.openNotifications', async (options) => await device.openNotifications(options)],
  ['device.openSpringboard', async (options) => await device.openSpringboard(options)],
  ['device.mobileGestalt', async (options) => await device.mobileGestalt(['ProductType'], options)],
  ['device.restart', async (options) => await device.restart(options)],
  ['device.shutdown', async (options) => await device.shutdown(options)],
  ['device.sleep', async (options) => await device.sleep(options)],
  ['device.unpair', async (options) => await device.unpair(options)],
  ['BackupSession.start', async (options) => await BackupSession.start(device, options)],
  ['backUpDevice', async (options) => await backUpDevice(device, { to: join(folder, 'new'), ...options })],
  ['restoreDevice', async (options) => await restoreDevice(device, { from: join(folder, 'old'), ...options })],
  ['changeBackupPassword', async (options) => await changeBackupPassword(device, { to: 'x', ...options })],
  ['willEncrypt', async (options) => await willEncrypt(device, options)],
];

describe('a signal that is already aborted', () => {
  it.each(calls)('makes %s reject with its reason, before the device hears of it', async (_name, call) => {
    const before = heard;
    await expect(call(aborted)).rejects.toBe(reason);
    expect(heard).toBe(before);
    expect(await readdir(folder)).toEqual([]);
  });

  it('has changed nothing: the device still answers and still trusts this host', async () => {
    expect(await device.getValue('DeviceName')).toBe(device.info.name);
    expect(virtual.trustedHosts).toHaveLength(1);
  });
});

describe('use after close', () => {
  it('is refused with a typed error, and closing again does nothing', async () => {
    const closed = await Device.connect(virtual.udid, { transport });
    await closed.close();
    await closed.close();
    await expect(closed.getValue('DeviceName')).rejects.toMatchObject({ name: 'DeviceError' });
    await expect(closed.openAfc()).rejects.toMatchObject({ name: 'DeviceError' });
  });
});
