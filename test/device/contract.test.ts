import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AbortOptions } from '../../src/core/abort.js';
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
  type AfcClient,
  type AfcFile,
  type DeviceTransport,
  type NotificationProxy,
  type Springboard,
} from '../../src/entry/device.js';
import { bench, codeOf, serve, take, type Bench } from './support.js';

const reason = new Error('enough');
const bytes = Uint8Array.of(1);

let at: Bench;
let afc: AfcClient;
let file: AfcFile;
let proxy: NotificationProxy;
let springboard: Springboard;
let record: Uint8Array;
const messages: unknown[] = [];
beforeAll(async () => {
  at = await bench({
    apps: [{ bundleId: 'com.example.a' }],
    media: { x: 'x' },
    onMessage: ({ direction, message }) => direction === 'received' && messages.push(message),
  });
  afc = await at.device.openAfc();
  file = await afc.open('/x', 'r+');
  proxy = await at.device.openNotifications();
  springboard = await at.device.openSpringboard();
  record = (await exportPairRecord(at.phone.udid, at)) ?? bytes;
});
afterAll(async () => {
  await Promise.all([file.close(), proxy.close(), springboard.close()]);
  await afc.close();
  await at[Symbol.asyncDispose]();
});

/** Everything that looks for a device. */
const searches: [string, (options: AbortOptions & { transport: DeviceTransport }) => Promise<unknown>][] = [
  ['listDevices', async (options) => await listDevices(options)],
  ['watchDevices', async (options) => await take(watchDevices(options))],
  ['Device.connect', async (options) => await Device.connect(undefined, { ...options, pair: true })],
  ['pairDevice', async (options) => await pairDevice(undefined, options)],
  ['unpairDevice', async (options) => await unpairDevice(undefined, options)],
  ['validatePair', async (options) => await validatePair(undefined, options)],
  ['forgetDevice', async (options) => await forgetDevice('x', options)],
  ['exportPairRecord', async (options) => await exportPairRecord('x', options)],
  ['importPairRecord', async (options) => await importPairRecord('x', record, options)],
];

/** Everything that is asked of a device and its services. */
const calls: [string, (options: AbortOptions) => Promise<unknown>][] = [
  ['getInfo', async (options) => await at.device.getInfo(options)],
  ['getValue', async (options) => await at.device.getValue('x', options)],
  ['getValues', async (options) => await at.device.getValues(options)],
  ['setValue', async (options) => await at.device.setValue('DeviceName', 'x', options)],
  ['removeValue', async (options) => await at.device.removeValue('x', options)],
  ['battery', async (options) => await at.device.battery(options)],
  ['diskUsage', async (options) => await at.device.diskUsage(options)],
  ['startService', async (options) => await at.device.startService('com.apple.afc', options)],
  ['apps', async (options) => await take(at.device.apps(options))],
  ['openAfc', async (options) => await at.device.openAfc(options)],
  ['openAppFiles', async (options) => await at.device.openAppFiles('com.example.a', options)],
  ['openNotifications', async (options) => await at.device.openNotifications(options)],
  ['openSpringboard', async (options) => await at.device.openSpringboard(options)],
  ['restart', async (options) => await at.device.restart(options)],
  ['shutdown', async (options) => await at.device.shutdown(options)],
  ['sleep', async (options) => await at.device.sleep(options)],
  ['mobileGestalt', async (options) => await at.device.mobileGestalt(['x'], options)],
  ['unpair', async (options) => await at.device.unpair(options)],
  ['afc.readdir', async (options) => await afc.readdir('/', options)],
  ['afc.stat', async (options) => await afc.stat('/x', options)],
  ['afc.lstat', async (options) => await afc.lstat('/x', options)],
  ['afc.readFile', async (options) => await afc.readFile('/x', options)],
  ['afc.read', async (options) => await take(afc.read('/x', {}, options))],
  ['afc.writeFile', async (options) => await afc.writeFile('/x', bytes, options)],
  ['afc.open', async (options) => await afc.open('/x', 'w', options)],
  ['afc.mkdir', async (options) => await afc.mkdir('/y', options)],
  ['afc.rm', async (options) => await afc.rm('/x', options)],
  ['afc.rename', async (options) => await afc.rename('/x', '/y', options)],
  ['afc.link', async (options) => await afc.link('/x', '/y', options)],
  ['afc.symlink', async (options) => await afc.symlink('/x', '/y', options)],
  ['afc.truncate', async (options) => await afc.truncate('/x', 0, options)],
  ['afc.setModified', async (options) => await afc.setModified('/x', new Date(0), options)],
  ['afc.deviceInfo', async (options) => await afc.deviceInfo(options)],
  ['file.read', async (options) => await file.read(1, options)],
  ['file.write', async (options) => await file.write(bytes, options)],
  ['file.seek', async (options) => await file.seek(0, options)],
  ['file.tell', async (options) => await file.tell(options)],
  ['file.truncate', async (options) => await file.truncate(0, options)],
  ['file.lock', async (options) => await file.lock('shared', options)],
  ['file.unlock', async (options) => await file.unlock(options)],
  ['proxy.observe', async (options) => await proxy.observe('x', options)],
  ['proxy.post', async (options) => await proxy.post('x', options)],
  ['proxy.notifications', async (options) => await take(proxy.notifications(options))],
  ['springboard.iconPng', async (options) => await springboard.iconPng('x', options)],
  ['springboard.wallpaperPng', async (options) => await springboard.wallpaperPng(options)],
  ['springboard.iconState', async (options) => await springboard.iconState(options)],
  ['springboard.orientation', async (options) => await springboard.orientation(options)],
];

