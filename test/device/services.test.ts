import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PlistChannel } from '../../src/entry/device.js';
import { asArray, asDict, asString } from '../../src/plist/guards.js';
import { plistNull, PlistReal } from '../../src/plist/types.js';
import { bench, codeOf, take, type Bench } from './support.js';

/** What a file of this format begins with, behind its first byte. */
const kindOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('latin1', 1, 4);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

let at: Bench;
beforeAll(async () => {
  at = await bench({
    apps: [
      {
        bundleId: 'com.example.notes',
        name: 'Notes 📝',
        version: '42',
        shortVersion: '1.2',
        container: { 'Documents/a.txt': 'hello', 'Library/secret': 'x' },
        attributes: { ApplicationSINF: Uint8Array.of(1, 2) },
      },
      { bundleId: 'com.example.private', fileSharing: false },
      { bundleId: 'com.example.mine', developer: true, container: { 'Library/own': 'y' } },
      { bundleId: 'com.apple.system', type: 'System' },
      ...Array.from({ length: 25 }, (_, i) => ({ bundleId: `com.example.more${i}` })),
    ],
  });
});
afterAll(async () => await at[Symbol.asyncDispose]());
beforeEach(async () => {
  at.phone.faults.clear();
  await at.phone.attach();
});

describe('device.apps()', () => {
  test('gives typed records of the apps of the owner, from all pages', async () => {
    const apps = await take(at.device.apps());
    expect(apps).toHaveLength(28);
    expect(apps[0]).toMatchObject({
      bundleId: 'com.example.notes',
      name: 'Notes 📝',
      version: '1.2',
      build: '42',
      type: 'User',
      sharesFiles: true,
      isDeveloperApp: false,
      icon: undefined,
    });
    expect(apps[0]?.attributes.get('ApplicationSINF')).toEqual(Uint8Array.of(1, 2));
    expect(apps[2]).toMatchObject({ bundleId: 'com.example.mine', isDeveloperApp: true });
  });

  test('gives those of the system, or all, with chosen attributes and icons', async () => {
    const [system] = await take(at.device.apps({ type: 'System', icons: true }));
    expect(system?.bundleId).toBe('com.apple.system');
    expect(kindOf(system?.icon)).toBe('PNG');
    expect(await take(at.device.apps({ type: 'Any' }))).toHaveLength(29);
    const [notes] = await take(at.device.apps({ attributes: ['ApplicationSINF'] }), 1);
    expect(notes?.attributes.has('ApplicationSINF')).toBe(true);
    expect(notes?.attributes.has('Path')).toBe(false);
  });

  test('goes on where an app has no icon', async () => {
    const notes = at.phone.apps.get('com.example.notes');
    at.phone.services.set('com.apple.springboardservices', {
      handler: async (connection) => {
        while ((await connection.receive()) !== undefined) await connection.send({ Error: 'No icon' });
      },
    });
    const apps = await take(at.device.apps({ icons: true }), 2);
    expect(apps.map(({ icon }) => icon)).toEqual([undefined, undefined]);
    expect(notes?.icon).toBeInstanceOf(Uint8Array);
  });

  test('reports what the device refuses', async () => {
    const usual = at.phone.services.get('com.apple.mobile.installation_proxy');
    at.phone.services.set('com.apple.mobile.installation_proxy', {
      handler: async (connection) => {
        await connection.receive();
        await connection.send({ Error: 'APIInternalError', ErrorDescription: 'Something broke' });
      },
    });
    await expect(take(at.device.apps())).rejects.toMatchObject({
      code: 'DEVICE_REFUSED',
      remoteError: 'APIInternalError',
      service: 'com.apple.mobile.installation_proxy',
    });
    if (usual !== undefined) at.phone.services.set('com.apple.mobile.installation_proxy', usual);
  });

  test('passes over entries that are no apps', async () => {
    const usual = at.phone.services.get('com.apple.mobile.installation_proxy');
    const entry = { CFBundleIdentifier: 'com.example.odd', CFBundleDisplayName: 7, UIFileSharingEnabled: 'yes' };
    at.phone.services.set('com.apple.mobile.installation_proxy', {
      handler: async (connection) => {
        await connection.receive();
        await connection.send({
          CurrentList: [1, {}, { CFBundleIdentifier: 2 }, entry],
          Status: 'BrowsingApplications',
        });
        await connection.send({ CurrentList: 'none', Status: 'Complete' });
      },
    });
    expect(await take(at.device.apps())).toMatchObject([
      { bundleId: 'com.example.odd', name: undefined, sharesFiles: false },
    ]);
    if (usual !== undefined) at.phone.services.set('com.apple.mobile.installation_proxy', usual);
  });
});

