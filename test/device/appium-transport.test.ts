import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { loadAppium, type AppiumUsbmux } from '../../src/device/appium/load-appium.js';
import { appiumTransport, Device } from '../../src/entry/device.js';
import { createVirtualDevice } from '../../src/entry/testing.js';
import { asString } from '../../src/plist/guards.js';
import { toPlain } from '../../src/plist/to-plain.js';
import { parsePlist } from '../../src/plist/parse.js';
import { muxRequest, tunnel } from '../testing/virtual-device/host.js';
import { codeOf, serve, take } from './support.js';

const reason = new Error('enough');

/** What Appium does, over sockets of its own; the real one is in test/consumers. */
function fakeAppium(address: string, overrides: Partial<AppiumUsbmux> = {}) {
  return {
    default: {
      Usbmux: class implements AppiumUsbmux {
        readonly connect =
          overrides.connect ??
          (async (_deviceId: number, port: number): Promise<Duplex> => await tunnel(address, port));

        async listDevices(): Promise<readonly unknown[]> {
          if (overrides.listDevices !== undefined) return await overrides.listDevices();
          const { DeviceList } = toPlain(await muxRequest(address, { MessageType: 'ListDevices' })) as {
            DeviceList: unknown[];
          };
          return DeviceList;
        }

        async readBUID(): Promise<string> {
          return asString((await muxRequest(address, { MessageType: 'ReadBUID' })).get('BUID')) ?? '';
        }

        async readPairRecord(udid: string): Promise<unknown> {
          const reply = await muxRequest(address, { MessageType: 'ReadPairRecord', PairRecordID: udid });
          const data = reply.get('PairRecordData') as Uint8Array | undefined;
          return data === undefined ? null : Object.fromEntries(parsePlist(data) as Map<string, unknown>);
        }
      },
    },
  };
}

describe('appiumTransport()', () => {
  test('connects, pairs and starts services like the usual transport', async () => {
    await using phone = await createVirtualDevice();
    const transport = appiumTransport({ address: phone.address, appium: fakeAppium(phone.address) });
    await using device = await Device.connect(undefined, { transport, pair: true });
    await using again = await Device.connect(phone.udid, { transport });
    await using afc = await again.openAfc();
    expect(await afc.readdir('/')).toEqual([]);
    expect(await take(transport.watch(), 1)).toEqual([
      { type: 'attached', device: { udid: phone.udid, connectionType: 'USB', deviceId: 1 } },
    ]);
    await device.unpair();
    expect(phone.mux.pairRecords.size).toBe(0);
  });

  test('tells a device that is gone from a port where nothing is', async () => {
    await using phone = await createVirtualDevice();
    const transport = appiumTransport({ address: phone.address, appium: fakeAppium(phone.address) });
    expect(await codeOf(transport.connect(1, 5, { service: 'x' }))).toBe('DEVICE_SERVICE_UNAVAILABLE');
    expect(await codeOf(transport.connect(9, 5))).toBe('DEVICE_NOT_FOUND');
  });

  test('reports what goes wrong with usbmuxd', async () => {
    const never = { listDevices: async () => await new Promise<never>(() => undefined) };
    await using mux = await serve((socket) => socket.end());
    const transport = appiumTransport({ address: mux.address, appium: fakeAppium(mux.address, never) });
    expect(await codeOf(transport.list())).toBe('DEVICE_DISCONNECTED');
    const confused = { listDevices: async () => await Promise.reject(new Error('Unexpected data')) };
    await using other = await serve(() => undefined);
    const confusing = appiumTransport({ address: other.address, appium: fakeAppium(other.address, confused) });
    expect(await codeOf(confusing.list())).toBe('PROTOCOL_MALFORMED');
    expect(await codeOf(appiumTransport({ address: 'UNIX:/nowhere', appium: fakeAppium('') }).list())).toBe(
      'DEVICE_MUX_UNAVAILABLE',
    );
  });

  test('can be aborted, although Appium cannot', async () => {
    const never = { listDevices: async () => await new Promise<never>(() => undefined) };
    await using mux = await serve(() => undefined);
    const transport = appiumTransport({ address: mux.address, appium: fakeAppium(mux.address, never) });
    const controller = new AbortController();
    const listing = transport.list(controller);
    setImmediate(() => controller.abort(reason));
    await expect(listing).rejects.toBe(reason);
    await expect(transport.connect(1, 2, controller)).rejects.toBe(reason);
  });

  test('says what to install where the package is not there, or does not load', async () => {
    const call = appiumTransport({ address: '127.0.0.1:1' }).list();
    await expect(call).rejects.toMatchObject({ code: 'DEVICE_TRANSPORT_UNAVAILABLE' });
    await expect(call).rejects.toThrow('npm install appium-ios-device');
    const broken = loadAppium(async () => await Promise.reject(new TypeError('x is not a function')));
    await expect(broken).rejects.toMatchObject({ code: 'DEVICE_TRANSPORT_UNAVAILABLE' });
    await expect(broken).rejects.toThrow('"overrides": { "bplist-parser": "0.3.2" }');
    const within = Object.assign(new Error("Cannot find package 'other'"), { code: 'ERR_MODULE_NOT_FOUND' });
    await expect(loadAppium(async () => await Promise.reject(within))).rejects.toThrow('overrides');
    expect(await codeOf(loadAppium(async () => ({ default: {} })))).toBe('DEVICE_TRANSPORT_UNAVAILABLE');
  });
});
