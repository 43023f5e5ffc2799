import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createVirtualDevice, createVirtualMux } from '../../../src/entry/testing.js';
import { deviceIds, MuxConnection, muxRequest, muxSocket, plain } from './host.js';

describe('The usbmuxd of virtual devices', () => {
  test('answers byte for byte as usbmuxd does, with the tag of the request', async () => {
    await using mux = await createVirtualMux({ systemBuid: 'BUID' });
    const [host, port] = mux.address.split(':');
    const socket = connect({ host: host ?? '', port: Number(port) });
    const request = '<plist version="1.0"><dict><key>MessageType</key><string>ReadBUID</string></dict></plist>';
    const header = Buffer.from('0000000001000000080000002a000000', 'hex');
    header.writeUInt32LE(16 + request.length);
    // In pieces, as a network may deliver it.
    for (const byte of Buffer.concat([header, Buffer.from(request)])) socket.write(Buffer.of(byte));
    const [reply] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(reply.readUInt32LE(0)).toBe(reply.length);
    expect(reply.subarray(4, 16).toString('hex')).toBe('01000000080000002a000000');
    expect(reply.subarray(16).toString()).toMatch(/^<\?xml[^]*<key>BUID<\/key>\s*<string>BUID<\/string>/);
  });

  test('answers the binary protocol with BadVersion', async () => {
    await using mux = await createVirtualMux();
    const socket = await muxSocket(mux.address);
    socket.write(Buffer.from('10000000000000000300000007000000', 'hex'));
    const [reply] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(reply.toString('hex')).toBe('1400000000000000010000000700000006000000');
  });

  test('lists devices by cable and by network, each entry with a number of its own', async () => {
    await using mux = await createVirtualMux({
      devices: [
        { network: { listen: false } },
        { seed: 2, usb: false, network: { listen: false, address: '10.0.0.7', addressForm: 'linux' } },
      ],
    });
    const reply = plain(await muxRequest(mux.address, { MessageType: 'ListDevices' }));
    const usb = {
      ConnectionType: 'USB',
      DeviceID: 1,
      LocationID: expect.any(Number) as number,
      ProductID: 0x12a8,
      SerialNumber: mux.devices[0]?.udid,
      ConnectionSpeed: 480_000_000,
    };
    const network = { ConnectionType: 'Network', DeviceID: 3, SerialNumber: mux.devices[1]?.udid };
    expect(reply).toMatchObject({
      DeviceList: [
        { MessageType: 'Attached', DeviceID: 1, Properties: usb },
        { DeviceID: 2, Properties: { ConnectionType: 'Network', DeviceID: 2 } },
        { DeviceID: 3, Properties: network },
      ],
    });
    const list = (reply as { DeviceList: { Properties: { NetworkAddress?: Uint8Array } }[] }).DeviceList;
    const address = list[2]?.Properties.NetworkAddress ?? new Uint8Array();
    expect(Buffer.from(address).toString('hex')).toBe('0200f27e0a0000070000000000000000');
  });

  test('tells listeners what comes and goes, and gives a new number on every attachment', async () => {
    await using device = await createVirtualDevice();
    const listener = await MuxConnection.open(device.address);
    const tag = await listener.send({ MessageType: 'Listen', ProgName: 'a test' });
    const next = async () => {
      const event = await listener.next();
      return [event?.tag, event?.message.get('MessageType'), event?.message.get('DeviceID')];
    };
    expect(await next()).toEqual([tag, 'Result', undefined]);
    expect(await next()).toEqual([0, 'Attached', 1]);
    expect(plain(await muxRequest(device.address, { MessageType: 'ListListeners' }))).toEqual({
      ListenerList: [{ ProgName: 'a test', 'Is Blacklisted': false }],
    });
    await device.detach();
    expect(await next()).toEqual([0, 'Detached', 1]);
    expect(await deviceIds(device.address)).toEqual([]);
    await device.attach();
    expect(await next()).toEqual([0, 'Attached', 2]);
    const PairRecordData = Buffer.from('record');
    await muxRequest(device.address, { MessageType: 'SavePairRecord', PairRecordID: device.udid, PairRecordData });
    expect(await next()).toEqual([0, 'Paired', 2]);
    listener.channel.destroy();
  });

  test('takes no request on a connection that listens', async () => {
    await using mux = await createVirtualMux();
    const listener = await MuxConnection.open(mux.address);
    expect(plain(await listener.request({ MessageType: 'Listen' }))).toEqual({ MessageType: 'Result', Number: 0 });
    expect(plain(await listener.request({ MessageType: 'ReadBUID' }))).toEqual({ MessageType: 'Result', Number: 1 });
    expect(await listener.next()).toBeUndefined();
  });

  test('keeps pair records byte for byte', async () => {
    const known = Uint8Array.of(1, 2, 3);
    await using mux = await createVirtualMux({ pairRecords: { KNOWN: known } });
    const ask = async (request: Record<string, string | Uint8Array>) => plain(await muxRequest(mux.address, request));
    const result = (Number: number) => ({ MessageType: 'Result', Number });
    expect(await ask({ MessageType: 'ReadPairRecord', PairRecordID: 'KNOWN' })).toEqual({ PairRecordData: known });
    expect(await ask({ MessageType: 'ReadPairRecord', PairRecordID: 'X' })).toEqual(result(2));
    expect(await ask({ MessageType: 'SavePairRecord', PairRecordID: 'X' })).toEqual(result(22));
    const PairRecordData = Uint8Array.of(0, 255);
    expect(await ask({ MessageType: 'SavePairRecord', PairRecordID: 'X', PairRecordData })).toEqual(result(0));
    expect(mux.pairRecords.get('X')).toEqual(PairRecordData);
    expect(await ask({ MessageType: 'DeletePairRecord', PairRecordID: 'X' })).toEqual(result(0));
    expect(await ask({ MessageType: 'DeletePairRecord', PairRecordID: 'X' })).toEqual(result(2));
  });

  test.each([
    ['an unknown device', { DeviceID: 99, PortNumber: 32_498 }, 2],
    ['no device', { PortNumber: 32_498 }, 2],
    ['no port', { DeviceID: 1 }, 1],
    ['a port where nothing listens', { DeviceID: 1, PortNumber: 1 }, 3],
    ['lockdownd', { DeviceID: 1, PortNumber: 32_498 }, 0],
  ])('Connect to %s', async (_name, keys, expected) => {
    await using device = await createVirtualDevice();
    const reply = await muxRequest(device.address, { MessageType: 'Connect', ...keys });
    expect(plain(reply)).toEqual({ MessageType: 'Result', Number: expected });
  });

  test('answers several requests on one connection, and unknown ones with BadCommand', async () => {
    await using mux = await createVirtualMux({ systemBuid: 'BUID' });
    const connection = await MuxConnection.open(mux.address);
    expect(plain(await connection.request({ MessageType: 'Unheard' }))).toEqual({ MessageType: 'Result', Number: 1 });
    expect(plain(await connection.request({}))).toEqual({ MessageType: 'Result', Number: 1 });
    expect(plain(await connection.request({ MessageType: 'ReadBUID' }))).toEqual({ BUID: 'BUID' });
    connection.channel.destroy();
  });
});
