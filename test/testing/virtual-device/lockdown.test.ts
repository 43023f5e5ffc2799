import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { createVirtualDevice } from '../../../src/entry/testing.js';
import { Host, lockdown, PlistConnection, tunnel } from './host.js';

describe('lockdownd without a session', () => {
  test('tells who the device is and keeps the rest to itself', async () => {
    await using device = await createVirtualDevice({ ios: '16.5', device: { name: 'Test' } });
    const connection = await lockdown(device.address);
    expect(await connection.request({ Request: 'QueryType' })).toEqual({
      Request: 'QueryType',
      Type: 'com.apple.mobile.lockdown',
    });
    expect(await connection.request({ Request: 'GetValue', Key: 'ProductVersion' })).toEqual({
      Request: 'GetValue',
      Key: 'ProductVersion',
      Value: '16.5',
    });
    const { Value } = await connection.request({ Request: 'GetValue' }, 'binary');
    expect(Value).toMatchObject({ DeviceName: 'Test', UniqueDeviceID: device.udid, PasswordProtected: false });
    expect(Value).not.toHaveProperty('PhoneNumber');
    expect(await connection.request({ Request: 'GetValue', Key: 'PhoneNumber' })).toMatchObject({
      Error: 'GetProhibited',
    });
    expect(await connection.request({ Request: 'GetValue', Domain: 'com.apple.mobile.backup' })).toMatchObject({
      Value: {},
    });
    for (const Request of ['SetValue', 'RemoveValue', 'StopSession', 'ResetPairing', 'EnterRecovery'])
      expect(await connection.request({ Request, Key: 'DeviceName', Value: 'x' })).toEqual({
        Request,
        Error: 'SessionInactive',
      });
    expect(await connection.request({ Request: 'Unheard' })).toEqual({ Request: 'Unheard', Error: 'InvalidRequest' });
    expect(await connection.request({})).toEqual({ Error: 'MissingKey' });
    expect(await connection.request({ Request: 'Goodbye' })).toEqual({ Request: 'Goodbye' });
    expect(await connection.receive()).toBeUndefined();
  });

  test('starts the services that need none, in the clear', async () => {
    await using device = await createVirtualDevice({ lockState: 'locked' });
    const connection = await lockdown(device.address);
    const start = async (Service?: string) => await connection.request({ Request: 'StartService', Service });
    expect(await start('com.apple.mobile.insecure_notification_proxy')).toMatchObject({ EnableServiceSSL: false });
    expect(await start('com.apple.afc')).toMatchObject({ Error: 'SessionInactive' });
    expect(await start('com.example.unheard')).toMatchObject({ Error: 'InvalidService' });
    expect(await start()).toMatchObject({ Error: 'MissingService' });
    connection.close();
  });
});