describe('device.openAppFiles()', () => {
  test('gives the documents of an app that shares them, and nothing else of it', async () => {
    await using files = await at.device.openAppFiles('com.example.notes');
    expect(await files.readdir('/')).toEqual(['Documents']);
    expect(await files.readFile('/Documents/a.txt')).toEqual(text('hello'));
    await files.writeFile('/Documents/b.txt', text('new'));
    const app = at.phone.apps.get('com.example.notes');
    expect(await app?.container.list('/Documents')).toContain('b.txt');
  });

  test('gives the whole container of an app of the developer', async () => {
    await using files = await at.device.openAppFiles('com.example.mine', { scope: 'container' });
    expect(await files.readFile('/Library/own')).toEqual(text('y'));
  });

  test.each([
    ['com.example.nothing', 'documents', 'ApplicationLookupFailed'],
    ['com.example.private', 'documents', 'InstallationLookupFailed'],
    ['com.example.notes', 'container', 'InstallationLookupFailed'],
  ] as const)('reports that %s has no %s for hosts', async (bundleId, scope, remoteError) => {
    await expect(at.device.openAppFiles(bundleId, { scope })).rejects.toMatchObject({
      code: 'DEVICE_REFUSED',
      remoteError,
      udid: at.phone.udid,
    });
  });
});

describe('NotificationProxy', () => {
  test('gives the notifications that were asked for, in order', async () => {
    await using proxy = await at.device.openNotifications();
    await proxy.observe(['com.example.a', 'com.example.b']);
    await proxy.observe('com.example.c');
    // The device does not confirm; it has read that when it relays what the host itself posts.
    for (const name of ['com.example.other', 'com.example.c', 'com.example.a', 'com.example.b']) await proxy.post(name);
    expect(await take(proxy.notifications(), 2)).toEqual(['com.example.c', 'com.example.a']);
    expect(await take(proxy.notifications(), 1)).toEqual(['com.example.b']);
  });

  test('delivers what was posted before it is closed', async () => {
    const heard = new Promise<string>((resolve) => {
      const stop = at.phone.notifications.subscribe((name) => {
        stop();
        resolve(name);
      });
    });
    const proxy = await at.device.openNotifications();
    await proxy.post('com.example.last');
    await proxy.close();
    await proxy.close();
    expect(await heard).toBe('com.example.last');
    expect(await codeOf(proxy.post('x'))).toBe('DEVICE_CLOSED');
    expect(await codeOf(take(proxy.notifications()))).toBe('DEVICE_CLOSED');
  });

  test('loses nothing when a wait is aborted', async () => {
    const reason = new Error('enough');
    await using proxy = await at.device.openNotifications();
    await proxy.observe('com.example.d');
    const controller = new AbortController();
    const waiting = take(proxy.notifications(controller));
    await turn();
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await proxy.post('com.example.d');
    expect(await take(proxy.notifications(), 1)).toEqual(['com.example.d']);
  });

  test('ends where the device ends it, and passes over what it does not know', async () => {
    const usual = at.phone.services.get('com.apple.mobile.notification_proxy');
    at.phone.services.set('com.apple.mobile.notification_proxy', {
      handler: async (connection) => {
        await connection.send({ Command: 'RelayNotification' });
        await connection.send(['RelayNotification']);
        await connection.send({ Command: 'SomethingNew', Name: 'x' });
        await connection.send({ Command: 'RelayNotification', Name: 'y' });
        await connection.send({ Command: 'ProxyDeath' });
      },
    });
    await using proxy = await at.device.openNotifications();
    expect(await take(proxy.notifications())).toEqual(['y']);
    if (usual !== undefined) at.phone.services.set('com.apple.mobile.notification_proxy', usual);
  });
});

