import { describe, expect, test } from 'vitest';
import { createVirtualDevice, type VirtualDevice, type VirtualDeviceOptions } from '../../../src/entry/testing.js';
import { Host, type PlistConnection } from './host.js';

async function withService(
  name: string,
  options: VirtualDeviceOptions,
  run: (service: PlistConnection, device: VirtualDevice, host: Host) => Promise<void>,
): Promise<void> {
  await using device = await createVirtualDevice(options);
  const host = await Host.paired(device);
  const service = await host.service(name);
  await run(service, device, host);
  service.close();
}

describe('notification_proxy', () => {
  test('relays what is observed, from the device and from other hosts', async () => {
    await withService('com.apple.mobile.notification_proxy', {}, async (proxy, device, host) => {
      await proxy.send({ Command: 'ObserveNotification', Name: 'one' });
      await proxy.send({ Command: 'ObserveNotification', Name: 'two' });
      await proxy.send({ Command: 'PostNotification', Name: 'one' });
      expect(await proxy.receive()).toEqual({ Command: 'RelayNotification', Name: 'one' });
      device.notifications.post('three');
      device.notifications.post('two');
      expect(await proxy.receive()).toEqual({ Command: 'RelayNotification', Name: 'two' });
      const other = await host.service('com.apple.mobile.insecure_notification_proxy');
      await other.send({ Command: 'PostNotification', Name: 'one' });
      expect(await proxy.receive()).toEqual({ Command: 'RelayNotification', Name: 'one' });
      other.close();
      expect(await proxy.request({ Command: 'Shutdown' })).toEqual({ Command: 'ProxyDeath' });
      expect(await proxy.receive()).toBeUndefined();
    });
  });
});

describe('installation_proxy', () => {
  const apps = Array.from({ length: 12 }, (_, i) => ({
    bundleId: `a.app${i}`,
    attributes: { ApplicationSINF: new Uint8Array(2) },
  }));
  const options = { apps: [...apps, { bundleId: 'a.system', type: 'System' as const }] };

  test('lists apps in pages, with the attributes that are asked for', async () => {
    await withService('com.apple.mobile.installation_proxy', options, async (proxy) => {
      const ClientOptions = { ApplicationType: 'User', ReturnAttributes: ['CFBundleIdentifier', 'ApplicationSINF'] };
      const first = await proxy.request({ Command: 'Browse', ClientOptions });
      expect(first).toMatchObject({ Status: 'BrowsingApplications', Total: 12, CurrentIndex: 0, CurrentAmount: 10 });
      expect((first['CurrentList'] as unknown[])[0]).toEqual({
        CFBundleIdentifier: 'a.app0',
        ApplicationSINF: new Uint8Array(2),
      });
      expect(await proxy.receive()).toMatchObject({ CurrentIndex: 10, CurrentAmount: 2 });
      expect(await proxy.receive()).toEqual({ Status: 'Complete' });
    });
  });

  test('looks apps up and uninstalls those of the user', async () => {
    await withService('com.apple.mobile.installation_proxy', options, async (proxy, device) => {
      const ClientOptions = { BundleIDs: ['a.app3', 'none', 'a.system'], ReturnAttributes: ['CFBundleVersion'] };
      expect(await proxy.request({ Command: 'Lookup', ClientOptions }, 'binary')).toEqual({
        LookupResult: { 'a.app3': { CFBundleVersion: '1' }, 'a.system': { CFBundleVersion: '1' } },
        Status: 'Complete',
      });
      await proxy.send({ Command: 'Uninstall', ApplicationIdentifier: 'a.app3' });
      const steps = [await proxy.receive(), await proxy.receive(), await proxy.receive()];
      expect(steps).toMatchObject([{ PercentComplete: 50 }, { PercentComplete: 90 }, { Status: 'Complete' }]);
      expect(device.apps.has('a.app3')).toBe(false);
      const refused = async (request: Record<string, string>) => (await proxy.request(request))['Error'];
      expect(await refused({ Command: 'Uninstall', ApplicationIdentifier: 'a.system' })).toBe('UninstallProhibited');
      expect(await refused({ Command: 'Uninstall' })).toBe('MissingBundleIdentifier');
      expect(await refused({ Command: 'Unheard' })).toBe('UnknownCommand');
    });
  });
});