describe('Pairing', () => {
  test('gives an escrow bag and makes the host trusted', async () => {
    await using device = await createVirtualDevice();
    const host = await Host.paired(device);
    expect(host.escrowBag).toHaveLength(32);
    expect(device.trustedHosts).toEqual([host.hostId]);
  });

  test('waits for the owner as often as it is told to', async () => {
    await using device = await createVirtualDevice({ trust: { pending: 2 } });
    const host = await Host.create(device);
    const pending = { Request: 'Pair', Error: 'PairingDialogResponsePending' };
    expect([await host.pair(), await host.pair()]).toEqual([pending, pending]);
    expect(await host.pair()).toHaveProperty('EscrowBag');
  });

  test('waits until the owner answers, and tells waiting hosts then', async () => {
    await using device = await createVirtualDevice({ trust: 'ask' });
    const host = await Host.create(device);
    expect(await host.pair()).toMatchObject({ Error: 'PairingDialogResponsePending' });
    const heard: string[] = [];
    const stop = device.notifications.subscribe((name) => heard.push(name));
    device.answerTrust('accept');
    stop();
    expect(heard).toEqual(['com.apple.mobile.lockdown.request_pair']);
    expect(await host.pair()).toHaveProperty('EscrowBag');
    device.answerTrust('deny');
    expect(await host.pair(), 'a trusted host is not asked again').toHaveProperty('EscrowBag');
    expect(await (await Host.create(device)).pair()).toMatchObject({ Error: 'UserDeniedPairing' });
  });

  test('is refused while the device is locked', async () => {
    await using device = await createVirtualDevice({ lockState: 'locked' });
    expect(await (await Host.create(device)).pair()).toMatchObject({ Error: 'PasswordProtected' });
  });

  test('is refused for records that make no sense or are for another device', async () => {
    await using device = await createVirtualDevice();
    await using other = await createVirtualDevice({ seed: 2 });
    const host = await Host.create(device);
    const connection = await lockdown(device.address);
    const foreign = (await Host.create(other)).record;
    for (const PairRecord of [
      undefined,
      'record',
      {},
      { ...host.record, HostID: '' },
      { ...host.record, HostID: 'x'.repeat(1000) },
      { ...host.record, RootCertificate: Buffer.from('no PEM') },
      { ...host.record, HostCertificate: undefined },
      foreign,
    ])
      expect(await connection.request({ Request: 'Pair', PairRecord })).toMatchObject({ Error: 'InvalidPairRecord' });
    expect(device.trustedHosts).toEqual([]);
    connection.close();
  });

  test('ends with Unpair and when the device forgets the host', async () => {
    await using device = await createVirtualDevice();
    const host = await Host.paired(device);
    const connection = await lockdown(device.address);
    const ask = async (Request: string) => await connection.request({ Request, PairRecord: host.record });
    expect(await ask('ValidatePair')).toEqual({ Request: 'ValidatePair' });
    expect(await ask('Unpair')).toEqual({ Request: 'Unpair' });
    expect(await ask('ValidatePair')).toMatchObject({ Error: 'InvalidHostID' });
    await host.pair();
    device.forgetHost(host.hostId);
    const start = { Request: 'StartSession', HostID: host.hostId, SystemBUID: 'x' };
    expect(await connection.request(start)).toEqual({ Request: 'StartSession', Error: 'InvalidHostID' });
    expect(await connection.request({ Request: 'StartSession' })).toMatchObject({ Error: 'MissingHostID' });
    connection.close();
  });

  test('remembers a bounded number of hosts', async () => {
    await using device = await createVirtualDevice();
    const { record } = await Host.create(device);
    const connection = await lockdown(device.address);
    for (let i = 0; i < 300; i += 1)
      await connection.request({ Request: 'Pair', PairRecord: { ...record, HostID: `HOST-${i}` } });
    connection.close();
    expect(device.trustedHosts).toHaveLength(256);
    expect(device.trustedHosts.at(-1)).toBe('HOST-299');
  });
});

