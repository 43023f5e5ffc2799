import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeMuxFrame } from '../../../src/device/usbmux/framing.js';
import { listDevices, usbmuxTransport, watchDevices, type DeviceEvent } from '../../../src/entry/device.js';
import { createVirtualMux } from '../../../src/entry/testing.js';
import { writeXmlPlist } from '../../../src/plist/xml-write.js';
import { codeOf, serve, serveMux, take } from '../support.js';

const udid = '00008110-000A1B2C3D4E5F60';
const second = 'a'.repeat(40);
const reason = new Error('enough');

describe('listDevices()', () => {
  test('gives every way to every device', async () => {
    await using mux = await createVirtualMux({
      devices: [
        { device: { udid }, network: { listen: false } },
        { device: { udid: second }, seed: 2 },
      ],
    });
    expect(await listDevices({ transport: usbmuxTransport({ address: mux.address }) })).toEqual([
      { udid, connectionType: 'USB', deviceId: 1 },
      { udid, connectionType: 'Network', deviceId: 2 },
      { udid: second, connectionType: 'USB', deviceId: 3 },
    ]);
  });

  test('goes through a unix socket as well', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mux-'));
    await using mux = await createVirtualMux({ listen: `UNIX:${join(folder, 's')}`, devices: [{ device: { udid } }] });
    for (const address of [mux.address, join(folder, 's'), `unix://${join(folder, 's')}`])
      expect(await usbmuxTransport({ address }).list()).toHaveLength(1);
    await rm(folder, { recursive: true });
  });

  test('puts the dash back that USB takes out of newer UDIDs', async () => {
    await using mux = await serveMux(() => ({
      DeviceList: [
        { DeviceID: 4, Properties: { SerialNumber: udid.replace('-', ''), ConnectionType: 'USB', DeviceID: 4 } },
      ],
    }));
    expect(await usbmuxTransport(mux).list()).toEqual([{ udid, connectionType: 'USB', deviceId: 4 }]);
  });

  test('says what to do where no usbmuxd answers', async () => {
    let address;
    {
      await using gone = await serve(() => undefined);
      ({ address } = gone);
    }
    for (const nowhere of [address, 'UNIX:/nowhere/usbmuxd']) {
      const call = usbmuxTransport({ address: nowhere }).list();
      await expect(call).rejects.toMatchObject({ code: 'DEVICE_MUX_UNAVAILABLE', service: 'usbmuxd' });
      await expect(call).rejects.toThrow(nowhere);
    }
  });

  test('does not touch usbmuxd where the signal has aborted before', async () => {
    let connections = 0;
    await using mux = await serve(() => (connections += 1));
    const transport = usbmuxTransport(mux);
    const signal = AbortSignal.abort(reason);
    const calls = [
      async () => await listDevices({ transport, signal }),
      async () => await take(watchDevices({ transport, signal })),
      async () => await transport.readBuid({ signal }),
      async () => await transport.connect(1, 2, { signal }),
      async () => await transport.readPairRecord(udid, { signal }),
      async () => await transport.savePairRecord(udid, Uint8Array.of(1), { signal }),
      async () => await transport.deletePairRecord(udid, { signal }),
    ];
    for (const call of calls) await expect(call()).rejects.toBe(reason);
    expect(connections).toBe(0);
  });

  test('ends at once when the signal aborts while usbmuxd is silent', async () => {
    const controller = new AbortController();
    await using mux = await serve((socket) => socket.once('data', () => controller.abort(reason)));
    await expect(listDevices({ transport: usbmuxTransport(mux), signal: controller.signal })).rejects.toBe(reason);
  });
});

describe('watchDevices()', () => {
  test('tells what is there, what comes, what goes and what is paired', async () => {
    await using mux = await createVirtualMux({ devices: [{ device: { udid } }] });
    const transport = usbmuxTransport({ address: mux.address });
    const [phone] = mux.devices;
    const events: DeviceEvent[] = [];
    const steps = [
      async () => await mux.add({ device: { udid: second }, seed: 2 }),
      async () => await transport.savePairRecord(udid, Uint8Array.of(1), { deviceId: 1 }),
      async () => await phone?.detach(),
      async () => await phone?.attach(),
    ];
    for await (const event of watchDevices({ transport })) {
      events.push(event);
      const next = steps.shift();
      if (next === undefined) break;
      await next();
    }
    expect(events).toEqual([
      { type: 'attached', device: { udid, connectionType: 'USB', deviceId: 1 } },
      { type: 'attached', device: { udid: second, connectionType: 'USB', deviceId: 2 } },
      { type: 'paired', deviceId: 1 },
      { type: 'detached', deviceId: 1 },
      { type: 'attached', device: { udid, connectionType: 'USB', deviceId: 3 } },
    ]);
  });

  test('ends when the signal aborts, and leaves no connection behind', async () => {
    const controller = new AbortController();
    let closed: Promise<unknown> | undefined;
    const result = writeXmlPlist({ MessageType: 'Result', Number: 0 });
    await using mux = await serve((socket) => {
      closed = new Promise((resolve) => socket.once('close', resolve));
      socket.once('data', () => {
        socket.write(encodeMuxFrame({ version: 1, type: 8, tag: 1, payload: result }));
        setImmediate(() => controller.abort(reason));
      });
    });
    const { signal } = controller;
    await expect(take(watchDevices({ transport: usbmuxTransport(mux), signal }))).rejects.toBe(reason);
    await expect(closed).resolves.toBeTypeOf('boolean');
  });

  test('reports a usbmuxd that stops, or that cannot be listened to', async () => {
    const mux = await createVirtualMux();
    const events = take(watchDevices({ transport: usbmuxTransport({ address: mux.address }) }));
    await usbmuxTransport({ address: mux.address }).list();
    await mux.close();
    await expect(events).rejects.toMatchObject({ code: 'DEVICE_DISCONNECTED', transient: true });
    await using other = await serveMux(() => ({ MessageType: 'Result', Number: 1 }));
    await expect(take(watchDevices({ transport: usbmuxTransport(other) }))).rejects.toMatchObject({
      code: 'DEVICE_REFUSED',
      remoteError: '1',
    });
  });
});

