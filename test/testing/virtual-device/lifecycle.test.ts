import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { encodePlistFrame } from '../../../src/device/plist-frame.js';
import { createVirtualDevice, createVirtualMux } from '../../../src/entry/testing.js';
import { deviceIds, Host, lockdown, MuxConnection, muxSocket } from './host.js';

/** Sockets, servers and timers that keep the process alive. */
function openHandles(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /TCP|Pipe|Timeout|TLS/.test(name));
}

describe('A virtual device', () => {
  test('leaves nothing open when it is closed, in whatever state its connections are', async () => {
    const before = openHandles().length;
    const device = await createVirtualDevice({ network: { address: '127.77.0.3' } });
    const host = await Host.paired(device);
    const connections = [
      await host.session(),
      await host.service('com.apple.afc'),
      await host.service('com.apple.mobile.heartbeat'),
      await lockdown(device.address),
    ];
    await host.start('com.apple.afc');
    const listener = await MuxConnection.open(device.address);
    await listener.request({ MessageType: 'Listen' });
    const halfOpen = await muxSocket(device.address);
    halfOpen.on('error', () => undefined);
    halfOpen.write(Buffer.from('1000'));
    const unsecured = await lockdown(device.address);
    await unsecured.request({ Request: 'StartSession', HostID: host.hostId, SystemBUID: 'x' });
    await Promise.all([device.close(), device.close()]);
    expect(device.attached).toBe(false);
    for (const connection of [...connections, unsecured]) connection.close();
    listener.channel.destroy();
    halfOpen.destroy();
    await expect.poll(() => openHandles().length).toBeLessThanOrEqual(before);
    await expect(muxSocket(device.address)).rejects.toThrow('ECONNREFUSED');
    await device.attach();
    expect(device.attached).toBe(false);
  });

  test('comes back locked after a restart, and not at all when it was closed meanwhile', async () => {
    const before = openHandles().length;
    await using device = await createVirtualDevice();
    const restart = device.restart();
    expect(device.attached).toBe(false);
    await restart;
    expect([device.attached, device.lockState]).toEqual([true, 'before-first-unlock']);
    expect(await deviceIds(device.address)).toEqual([2]);
    const long = device.restart({ ms: 3_600_000 });
    await device.close();
    await long;
    expect(device.attached).toBe(false);
    await expect(device.mux.add()).rejects.toThrow('closed');
    await expect.poll(() => openHandles().length).toBeLessThanOrEqual(before);
  });

  test('is not attached where its address is not free', async () => {
    await using mux = await createVirtualMux({ devices: [{ network: { address: '127.77.0.5' } }] });
    await expect(mux.add({ seed: 2, network: { address: '127.77.0.5' } })).rejects.toMatchObject({
      errno: 'EADDRINUSE',
    });
    expect(mux.devices).toHaveLength(1);
    expect(await deviceIds(mux.address)).toEqual([1, 2]);
  });

  test('closes when its signal aborts, and is not made when that was before', async () => {
    const controller = new AbortController();
    const device = await createVirtualDevice({ signal: controller.signal });
    controller.abort();
    await expect
      .poll(
        async () =>
          await muxSocket(device.address).then(
            () => 'open',
            () => 'closed',
          ),
      )
      .toBe('closed');
    const reason = new Error('no longer');
    await expect(createVirtualDevice({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('looks the same for the same seed and different for another', async () => {
    const look = async (seed: number, ios?: string) => {
      await using device = await createVirtualDevice({ seed, ios });
      const { udid, mux, values } = device;
      return [udid, mux.systemBuid, values.get('', 'DevicePublicKey'), values.get('', 'WiFiAddress')];
    };
    expect(await look(5)).toEqual(await look(5));
    const [first, second] = [await look(5), await look(6)];
    for (const [i, value] of first.entries()) expect(value).not.toEqual(second[i]);
    expect((await look(5, '9.3'))[0]).toMatch(/^[0-9a-f]{40}$/);
  });

  test('takes values, a name and a clock of the caller’s', async () => {
    await using device = await createVirtualDevice({
      now: () => new Date(5000),
      values: { '': { PhoneNumber: undefined, Extra: 1 }, 'com.example': { Key: [true] } },
    });
    const { values } = device;
    expect([values.get('', 'PhoneNumber'), values.get('', 'Extra'), values.get('com.example', 'Key')]).toEqual([
      undefined,
      1,
      [true],
    ]);
    expect(values.get('', 'TimeIntervalSince1970')).toMatchObject({ value: 5 });
  });

  test('is reached through its own listener on the network, for lockdownd and services', async () => {
    await using device = await createVirtualDevice({ network: { address: '127.77.0.4' }, usb: false });
    const socket = connect({ host: '127.77.0.4', port: 62_078 });
    socket.write(
      encodePlistFrame({ Request: 'StartService', Service: 'com.apple.mobile.insecure_notification_proxy' }, 'xml'),
    );
    const [reply] = (await once(socket, 'data')) as [Buffer];
    const port = Number(/<integer>(\d+)</.exec(reply.toString())?.[1]);
    const service = connect({ host: '127.77.0.4', port });
    service.write(encodePlistFrame({ Command: 'Shutdown' }, 'xml'));
    const [death] = (await once(service, 'data')) as [Buffer];
    expect(death.toString()).toContain('ProxyDeath');
    socket.destroy();
    service.destroy();
    await device.detach();
    await expect(once(connect({ host: '127.77.0.4', port: 62_078 }), 'connect')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('A virtual usbmuxd', () => {
  test('listens on a unix socket, which it removes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ios-backup-kit-mux-'));
    const path = join(folder, 'usbmuxd');
    const mux = await createVirtualMux({ listen: `UNIX:${path}`, devices: [{}] });
    expect(mux.address).toBe(`UNIX:${path}`);
    expect(await deviceIds(mux.address)).toEqual([1]);
    await mux.close();
    expect(existsSync(path)).toBe(false);
    await rm(folder, { recursive: true });
  });

  test('adds and gives up devices, and outlives them', async () => {
    await using mux = await createVirtualMux({ devices: [{}] });
    const second = await mux.add({ seed: 2 });
    await expect(mux.add({ seed: 2 })).rejects.toThrow(RangeError);
    expect(mux.devices).toHaveLength(2);
    await second.close();
    expect(mux.devices).not.toContain(second);
    expect(await deviceIds(mux.address)).toEqual([1]);
  });

  test('refuses addresses that are none or are taken', async () => {
    await using mux = await createVirtualMux();
    await expect(createVirtualMux({ listen: mux.address })).rejects.toMatchObject({
      code: 'IO_FAILED',
      errno: 'EADDRINUSE',
    });
    for (const listen of ['nowhere', '127.0.0.1', '127.0.0.1:99999', ''])
      await expect(createVirtualMux({ listen })).rejects.toThrow(RangeError);
    await expect(createVirtualDevice({ ios: '3.0' })).rejects.toThrow(RangeError);
  });
});