describe('springboardservices', () => {
  test('gives icons, their places, the wallpaper and the orientation', async () => {
    const icon = Uint8Array.of(1, 2);
    const apps = Array.from({ length: 30 }, (_, i) => ({ bundleId: `a.app${i}`, icon: i === 0 ? icon : undefined }));
    await withService('com.apple.springboardservices', { apps }, async (springboard) => {
      const ask = async (command: string, bundleId?: string) =>
        await springboard.request({ command, bundleId }, 'binary');
      expect(await ask('getIconPNGData', 'a.app0')).toEqual({ pngData: icon });
      const png = [0x89, 0x50, 0x4e, 0x47];
      expect([...((await ask('getIconPNGData', 'a.app1'))['pngData'] as Uint8Array).subarray(0, 4)]).toEqual(png);
      expect([...((await ask('getHomeScreenWallpaperPNGData'))['pngData'] as Uint8Array).subarray(0, 4)]).toEqual(png);
      expect(await ask('getIconPNGData', 'none')).toHaveProperty('Error');
      expect(await ask('unheard')).toHaveProperty('Error');
      await springboard.send({ command: 'setIconState', iconState: [] });
      expect(await ask('getInterfaceOrientation')).toEqual({ interfaceOrientation: 1 });
      const pages = (await ask('getIconState')) as unknown as { bundleIdentifier: string }[][];
      expect(pages.map((page) => page.length)).toEqual([4, 24, 2]);
      expect(pages[0]?.[0]).toMatchObject({ bundleIdentifier: 'a.app0', displayName: 'app0' });
    });
  });
});

describe('diagnostics_relay', () => {
  test('answers about the device, sleeps, and says goodbye', async () => {
    await withService('com.apple.mobile.diagnostics_relay', {}, async (relay) => {
      const MobileGestaltKeys = ['ProductType', 'PasswordConfigured', 'none'];
      expect(await relay.request({ Request: 'MobileGestalt', MobileGestaltKeys })).toEqual({
        Status: 'Success',
        Diagnostics: { MobileGestalt: { Status: 'Success', ProductType: 'iPhone15,4', PasswordConfigured: true } },
      });
      for (const Request of ['All', 'WiFi', 'NAND', 'IORegistry', 'Sleep'])
        expect(await relay.request({ Request })).toMatchObject({ Status: 'Success' });
      expect(await relay.request({ Request: 'Unheard' })).toEqual({ Status: 'UnknownRequest' });
      expect(await relay.request({ Request: 'Goodbye' })).toEqual({ Status: 'Success' });
      expect(await relay.receive()).toBeUndefined();
    });
  });

  test('restarts the device once the host is gone', async () => {
    await withService('com.apple.mobile.diagnostics_relay', {}, async (relay, device) => {
      expect(await relay.request({ Request: 'Restart', WaitForDisconnect: true })).toEqual({ Status: 'Success' });
      expect(device.lockState).toBe('unlocked');
      relay.close();
      await expect.poll(() => device.lockState).toBe('before-first-unlock');
      await expect.poll(() => device.attached).toBe(true);
    });
  });
});

describe('heartbeat', () => {
  test('goes on while the host answers, and ends when it does not', async () => {
    await withService('com.apple.mobile.heartbeat', { heartbeatSeconds: 0.02 }, async (heartbeat) => {
      for (let i = 0; i < 3; i += 1) {
        expect(await heartbeat.receive()).toEqual({ Command: 'Marco', Interval: 0.02 });
        await heartbeat.send({ Command: 'Polo' });
      }
      expect(await heartbeat.receive()).toMatchObject({ Command: 'Marco' });
      expect(await heartbeat.receive()).toBeUndefined();
    });
  });
});

describe('A service of one’s own', () => {
  test('gets a connection and knows who started it', async () => {
    const errors: unknown[] = [];
    let context: unknown;
    await using device = await createVirtualDevice({
      onError: (error, at) => errors.push([at.service, (error as Error).message]),
      services: {
        'com.example.echo': {
          handler: async (connection, { device: own, hostId, hasEscrowBag, service }) => {
            context = { udid: own.udid, hostId, hasEscrowBag, service };
            await connection.write(await connection.readExactly(4));
            await connection.send({ got: await connection.receive() }, { format: 'binary' });
          },
        },
        'com.example.broken': { tls: false, handler: () => Promise.reject(new Error('broken')) },
      },
    });
    const host = await Host.paired(device);
    const echo = await host.service('com.example.echo', host.escrowBag);
    await echo.channel.write(Buffer.from('ping'));
    expect(Buffer.from(await echo.channel.readExactly(4)).toString()).toBe('ping');
    expect(await echo.request({ a: 1 })).toEqual({ got: { a: 1 } });
    expect(await echo.receive(), 'the connection ends with its handler').toBeUndefined();
    const { udid } = device;
    expect(context).toEqual({ udid, hostId: host.hostId, hasEscrowBag: true, service: 'com.example.echo' });
    expect(await host.start('com.example.broken')).toMatchObject({ EnableServiceSSL: false });
    const broken = await host.service('com.example.broken');
    expect(await broken.receive()).toBeUndefined();
    expect(errors).toEqual([['com.example.broken', 'broken']]);
  });

  test('every property list is reported to onMessage', async () => {
    const events: unknown[] = [];
    await using device = await createVirtualDevice({
      onMessage: ({ service, direction }) => events.push([service, direction]),
    });
    await Host.create(device);
    expect(events).toEqual([
      ['com.apple.mobile.lockdown', 'received'],
      ['com.apple.mobile.lockdown', 'sent'],
    ]);
  });
});
