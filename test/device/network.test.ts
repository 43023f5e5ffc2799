import { describe, expect, test } from 'vitest';
import { Device, usbmuxTransport } from '../../src/entry/device.js';
import { createVirtualDevice, type VirtualService } from '../../src/entry/testing.js';
import { asDict } from '../../src/plist/guards.js';
import { muxRequest } from '../testing/virtual-device/host.js';
import { codeOf, serveMux } from './support.js';

const heartbeatName = 'com.apple.mobile.heartbeat';

/** A usbmuxd that lists devices of the network and has no tunnels to them. */
async function withoutTunnels(address: string, number = 3) {
  return await serveMux(async (request) =>
    request.get('MessageType') === 'Connect'
      ? { MessageType: 'Result', Number: number }
      : await muxRequest(address, request),
  );
}

describe('A device on the network', () => {
  test('is reached through usbmuxd where that has a tunnel', async () => {
    await using phone = await createVirtualDevice({ usb: false, network: { listen: false } });
    const transport = usbmuxTransport(phone);
    await using device = await Device.connect(undefined, { transport, pair: true });
    expect(device.connectionType).toBe('Network');
    await using afc = await device.openAfc();
    expect(await afc.readdir('/')).toEqual([]);
  });

  test.each([
    ['bsd', 3],
    ['linux', 2],
  ] as const)('is reached at its address where usbmuxd has no tunnel (%s, Result %d)', async (addressForm, number) => {
    await using phone = await createVirtualDevice({ usb: false, network: { addressForm } });
    await using mux = await withoutTunnels(phone.address, number);
    const transport = usbmuxTransport(mux);
    await using device = await Device.connect(undefined, { transport, pair: true });
    expect(device.connectionType).toBe('Network');
    await using afc = await device.openAfc();
    expect(await afc.readdir('/')).toEqual([]);
  });

  test('that does not answer at its address is a device that is not connected', async () => {
    await using phone = await createVirtualDevice({ usb: false, network: { listen: false } });
    await using mux = await withoutTunnels(phone.address);
    const transport = usbmuxTransport(mux);
    await transport.savePairRecord(phone.udid, Uint8Array.of(1));
    expect(await codeOf(Device.connect(undefined, { transport, pair: true }))).toBe('DEVICE_DISCONNECTED');
    expect(await codeOf(transport.connect(1, 5))).toBe('DEVICE_SERVICE_UNAVAILABLE');
  });

  test('is used by its cable where it has both, unless the network is asked for', async () => {
    await using phone = await createVirtualDevice({ network: { listen: false } });
    const transport = usbmuxTransport(phone);
    await using byCable = await Device.connect(undefined, { transport, pair: true });
    expect(byCable.connectionType).toBe('USB');
    await using byNetwork = await Device.connect(undefined, { transport, connectionType: 'Network' });
    expect(byNetwork.connectionType).toBe('Network');
  });

  test('has its heartbeat answered for as long as it is connected', async () => {
    let beats = 0;
    let ended: (() => void) | undefined;
    let counted: (() => void) | undefined;
    const end = new Promise<void>((resolve) => (ended = resolve));
    const many = new Promise<void>((resolve) => (counted = resolve));
    const service: VirtualService = {
      whileLocked: true,
      handler: async (connection) => {
        for (;;) {
          await connection.send({ Command: 'Marco', Interval: 1 });
          const reply = asDict(await connection.receive());
          if (reply === undefined) break;
          expect(reply.get('Command')).toBe('Polo');
          beats += 1;
          if (beats === 3) {
            counted?.();
            await connection.receive();
            break;
          }
        }
        ended?.();
      },
    };
    await using phone = await createVirtualDevice({
      usb: false,
      network: { listen: false },
      services: { [heartbeatName]: service },
    });
    const device = await Device.connect(undefined, { transport: usbmuxTransport(phone), pair: true });
    await many;
    await device.close();
    await end;
    expect(beats).toBe(3);
  });

  test('works without a heartbeat where it refuses that', async () => {
    await using phone = await createVirtualDevice({ usb: false, network: { listen: false } });
    phone.faults.refuseService(heartbeatName, 'InvalidService');
    await using device = await Device.connect(undefined, { transport: usbmuxTransport(phone), pair: true });
    expect(await device.getValue('ProductVersion')).toBe('17.4');
  });
});