describe('A signal that has aborted before', () => {
  test.each(searches)('makes %s reject with its reason, without a connection', async (_name, call) => {
    let connections = 0;
    await using mux = await serve(() => (connections += 1));
    const transport = usbmuxTransport(mux);
    await expect(call({ transport, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(connections).toBe(0);
  });

  test.each(calls)('makes %s reject with its reason, and the device hears nothing', async (_name, call) => {
    messages.length = 0;
    await expect(call({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(messages).toEqual([]);
    expect(await afc.readFile('/x')).toEqual(new TextEncoder().encode('x'));
  });
});

describe('A signal that aborts while the device is silent', () => {
  test.each(calls)('ends %s at once, and what follows works', async (name, call) => {
    // These do not wait for the device.
    const isSent = ['proxy.observe', 'proxy.post'].includes(name);
    const files = { x: 'x' };
    await using own = await bench({ apps: [{ bundleId: 'com.example.a' }], media: files });
    const before = { at, afc, file, proxy, springboard };
    try {
      at = own;
      afc = await own.device.openAfc();
      file = await afc.open('/x', 'r+');
      proxy = await own.device.openNotifications();
      springboard = await own.device.openSpringboard();
      own.phone.faults.goSilent();
      const controller = new AbortController();
      const waiting = call(controller);
      setImmediate(() => controller.abort(reason));
      if (isSent) await waiting;
      else await expect(waiting).rejects.toBe(reason);
      own.phone.faults.resume();
      if (name !== 'unpair') expect(await own.device.getValue('ProductVersion')).toBe('17.4');
      expect(await codeOf(afc.readdir('/'))).toMatch(/^no failure/);
      await Promise.all([proxy.close(), springboard.close()]);
      await afc.close();
    } finally {
      ({ at, afc, file, proxy, springboard } = before);
    }
  });
});

test('Secrets of the pair record are not shown when a device or an error is printed', async () => {
  const shown = [at.device, at.transport, afc, file, proxy, springboard] as const;
  const errors: unknown[] = [];
  at.phone.faults.refuseService('com.apple.afc', 'PasswordProtected', { times: 1 });
  errors.push(await at.device.openAfc().catch((error: unknown) => error));
  const text = Buffer.from(record).toString();
  await at.transport.savePairRecord(at.phone.udid, Buffer.from(text.replace('<key>HostID</key>', '<key>X</key>')));
  errors.push(await Device.connect(undefined, at).catch((error: unknown) => error));
  await at.transport.savePairRecord(
    at.phone.udid,
    Buffer.from(text.replace('HostPrivateKey', 'X').replace('RootPrivateKey', 'HostPrivateKey')),
  );
  errors.push(await Device.connect(undefined, at).catch((error: unknown) => error));
  await at.transport.savePairRecord(at.phone.udid, record);
  expect(errors).toHaveLength(3);
  for (const one of [...shown, ...errors]) {
    const printed = inspect(one, { depth: Infinity, showHidden: true });
    expect(printed).not.toContain('PRIVATE KEY');
    expect(printed).not.toContain('escrowBag');
  }
});
