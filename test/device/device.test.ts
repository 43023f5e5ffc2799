import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Device, exportPairRecord, usbmuxTransport } from '../../src/entry/device.js';
import { createVirtualMux } from '../../src/entry/testing.js';
import { bench, codeOf, type Bench } from './support.js';

const udid = '00008110-000A1B2C3D4E5F60';

describe('Device.connect()', () => {
  let at: Bench;
  beforeAll(async () => {
    at = await bench({ device: { udid }, lockState: 'unlocked' });
  });
  afterAll(async () => await at[Symbol.asyncDispose]());
  beforeEach(() => {
    at.phone.faults.clear();
    at.phone.setLockState('unlocked');
  });

  test('takes the only device there is', async () => {
    await using device = await Device.connect(undefined, at);
    expect(device).toMatchObject({ udid, connectionType: 'USB' });
    expect(device.info).toMatchObject({
      udid,
      productVersion: '17.4',
      deviceClass: 'iPhone',
      isPasswordProtected: false,
    });
  });

  test.each([udid, udid.toLowerCase(), udid.replace('-', '')])('takes the UDID in any spelling: %s', async (text) => {
    await using device = await Device.connect(text, at);
    expect(device.udid).toBe(udid);
  });

  test('does not find what is not attached', async () => {
    await expect(Device.connect('b'.repeat(40), at)).rejects.toMatchObject({
      code: 'DEVICE_NOT_FOUND',
      udid: 'b'.repeat(40),
    });
    expect(await codeOf(Device.connect(udid, { ...at, connectionType: 'Network' }))).toBe('DEVICE_NOT_FOUND');
    await using empty = await createVirtualMux();
    expect(await codeOf(Device.connect(undefined, { transport: usbmuxTransport(empty) }))).toBe('DEVICE_NOT_FOUND');
  });

  test('asks which of several devices is meant', async () => {
    const other = await at.phone.mux.add({ seed: 2 });
    const call = Device.connect(undefined, at);
    await expect(call).rejects.toMatchObject({ code: 'DEVICE_AMBIGUOUS' });
    await expect(call).rejects.toThrow(`${udid}, ${other.udid}`);
    await using chosen = await Device.connect(udid, at);
    expect(chosen.udid).toBe(udid);
    await other.detach();
  });

  test('does not pair unless it is asked to', async () => {
    const other = await at.phone.mux.add({ seed: 3 });
    expect(await codeOf(Device.connect(other.udid, at))).toBe('DEVICE_NOT_PAIRED');
    expect(other.trustedHosts).toEqual([]);
    await other.detach();
  });

  test('reports a device that has forgotten this host, and pairs again where it is asked to', async () => {
    const before = await exportPairRecord(udid, at);
    at.phone.forgetHost();
    await expect(Device.connect(undefined, at)).rejects.toMatchObject({
      code: 'DEVICE_NOT_PAIRED',
      remoteError: 'InvalidHostID',
      udid,
    });
    await using device = await Device.connect(undefined, { ...at, pair: true });
    expect(await device.getValue('DeviceName')).toBe(device.info.name);
    expect(await exportPairRecord(udid, at)).not.toEqual(before);
  });

  test('pairs again in place of a pair record that cannot be used', async () => {
    await at.transport.savePairRecord(udid, Uint8Array.of(1, 2, 3));
    expect(await codeOf(Device.connect(undefined, at))).toBe('DEVICE_PAIR_RECORD_INVALID');
    await using device = await Device.connect(undefined, { ...at, pair: true });
    expect(device.udid).toBe(udid);
  });

  test('connects to a locked device, whose services wait until it is unlocked', async () => {
    at.phone.setLockState('locked');
    await using device = await Device.connect(undefined, at);
    await expect(device.openAfc()).rejects.toMatchObject({
      code: 'DEVICE_LOCKED',
      transient: true,
      remoteError: 'PasswordProtected',
      service: 'com.apple.afc',
    });
    const connection = await device.startService('com.apple.afc', { escrowBag: true });
    await connection.close();
    at.phone.setLockState('before-first-unlock');
    await expect(device.startService('com.apple.afc', { escrowBag: true })).rejects.toMatchObject({
      code: 'DEVICE_LOCKED',
      remoteError: 'EscrowLocked',
    });
  });
});

