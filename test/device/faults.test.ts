import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Device, type DeviceTransport } from '../../src/entry/device.js';
import { isBackupKitError } from '../../src/entry/index.js';
import { bench, codeOf, take, type Bench } from './support.js';

const lockdown = 'com.apple.mobile.lockdown';
const damages = ['oversized', 'garbage', 'truncated', 'empty'] as const;

let at: Bench;
beforeAll(async () => {
  at = await bench({
    media: { 'a.txt': 'a' },
    apps: [{ bundleId: 'com.example.one' }, { bundleId: 'com.example.two' }],
  });
});
afterAll(async () => await at[Symbol.asyncDispose]());
beforeEach(async () => {
  at.phone.faults.clear();
  await at.phone.attach();
});

/** Every kind of work with a device, begun anew. */
const jobs: Readonly<Record<string, { service: string; run: (device: Device) => Promise<unknown> }>> = {
  apps: { service: 'com.apple.mobile.installation_proxy', run: async (device) => await take(device.apps()) },
  icons: { service: 'com.apple.springboardservices', run: async (device) => await take(device.apps({ icons: true })) },
  files: {
    service: 'com.apple.afc',
    run: async (device) => {
      await using afc = await device.openAfc();
      await afc.writeFile('/b.txt', Uint8Array.of(1, 2, 3));
      await afc.readFile('/b.txt');
      await afc.rm('/b.txt');
    },
  },
  'files of an app': {
    service: 'com.apple.mobile.house_arrest',
    run: async (device) => {
      await using files = await device.openAppFiles('com.example.one');
      await files.readdir('/Documents');
    },
  },
  gestalt: {
    service: 'com.apple.mobile.diagnostics_relay',
    run: async (device) => await device.mobileGestalt(['ProductType']),
  },
  icon: {
    service: 'com.apple.springboardservices',
    run: async (device) => {
      await using springboard = await device.openSpringboard();
      await springboard.iconState();
      await springboard.wallpaperPng();
    },
  },
};

/** How often `run` fails when the cable is pulled after message 1, 2, 3 …, until it succeeds. */
async function pullAtEveryMessage(service: string, run: () => Promise<unknown>): Promise<number> {
  for (let messages = 1; ; messages += 1) {
    await at.phone.attach();
    at.phone.faults.clear();
    at.phone.faults.pullCableAfter({ service, messages });
    try {
      await run();
      return messages - 1;
    } catch (error) {
      if (!isBackupKitError(error, 'DEVICE_DISCONNECTED')) throw error;
      expect(error).toMatchObject({ transient: true });
    }
  }
}

describe('A cable that is pulled is one error', () => {
  test('after any message of the handshake, and a try later connects', async () => {
    const count = await pullAtEveryMessage(lockdown, async () => {
      await using device = await Device.connect(undefined, at);
      void device;
    });
    // QueryType, GetValue, StartSession and GetValue, with their replies but for the last.
    expect(count).toBeGreaterThanOrEqual(7);
  });

  test.each(Object.entries(jobs))('after any message of %s', async (_title, { service, run }) => {
    const count = await pullAtEveryMessage(service, async () => {
      await using device = await Device.connect(undefined, at);
      await run(device);
    });
    expect(count).toBeGreaterThanOrEqual(1);
  });

  test('after any so many bytes of the handshake, TLS too', async () => {
    let failures = 0;
    for (let bytes = 1; bytes < 20_000; bytes += 311) {
      await at.phone.attach();
      at.phone.faults.clear();
      at.phone.faults.pullCableAfter({ service: lockdown, bytes });
      const code = await codeOf(Device.connect(undefined, at).then(async (device) => await device.close()));
      if (code === 'no failure but undefined') break;
      expect(code).toBe('DEVICE_DISCONNECTED');
      failures += 1;
    }
    expect(failures).toBeGreaterThan(5);
  });

  test('while notifications are waited for', async () => {
    await using device = await Device.connect(undefined, at);
    const proxy = await device.openNotifications();
    await proxy.observe('com.example.never');
    const waiting = take(proxy.notifications());
    await at.phone.detach();
    await expect(waiting).rejects.toMatchObject({ code: 'DEVICE_DISCONNECTED' });
    expect(await codeOf(proxy.post('x'))).toBe('DEVICE_DISCONNECTED');
    await proxy.close();
  });
});

describe('A device that falls silent', () => {
  test('during the handshake does not hold up an abort, whatever it has said', async () => {
    const reason = new Error('enough');
    for (let afterMessages = 0; afterMessages < 8; afterMessages += 1) {
      at.phone.faults.clear();
      at.phone.faults.goSilent({ service: lockdown, afterMessages });
      await expect(Device.connect(undefined, { ...at, signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
        name: 'TimeoutError',
      });
    }
    await expect(Device.connect(undefined, { ...at, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    at.phone.faults.resume();
    at.phone.faults.clear();
    await using device = await Device.connect(undefined, at);
    expect(device.udid).toBe(at.phone.udid);
  });

  test('does not hold up an abort or a close of what works with it', async () => {
    await using device = await Device.connect(undefined, at);
    const afc = await device.openAfc();
    const proxy = await device.openNotifications();
    const springboard = await device.openSpringboard();
    at.phone.faults.goSilent();
    const signal = AbortSignal.timeout(20);
    const calls = [
      afc.readdir('/', { signal }),
      afc.readFile('/a.txt', { signal }),
      afc.writeFile('/c.txt', Uint8Array.of(1), { signal }),
      take(proxy.notifications({ signal })),
      springboard.iconState({ signal }),
      take(device.apps({ signal })),
      device.openAppFiles('com.example.one', { signal }),
      device.mobileGestalt(['x'], { signal }),
    ];
    for (const result of await Promise.allSettled(calls)) expect(result).toMatchObject({ reason: signal.reason });
    const waiting = codeOf(afc.readdir('/'));
    await Promise.all([afc.close(), proxy.close(), springboard.close()]);
    expect(await waiting).toBe('DEVICE_CLOSED');
    at.phone.faults.resume();
  });
});

describe('A device that does not keep to the protocol', () => {
  test.each(damages)('is reported: %s replies of lockdownd', async (damage) => {
    for (let message = 1; message <= 3; message += 1) {
      at.phone.faults.clear();
      at.phone.faults.damageReply({ service: lockdown, message, damage });
      expect(await codeOf(Device.connect(undefined, at))).toMatch(/^(PROTOCOL_|DEVICE_DISCONNECTED)/);
    }
  });

  // AFC has other messages; it has a test of its own.
  const services = Object.entries(jobs).filter(([title]) => title !== 'files');
  test.each(services)('is reported: damaged replies to %s', async (_title, { service, run }) => {
    for (const damage of [...damages, Uint8Array.of(1, 2, 3)]) {
      at.phone.faults.clear();
      at.phone.faults.damageReply({ service, damage });
      await using device = await Device.connect(undefined, at);
      const call = codeOf(run(device));
      // Three bytes are too few for any message; the device says nothing more until the cable is out.
      if (typeof damage !== 'string') await Promise.race([call, at.phone.detach()]);
      expect(await call).toMatch(/^(PROTOCOL_|DEVICE_DISCONNECTED)/);
      await at.phone.attach();
    }
  });
});

test('A transport that fails does so with its own error', async () => {
  const mistake = new Error('a transport of somebody else');
  const transport: DeviceTransport = {
    ...at.transport,
    list: async () => await Promise.reject(mistake),
  };
  await expect(Device.connect(undefined, { transport })).rejects.toBe(mistake);
});