describe('The home screen and diagnostics', () => {
  test('give icons, wallpaper, layout and orientation', async () => {
    await using fresh = await bench({ seed: 1, apps: [{ bundleId: 'com.example.a' }, { bundleId: 'com.example.b' }] });
    await using springboard = await fresh.device.openSpringboard();
    expect(kindOf(await springboard.iconPng('com.example.a'))).toBe('PNG');
    expect(kindOf(await springboard.wallpaperPng())).toBe('PNG');
    const [dock] = await springboard.iconState();
    const ids = asArray(dock)?.map((icon) => asString(asDict(icon)?.get('bundleIdentifier')));
    expect(ids).toEqual(['com.example.a', 'com.example.b']);
    expect(await springboard.orientation()).toBe('portrait');
    expect(await codeOf(springboard.iconPng('com.example.nothing'))).toBe('DEVICE_REFUSED');
    await springboard.close();
    expect(await codeOf(springboard.iconState())).toBe('DEVICE_CLOSED');
  });

  test('tell values of MobileGestalt, without those that are not known', async () => {
    const values = await at.device.mobileGestalt(['ProductType', 'Status', 'NoSuchKey']);
    expect([...values.keys()].sort()).toEqual(['ProductType', 'Status']);
  });

  test('report a MobileGestalt that tells nothing, as since iOS 17.4', async () => {
    const usual = at.phone.services.get('com.apple.mobile.diagnostics_relay');
    const answers = [
      { Status: 'Success', Diagnostics: { MobileGestalt: { Status: 'MobileGestaltDeprecated' } } },
      { Status: 'UnknownRequest' },
      {},
    ];
    for (const answer of answers) {
      at.phone.services.set('com.apple.mobile.diagnostics_relay', {
        handler: async (connection) => {
          await connection.receive();
          await connection.send(answer);
        },
      });
      expect(await codeOf(at.device.mobileGestalt(['ProductType']))).toBe('DEVICE_REFUSED');
    }
    if (usual !== undefined) at.phone.services.set('com.apple.mobile.diagnostics_relay', usual);
  });

  test('are asked under their old name where the new one is not known', async () => {
    const usual = at.phone.services.get('com.apple.mobile.diagnostics_relay');
    if (usual !== undefined) at.phone.services.set('com.apple.iosdiagnostics.relay', usual);
    at.phone.faults.refuseService('com.apple.mobile.diagnostics_relay', 'InvalidService');
    expect((await at.device.mobileGestalt(['ProductType'])).size).toBe(1);
    at.phone.services.delete('com.apple.iosdiagnostics.relay');
    await expect(at.device.mobileGestalt(['ProductType'])).rejects.toMatchObject({
      code: 'DEVICE_SERVICE_UNAVAILABLE',
      service: 'com.apple.mobile.diagnostics_relay',
    });
  });

  test('restart, shut down and put the device to sleep', async () => {
    await using fresh = await bench({ seed: 1 });
    const { phone, device, transport } = fresh;
    await device.sleep();
    expect(phone.attached).toBe(true);
    const events = transport.watch()[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ type: 'attached' });
    await device.restart();
    expect((await events.next()).value).toMatchObject({ type: 'detached' });
    expect((await events.next()).value).toMatchObject({ type: 'attached' });
    expect(phone.lockState).toBe('before-first-unlock');
    phone.setLockState('unlocked');
    await device.shutdown();
    expect((await events.next()).value).toMatchObject({ type: 'detached' });
    await events.return?.();
    expect(phone.attached).toBe(false);
  });
});

describe('PlistChannel', () => {
  test('talks to any other service, in either format', async () => {
    at.phone.services.set('com.example.echo', {
      handler: async (connection) => {
        for (;;) {
          const message = await connection.receive();
          if (message === undefined) return;
          await connection.send(message);
        }
      },
    });
    for (const format of ['xml', 'binary'] as const) {
      await using channel = new PlistChannel(await at.device.startService('com.example.echo'), { format });
      const message = { real: new PlistReal(2), large: 2n ** 63n, data: Uint8Array.of(1), text: 'é' };
      expect(await channel.request(message)).toEqual(new Map(Object.entries(message)));
      expect(await channel.exchange([1, 'two'])).toEqual([1, 'two']);
      expect(await codeOf(channel.request([1]))).toBe('PROTOCOL_MALFORMED');
      const replies = await Promise.all(Array.from({ length: 20 }, async (_, i) => await channel.exchange(i)));
      expect(replies).toEqual(Array.from({ length: 20 }, (_, i) => i));
    }
    await using channel = new PlistChannel(await at.device.startService('com.example.echo'));
    await expect(channel.send(plistNull)).rejects.toBeInstanceOf(TypeError);
  });
});
