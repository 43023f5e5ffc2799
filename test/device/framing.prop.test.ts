import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBackupKitError } from '../../src/core/errors.js';
import { encodeAfcPacket, readAfcPacket } from '../../src/device/afc/framing.js';
import { ByteChannel } from '../../src/device/byte-channel.js';
import { encodePlistFrame, readPlistFrame } from '../../src/device/plist-frame.js';
import { encodeMuxFrame, readMuxFrame } from '../../src/device/usbmux/framing.js';

const readers = {
  usbmux: readMuxFrame,
  plist: async (channel: ByteChannel) => await readPlistFrame(channel, { protocol: 'service', limit: 10_000 }),
  afc: async (channel: ByteChannel) => await readAfcPacket(channel),
};

const genuine = [
  encodeMuxFrame({ version: 1, type: 8, tag: 1, payload: new Uint8Array(30) }),
  encodePlistFrame({ Request: 'GetValue', Key: 'x', List: [1, 2.5, true] }, 'xml'),
  encodePlistFrame({ Request: 'GetValue', Key: 'x', List: [1, 2.5, true] }, 'binary'),
  encodeAfcPacket({ number: 1n, operation: 3, data: new Uint8Array(20), payload: new Uint8Array(20) }),
];

/** A genuine message that was changed, cut or followed by something, or mere noise. */
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .tuple(
      fc.constantFrom(...genuine),
      fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 5 }),
      fc.nat(300),
      fc.uint8Array({ maxLength: 20 }),
    )
    .map(([bytes, changes, length, tail]) => {
      const changed = Uint8Array.from(bytes);
      for (const [at, value] of changes) changed[at % changed.length] = value;
      return Uint8Array.from([...changed.subarray(0, length), ...tail]);
    }),
);

describe.each(Object.entries(readers))('Whatever arrives, %s', (_name, read) => {
  test('gives messages, an end or a typed error', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, fc.integer({ min: 1, max: 50 }), async (bytes, step) => {
        const stream = new PassThrough();
        for (let at = 0; at < bytes.length; at += step) stream.write(bytes.subarray(at, at + step));
        stream.end();
        const channel = new ByteChannel(stream, 'a test');
        let messages = 0;
        try {
          while ((await read(channel)) !== undefined) messages += 1;
        } catch (error) {
          expect(error).toSatisfy((thrown) =>
            isBackupKitError(thrown, 'PROTOCOL_MALFORMED', 'PROTOCOL_LIMIT_EXCEEDED', 'DEVICE_DISCONNECTED'),
          );
        }
        expect(messages).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