describe('A session', () => {
  test('goes on in TLS with the device’s certificate, for the root and for the host certificate', async () => {
    await using device = await createVirtualDevice();
    const host = await Host.paired(device);
    for (const credentials of [host.root, host.host]) {
      const session = await host.session(credentials);
      const shown = (session.stream as TLSSocket).getPeerX509Certificate();
      const expected = new X509Certificate(host.record['DeviceCertificate'] as Buffer);
      expect(shown?.fingerprint256).toBe(expected.fingerprint256);
      const { Value } = await session.request({ Request: 'GetValue' });
      expect(Value).toMatchObject({ DeviceClass: 'iPhone', PhoneNumber: expect.any(String) as string });
      session.close();
    }
  });

  test('is not for a host with a certificate of another pair record', async () => {
    await using device = await createVirtualDevice();
    const host = await Host.paired(device);
    const stranger = await Host.create(device);
    const session = await host.session(stranger.root);
    await expect(session.request({ Request: 'QueryType' })).rejects.toBeInstanceOf(Error);
  });

  test('gets, sets and removes values, and lets no fact be changed', async () => {
    await using device = await createVirtualDevice();
    const host = await Host.paired(device);
    const session = await host.session();
    const ask = async (Request: string, keys: Record<string, string | boolean>) =>
      await session.request({ Request, ...keys });
    const heard: string[] = [];
    device.notifications.subscribe((name) => heard.push(name));
    expect(await ask('SetValue', { Key: 'DeviceName', Value: 'New' })).toEqual({
      Request: 'SetValue',
      Key: 'DeviceName',
    });
    expect(device.values.get('', 'DeviceName')).toBe('New');
    expect(heard).toEqual(['com.apple.mobile.lockdown.device_name_changed']);
    expect(await ask('SetValue', { Key: 'UniqueDeviceID', Value: 'x' })).toMatchObject({ Error: 'SetProhibited' });
    expect(await ask('SetValue', { Key: 'DeviceName' })).toMatchObject({ Error: 'MissingValue' });
    expect(await ask('SetValue', { Value: 'x' })).toMatchObject({ Error: 'MissingKey' });
    const Domain = 'com.apple.mobile.wireless_lockdown';
    const Key = 'EnableWifiConnections';
    expect(await ask('SetValue', { Domain, Key, Value: true })).toEqual({ Request: 'SetValue', Domain, Key });
    expect(await ask('GetValue', { Domain, Key })).toMatchObject({ Value: true });
    expect(await ask('RemoveValue', { Domain, Key })).toEqual({ Request: 'RemoveValue', Domain, Key });
    expect(await ask('GetValue', { Domain, Key })).toMatchObject({ Error: 'MissingValue' });
    expect(await ask('RemoveValue', { Domain, Key })).toMatchObject({ Error: 'MissingValue' });
    expect(await ask('RemoveValue', { Key: 'DeviceName' })).toMatchObject({ Error: 'RemoveProhibited' });
    expect(await ask('GetValue', { Domain: 'com.apple.fmip' })).toMatchObject({ Value: {} });
    expect(await ask('GetValue', { Domain: 'com.apple.fmip', Key: 'IsAssociated' })).toMatchObject({ Value: false });
    expect(await ask('EnterRecovery', {})).toMatchObject({ Error: 'ServiceProhibited' });
    expect(await ask('StartSession', { HostID: host.hostId })).toMatchObject({ Error: 'SessionActive' });
    expect(await ask('StopSession', { SessionID: 'x' })).toMatchObject({ Error: 'InvalidSessionID' });
    expect(await ask('ResetPairing', {})).toEqual({ Request: 'ResetPairing' });
    expect(device.trustedHosts).toEqual([]);
    session.close();
  });

  test('ends its connection with StopSession, after the reply', async () => {
    await using device = await createVirtualDevice();
    const host = await Host.paired(device);
    const connection = await lockdown(device.address);
    const { SessionID } = await connection.request({ Request: 'StartSession', HostID: host.hostId, SystemBUID: 'x' });
    await connection.secure(host.root);
    expect(await connection.request({ Request: 'StopSession', SessionID: String(SessionID) })).toEqual({
      Request: 'StopSession',
    });
    expect(await connection.receive()).toBeUndefined();
  });
});

describe('StartService', () => {
  test('gives every start a port of its own, for one connection', async () => {
    await using device = await createVirtualDevice();
    const host = await Host.paired(device);
    const [first, second] = [await host.start('com.apple.afc'), await host.start('com.apple.afc')];
    expect(first).toMatchObject({ Service: 'com.apple.afc', EnableServiceSSL: true });
    expect(second['Port']).not.toBe(first['Port']);
    const connection = new PlistConnection(await tunnel(device.address, Number(first['Port'])));
    await expect(tunnel(device.address, Number(first['Port']))).rejects.toThrow('"Number":3');
    connection.close();
  });

  test('needs the escrow bag on a locked device, and more before the first unlock', async () => {
    await using device = await createVirtualDevice();
    const host = await Host.paired(device);
    device.setLockState('locked');
    expect(await host.start('com.apple.afc')).toMatchObject({ Error: 'PasswordProtected' });
    expect(await host.start('com.apple.afc', new Uint8Array(32))).toMatchObject({ Error: 'PasswordProtected' });
    expect(await host.start('com.apple.afc', host.escrowBag)).toHaveProperty('Port');
    device.setLockState('before-first-unlock');
    expect(await host.start('com.apple.afc', host.escrowBag)).toMatchObject({ Error: 'EscrowLocked' });
    expect(await host.start('com.apple.mobile.notification_proxy')).toHaveProperty('Port');
  });

  test('gives up the oldest of too many services that nobody connects to', async () => {
    await using device = await createVirtualDevice();
    const host = await Host.paired(device);
    const session = await host.session();
    const ports: number[] = [];
    for (let i = 0; i < 300; i += 1)
      ports.push(Number((await session.request({ Request: 'StartService', Service: 'com.apple.afc' }))['Port']));
    session.close();
    expect(new Set(ports).size).toBe(300);
    await expect(tunnel(device.address, ports[0] ?? 0)).rejects.toThrow('"Number":3');
    (await tunnel(device.address, ports.at(-1) ?? 0)).destroy();
  });
});
