import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { encodeAfcPacket, readAfcPacket } from '../../src/device/afc/framing.js';
import { ByteChannel } from '../../src/device/byte-channel.js';
import { encodePlistFrame, readPlistFrame } from '../../src/device/plist-frame.js';
import { encodeMuxFrame, readMuxFrame } from '../../src/device/usbmux/framing.js';
import { swapPort } from '../../src/device/usbmux/messages.js';
import { encodeSocketAddress } from '../../src/device/usbmux/socket-address.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function channelOf(bytes: Uint8Array | string): ByteChannel {
  const stream = new PassThrough();
  stream.end(typeof bytes === 'string' ? Buffer.from(bytes.replaceAll(' ', ''), 'hex') : bytes);
  return new ByteChannel(stream, 'a test');
}

describe('Messages of usbmuxd', () => {
  test('have a little-endian header of 16 bytes', () => {
    const frame = encodeMuxFrame({ version: 1, type: 8, tag: 0x01020304, payload: Uint8Array.of(0xaa, 0xbb) });
    expect(hex(frame)).toBe('12000000010000000800000004030201aabb');
  });

  test('are read one by one, up to the end', async () => {
    const frame = { version: 1, type: 8, tag: 7, payload: Uint8Array.of(1, 2, 3) };
    const empty = { version: 0, type: 3, tag: 0, payload: new Uint8Array() };
    const channel = channelOf(Buffer.concat([encodeMuxFrame(frame), encodeMuxFrame(empty)]));
    expect(await readMuxFrame(channel)).toEqual(frame);
    expect(await readMuxFrame(channel)).toEqual(empty);
    expect(await readMuxFrame(channel)).toBeUndefined();
  });

  test('of an impossible length are refused before anything is read', async () => {
    const rest = '01000000 08000000 00000000';
    await expect(readMuxFrame(channelOf(`0f000000 ${rest}`))).rejects.toMatchObject({
      code: 'PROTOCOL_MALFORMED',
      protocol: 'usbmux',
    });
    await expect(readMuxFrame(channelOf(`ffffffff ${rest}`))).rejects.toMatchObject({
      code: 'PROTOCOL_LIMIT_EXCEEDED',
    });
    await expect(readMuxFrame(channelOf(`11000000 ${rest}`))).rejects.toMatchObject({ code: 'DEVICE_DISCONNECTED' });
  });
});

describe('Ports and addresses', () => {
  test('a port is written with its bytes swapped', () => {
    expect([swapPort(62_078), swapPort(49_200), swapPort(32_498)]).toEqual([32_498, 12_480, 62_078]);
  });

  test.each([
    ['127.0.0.2', 'bsd', '1002f27e7f0000020000000000000000'],
    ['127.0.0.2', 'linux', '0200f27e7f0000020000000000000000'],
    ['fe80::1:2', 'bsd', '1c1ef27e00000000fe80000000000000000000000001000200000000'],
    ['::ffff:1.2.3.4', 'linux', '0a00f27e0000000000000000000000000000ffff0102030400000000'],
    ['1:2:3:4:5:6:7:8', 'linux', '0a00f27e000000000001000200030004000500060007000800000000'],
  ] as const)('%s in the form of %s', (address, form, expected) => {
    expect(hex(encodeSocketAddress(address, 62_078, form))).toBe(expected);
  });

  test('what is no address is a RangeError', () => {
    expect(() => encodeSocketAddress('localhost', 1, 'bsd')).toThrow(RangeError);
  });
});

describe('Messages of property lists', () => {
  test('begin with a big-endian length', async () => {
    const frame = encodePlistFrame({ Request: 'QueryType' }, 'xml');
    expect(new DataView(frame.buffer).getUint32(0)).toBe(frame.length - 4);
    expect(Buffer.from(frame.subarray(4)).toString()).toMatch(/^<\?xml/);
    expect((await readPlistFrame(channelOf(frame), { protocol: 'lockdown', limit: 1000 }))?.value).toEqual(
      new Map([['Request', 'QueryType']]),
    );
  });

  test('say in which format they came', async () => {
    const frame = encodePlistFrame([1], 'binary');
    expect(hex(frame.subarray(4, 12))).toBe(hex(Buffer.from('bplist00')));
    expect(await readPlistFrame(channelOf(frame), { protocol: 'service', limit: 1000 })).toEqual({
      value: [1],
      format: 'binary',
    });
  });

  test('that are too long, or no property list, are refused', async () => {
    const options = { protocol: 'service', limit: 100 } as const;
    await expect(readPlistFrame(channelOf('ffffffff'), options)).rejects.toMatchObject({
      code: 'PROTOCOL_LIMIT_EXCEEDED',
    });
    await expect(readPlistFrame(channelOf('00000003 616263'), options)).rejects.toMatchObject({
      code: 'PROTOCOL_MALFORMED',
      protocol: 'service',
    });
    await expect(readPlistFrame(channelOf('00000004 61'), options)).rejects.toMatchObject({
      code: 'DEVICE_DISCONNECTED',
    });
  });
});

describe('Packets of AFC', () => {
  const packet = { number: 3n, operation: 0x10, data: new Uint8Array(8).fill(1), payload: Uint8Array.of(9, 9) };

  test('have a little-endian header of 40 bytes with both lengths', () => {
    expect(hex(encodeAfcPacket(packet))).toBe(
      '434641364c504141' +
        '3200000000000000' +
        '3000000000000000' +
        '0300000000000000' +
        '1000000000000000' +
        '0101010101010101' +
        '0909',
    );
  });

  test('are read as they were written', async () => {
    expect(await readAfcPacket(channelOf(encodeAfcPacket(packet)))).toEqual(packet);
    expect(await readAfcPacket(channelOf(''))).toBeUndefined();
  });

  test.each([
    ['another magic number', 0, 0x58, 'PROTOCOL_MALFORMED'],
    ['a packet shorter than its header', 8, 0x10, 'PROTOCOL_MALFORMED'],
    ['data that ends before the header', 16, 0x10, 'PROTOCOL_MALFORMED'],
    ['data beyond the packet', 16, 0xff, 'PROTOCOL_MALFORMED'],
    ['an absurd length', 15, 0x7f, 'PROTOCOL_LIMIT_EXCEEDED'],
  ])('with %s are refused', async (_name, offset, value, code) => {
    const bytes = encodeAfcPacket(packet);
    bytes[offset] = value;
    await expect(readAfcPacket(channelOf(bytes))).rejects.toMatchObject({ code, protocol: 'afc' });
  });

  test('with an operation of more than one byte are read, so that they can be answered', async () => {
    const bytes = encodeAfcPacket(packet);
    bytes[33] = 1;
    expect((await readAfcPacket(channelOf(bytes)))?.operation).toBe(-1);
  });
});
