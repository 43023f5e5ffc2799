import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, Socket, type AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { encodePlistFrame } from '../../src/device/plist-frame.js';
import { createVirtualDevice, createVirtualMux, type VirtualDeviceOptions } from '../../src/entry/testing.js';
import { describeWithPeers } from '../support/peers.js';

const run = promisify(execFile);

/** What a program says and how it ends, with a usbmuxd of ours. Pair records stay with us; no file of the system is touched. */
async function peer(address: string, command: string, ...args: string[]): Promise<{ code: number; text: string }> {
  const env = { ...process.env, USBMUXD_SOCKET_ADDRESS: address };
  try {
    const { stdout, stderr } = await run(command, args, { env, timeout: 20_000 });
    return { code: 0, text: (stdout + stderr).trim() };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { code, text: `${stdout ?? ''}${stderr ?? ''}`.trim() };
  }
}

async function paired(options: VirtualDeviceOptions = {}) {
  const device = await createVirtualDevice(options);
  expect(await peer(device.address, 'idevicepair', 'pair')).toMatchObject({ code: 0 });
  return device;
}

/** A port that nobody listens at. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const utilities = ['idevice_id', 'idevicepair', 'ideviceinfo', 'idevicename', 'idevicedate', 'idevicediagnostics'];

describeWithPeers('libimobiledevice takes the virtual device for a real one:', utilities, () => {
  test('idevice_id lists what is attached, by cable and by network', async () => {
    await using mux = await createVirtualMux({
      devices: [
        {},
        { seed: 2, ios: '12.5', network: { listen: false } },
        { seed: 3, usb: false, network: { listen: false } },
      ],
    });
    const [first, second, third] = mux.devices.map(({ udid }) => udid);
    expect(await peer(mux.address, 'idevice_id', '-l')).toEqual({ code: 0, text: `${first}\n${second}` });
    expect(await peer(mux.address, 'idevice_id', '-n')).toEqual({ code: 0, text: `${second}\n${third}` });
    await mux.devices[0]?.detach();
    expect(await peer(mux.address, 'idevice_id', '-l')).toEqual({ code: 0, text: second });
  });

  test.each(['9.3', '12.5', '17.4', '26.0'])('idevicepair pairs, validates and unpairs with iOS %s', async (ios) => {
    await using device = await createVirtualDevice({ ios });
    const { address, udid } = device;
    expect(await peer(address, 'idevicepair', 'pair')).toEqual({
      code: 0,
      text: `SUCCESS: Paired with device ${udid}`,
    });
    expect(await peer(address, 'idevicepair', 'validate')).toMatchObject({ code: 0 });
    expect(device.trustedHosts).toEqual([(await peer(address, 'idevicepair', 'hostid')).text]);
    expect((await peer(address, 'idevicepair', 'systembuid')).text).toBe(device.mux.systemBuid);
    expect(await peer(address, 'idevicepair', 'unpair')).toMatchObject({ code: 0 });
    expect(device.trustedHosts).toEqual([]);
    expect(device.mux.pairRecords.size).toBe(0);
  });

  test('idevicepair reports the trust dialog, its refusal and a locked device', async () => {
    await using device = await createVirtualDevice({ trust: { pending: 1 } });
    const first = await peer(device.address, 'idevicepair', 'pair');
    expect(first).toMatchObject({ code: 1, text: expect.stringContaining('accept the trust dialog') as string });
    device.answerTrust('deny');
    expect(await peer(device.address, 'idevicepair', 'pair')).toMatchObject({
      code: 1,
      text: expect.stringContaining('denied the trust dialog') as string,
    });
    device.setLockState('locked');
    expect(await peer(device.address, 'idevicepair', 'pair')).toMatchObject({
      code: 1,
      text: expect.stringContaining('passcode is set') as string,
    });
    device.setLockState('unlocked');
    device.answerTrust('accept');
    expect(await peer(device.address, 'idevicepair', 'pair')).toMatchObject({ code: 0 });
  });

  test('ideviceinfo reads values with and without a session', async () => {
    await using device = await paired({ device: { name: 'Sam’s iPhone', serialNumber: 'F17SERIAL00' } });
    const { address } = device;
    expect((await peer(address, 'ideviceinfo')).text).toContain('SerialNumber: F17SERIAL00');
    expect(await peer(address, 'ideviceinfo', '-k', 'DeviceName')).toEqual({ code: 0, text: 'Sam’s iPhone' });
    expect((await peer(address, 'ideviceinfo', '-q', 'com.apple.mobile.battery')).text).toContain(
      'BatteryCurrentCapacity: 87',
    );
    expect(await peer(address, 'ideviceinfo', '-q', 'com.apple.mobile.backup', '-k', 'WillEncrypt')).toEqual({
      code: 0,
      text: 'false',
    });
    const simple = await peer(address, 'ideviceinfo', '-s');
    expect(simple.text).toContain('ProductVersion: 17.4');
    expect(simple.text).not.toContain('PhoneNumber');
  });

  test('ideviceinfo works through the network listener of the device', async () => {
    await using device = await paired({ network: { address: '127.77.0.2' } });
    expect(await peer(device.address, 'ideviceinfo', '-n', '-k', 'ProductVersion')).toEqual({ code: 0, text: '17.4' });
  });

  test('idevicename and idevicedate read and set', async () => {
    await using device = await paired({ now: () => new Date('2024-03-14T09:00:00Z') });
    const { address } = device;
    expect(await peer(address, 'idevicename', 'Renamed')).toMatchObject({ code: 0 });
    expect(device.values.get('', 'DeviceName')).toBe('Renamed');
    expect(await peer(address, 'idevicename')).toEqual({ code: 0, text: 'Renamed' });
    expect(await peer(address, 'idevicedate', '-s', '1700000000')).toMatchObject({ code: 0 });
    expect(device.now()).toEqual(new Date(1_700_000_000_000));
  });

  test('idevicediagnostics asks and restarts', async () => {
    await using device = await paired();
    const { address } = device;
    expect((await peer(address, 'idevicediagnostics', 'mobilegestalt', 'ProductType')).text).toContain('iPhone15,4');
    expect((await peer(address, 'idevicediagnostics', 'diagnostics', 'All')).text).toContain('GasGauge');
    expect((await peer(address, 'idevicediagnostics', 'ioreg')).text).toContain('IORegistry');
    const isBack = new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (device.attached && device.lockState === 'before-first-unlock') {
          clearInterval(timer);
          resolve();
        }
      }, 5);
    });
    expect(await peer(address, 'idevicediagnostics', 'restart')).toMatchObject({ code: 0 });
    await isBack;
    expect(await peer(address, 'idevicediagnostics', 'shutdown')).toMatchObject({ code: 0 });
    expect(await peer(address, 'idevice_id', '-l')).toEqual({ code: 0, text: '' });
  });

  test('a host that the device has forgotten pairs again', async () => {
    await using device = await paired();
    device.forgetHost();
    expect((await peer(device.address, 'idevicepair', 'validate')).text).toContain('is not paired');
    expect(await peer(device.address, 'idevicepair', 'pair')).toMatchObject({ code: 0 });
  });
});

describeWithPeers(
  'ideviceinstaller takes the virtual device for a real one:',
  ['idevicepair', 'ideviceinstaller'],
  () => {
    test('it lists more apps than one page holds, and uninstalls one', async () => {
      const apps = Array.from({ length: 23 }, (_, i) => ({ bundleId: `com.example.app${i}`, name: `App ${i}` }));
      await using device = await paired({ apps: [...apps, { bundleId: 'com.apple.Preferences', type: 'System' }] });
      const list = await peer(device.address, 'ideviceinstaller', '-l');
      expect(list.text.split('\n').slice(1)).toEqual(apps.map(({ bundleId, name }) => `${bundleId}, "1", "${name}"`));
      expect((await peer(device.address, 'ideviceinstaller', '-l', '-o', 'list_system')).text).toContain(
        'com.apple.Preferences',
      );
      expect(await peer(device.address, 'ideviceinstaller', '-U', 'com.example.app7')).toMatchObject({ code: 0 });
      expect(device.apps.has('com.example.app7')).toBe(false);
    });
  },
);

describeWithPeers('libusbmuxd takes the virtual usbmuxd for a real one:', ['inetcat', 'iproxy'], () => {
  test('inetcat and iproxy carry bytes to lockdownd', async () => {
    await using device = await createVirtualDevice();
    const query = encodePlistFrame({ Request: 'QueryType' }, 'xml');
    const start = (command: string, ...args: string[]) =>
      spawn(command, args, { env: { ...process.env, USBMUXD_SOCKET_ADDRESS: device.address } });
    const cat = start('inetcat', '62078');
    cat.stdin.write(query);
    const [answer] = (await once(cat.stdout, 'data')) as [Buffer];
    cat.kill();
    expect(answer.toString()).toContain('com.apple.mobile.lockdown');
    const port = await freePort();
    const proxy = start('iproxy', `${port}:62078`);
    try {
      let socket = new Socket();
      // It does not say when it listens.
      await expect
        .poll(async () => {
          socket = connect({ host: '127.0.0.1', port });
          return await once(socket, 'connect').then(() => 'open', String);
        })
        .toBe('open');
      socket.write(query);
      const [proxied] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      expect(proxied).toEqual(answer);
    } finally {
      proxy.kill();
    }
  });
});