describe('A Device', () => {
  let at: Bench;
  beforeEach(async () => {
    at = await bench({ device: { udid } });
  });
  const end = async (): Promise<void> => await at[Symbol.asyncDispose]();

  test('reads, sets and removes values of lockdownd', async () => {
    const { device } = at;
    const domain = 'com.apple.mobile.wireless_lockdown';
    await device.setValue('EnableWifiConnections', true, { domain });
    expect(at.phone.values.get(domain, 'EnableWifiConnections')).toBe(true);
    expect(await device.getValue('EnableWifiConnections', { domain })).toBe(true);
    await device.removeValue('EnableWifiConnections', { domain });
    expect(await device.getValue('EnableWifiConnections', { domain })).toBeUndefined();
    expect([...(await device.getValues({ domain })).keys()]).toContain('SupportsWifi');
    expect(await device.getValues({ domain: 'com.example.nothing' })).toEqual(new Map());
    await device.setValue('DeviceName', 'Käthe 📱');
    expect(device.info.name).not.toBe('Käthe 📱');
    expect(await device.getInfo()).toMatchObject({ name: 'Käthe 📱' });
    expect(device.info.name).toBe('Käthe 📱');
    await expect(device.setValue('SerialNumber', 'X')).rejects.toMatchObject({
      code: 'DEVICE_REFUSED',
      remoteError: 'SetProhibited',
    });
    await end();
  });

  test('tells of its battery and its disk', async () => {
    expect(await at.device.battery()).toEqual({
      percent: 87,
      isCharging: true,
      isFullyCharged: false,
      isExternalPowerConnected: true,
    });
    expect(await at.device.diskUsage()).toMatchObject({
      totalBytes: 128e9,
      dataAvailableBytes: 70e9,
      cameraBytes: 3e9,
    });
    await end();
  });

  test('answers many calls at once', async () => {
    const keys = ['DeviceName', 'ProductType', 'ProductVersion', 'BuildVersion', 'Nothing'];
    const { device } = at;
    const values = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => await device.getValue(keys[i % 5] ?? '')),
    );
    const { name, productType, productVersion, buildVersion } = device.info;
    expect(values.slice(0, 5)).toEqual([name, productType, productVersion, buildVersion, undefined]);
    expect(values.slice(45)).toEqual(values.slice(0, 5));
    await end();
  });

  test('goes on with a new session when it was plugged in again', async () => {
    const { phone, device } = at;
    await phone.detach();
    await expect(device.getValue('DeviceName')).rejects.toMatchObject({ code: 'DEVICE_DISCONNECTED', transient: true });
    expect(await codeOf(device.openAfc())).toBe('DEVICE_DISCONNECTED');
    await phone.attach();
    expect(await device.getValue('DeviceName')).toBe(device.info.name);
    await phone.detach();
    await phone.attach();
    await using afc = await device.openAfc();
    expect(await afc.readdir('/')).toEqual([]);
    await end();
  });

  test('lets a call that waits be aborted, and serves the next ones', async () => {
    const { phone, device } = at;
    const reason = new Error('enough');
    phone.faults.goSilent({ service: 'com.apple.mobile.lockdown' });
    const controller = new AbortController();
    const calls = [
      device.getValue('DeviceName', controller),
      device.setValue('DeviceName', 'never', controller),
      device.openAfc(controller),
    ];
    setImmediate(() => controller.abort(reason));
    for (const result of await Promise.allSettled(calls)) expect(result).toMatchObject({ reason });
    phone.faults.resume();
    expect(await device.getValue('ProductVersion')).toBe('17.4');
    expect(await device.getValue('DeviceName')).not.toBe('never');
    await end();
  });

  test('ends what waits when it is closed, and refuses all calls from then on', async () => {
    const { phone, device } = at;
    phone.faults.goSilent({ service: 'com.apple.mobile.lockdown' });
    const waiting = codeOf(device.getValue('DeviceName'));
    await device.close();
    await device.close();
    expect(await waiting).toBe('DEVICE_CLOSED');
    const calls = [
      async () => await device.getInfo(),
      async () => await device.getValues(),
      async () => await device.setValue('x', 1),
      async () => await device.removeValue('x'),
      async () => await device.battery(),
      async () => await device.startService('com.apple.afc'),
      async () => await device.openAfc(),
      async () => await device.openSpringboard(),
      async () => await device.restart(),
      async () => await device.unpair(),
    ];
    for (const call of calls) expect(await codeOf(call())).toBe('DEVICE_CLOSED');
    await end();
  });

  test('keeps connections to services open when it is closed', async () => {
    const afc = await at.device.openAfc();
    await at.device.close();
    expect(await afc.readdir('/')).toEqual([]);
    await afc.close();
    await end();
  });

  test.each([
    ['InvalidService', 'DEVICE_SERVICE_UNAVAILABLE'],
    ['ServiceLimit', 'DEVICE_SERVICE_UNAVAILABLE'],
    ['MCProtected', 'DEVICE_SERVICE_UNAVAILABLE'],
    ['EscrowLocked', 'DEVICE_LOCKED'],
    ['InvalidHostID', 'DEVICE_NOT_PAIRED'],
    ['FMiPProtected', 'DEVICE_REFUSED'],
    ['SomethingNew', 'DEVICE_REFUSED'],
    ['__proto__', 'DEVICE_REFUSED'],
  ])('reports a service that is refused with %s', async (remoteError, code) => {
    at.phone.faults.refuseService('com.apple.afc', remoteError, { times: 1 });
    await expect(at.device.openAfc()).rejects.toMatchObject({ code, remoteError, service: 'com.apple.afc', udid });
    await using afc = await at.device.openAfc();
    expect(await afc.readdir('/')).toEqual([]);
    await end();
  });
});