describe('The usbmux transport', () => {
  test('keeps pair records, and tells the name of the host', async () => {
    await using mux = await createVirtualMux({ systemBuid: 'BUID' });
    const transport = usbmuxTransport({ address: mux.address });
    expect(await transport.readBuid()).toBe('BUID');
    expect(await transport.readPairRecord(udid)).toBeUndefined();
    await transport.savePairRecord(udid, Uint8Array.of(1, 2, 3));
    expect(await transport.readPairRecord(udid)).toEqual(Uint8Array.of(1, 2, 3));
    await transport.deletePairRecord(udid);
    await transport.deletePairRecord(udid);
    expect(mux.pairRecords.size).toBe(0);
  });

  test('tells refusals apart from records that are not there', async () => {
    await using mux = await serveMux(() => ({ MessageType: 'Result', Number: 13 }));
    const transport = usbmuxTransport(mux);
    const calls = [
      async () => await transport.readBuid(),
      async () => await transport.readPairRecord(udid),
      async () => await transport.savePairRecord(udid, Uint8Array.of(1)),
      async () => await transport.deletePairRecord(udid),
      async () => await transport.list(),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'DEVICE_REFUSED', remoteError: '13' });
  });

  test('cannot connect to a device that is gone, or to a port where nothing is', async () => {
    await using mux = await createVirtualMux({ devices: [{ device: { udid } }] });
    const transport = usbmuxTransport({ address: mux.address });
    expect(await codeOf(transport.connect(99, 62_078))).toBe('DEVICE_NOT_FOUND');
    await expect(transport.connect(1, 4, { service: 'com.example' })).rejects.toMatchObject({
      code: 'DEVICE_SERVICE_UNAVAILABLE',
      service: 'com.example',
      udid,
    });
  });

  const hostile: [string, unknown][] = [
    ['garbage', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a length beyond all limits', Uint8Array.of(255, 255, 255, 255, 1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0)],
    ['a length below that of the header', Uint8Array.of(3, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0)],
    ['the binary protocol', encodeMuxFrame({ version: 0, type: 1, tag: 1, payload: new Uint8Array(4) })],
    ['no property list', encodeMuxFrame({ version: 1, type: 8, tag: 1, payload: new Uint8Array(40) })],
    ['an array', ['Result', 0]],
    ['nothing that was asked for', {}],
    ['wrong types', { DeviceList: 'x', BUID: 1, PairRecordData: 'x', MessageType: 7, Number: 'x' }],
    ['the end of the connection', undefined],
  ];
  test.each(hostile)('reports %s as an error of its own', async (_title, reply) => {
    await using mux = await serveMux(() => reply as never);
    const transport = usbmuxTransport(mux);
    const calls = [
      async () => await transport.list(),
      async () => await transport.readBuid(),
      async () => await transport.connect(1, 62_078),
      async () => await transport.savePairRecord(udid, Uint8Array.of(1)),
      async () => await take(transport.watch(), 1),
    ];
    for (const call of calls) expect(await codeOf(call())).toMatch(/^(PROTOCOL|DEVICE)_/);
  });

  test('leaves out entries that are no devices', async () => {
    const good = { SerialNumber: second, ConnectionType: 'Network', DeviceID: 3, NetworkAddress: Uint8Array.of(9) };
    await using mux = await serveMux(() => ({
      DeviceList: [
        1,
        {},
        { Properties: 1 },
        { Properties: { ...good, SerialNumber: '' } },
        { Properties: { ...good, ConnectionType: 'Carrier pigeon' } },
        { Properties: good },
      ],
    }));
    expect(await usbmuxTransport(mux).list()).toEqual([{ udid: second, connectionType: 'Network', deviceId: 3 }]);
  });
});
