import { describe, expect, it } from 'vitest';
import { DeviceLinkChannel } from '../../../src/backup/device-link/channel.js';
import { encodeDeviceMessage, parseHostMessage, type DeviceMessage } from '../../../src/backup/device-link/messages.js';
import { concatBytes } from '../../../src/core/bytes.js';
import { encodePlistFrame, type PlistFormat } from '../../../src/device/plist-frame.js';
import type { ServiceConnection } from '../../../src/device/transport.js';
import { parsePlist } from '../../../src/plist/parse.js';

/** A connection on which everything that the device says has come at once. */
function saying(messages: readonly DeviceMessage[], format: PlistFormat = 'binary') {
  let bytes = concatBytes(messages.map((message) => encodePlistFrame(encodeDeviceMessage(message), format)));
  const written: Uint8Array[] = [];
  const unused = async (): Promise<never> => {
    throw new Error('Not used here');
  };
  const connection: ServiceConnection = {
    async readSome(limit) {
      const part = bytes.subarray(0, limit);
      bytes = bytes.subarray(part.length);
      return part.length === 0 ? undefined : part;
    },
    async write(part) {
      written.push(part);
    },
    readExactly: unused,
    readExactlyOrEnd: unused,
    startTls: unused,
    async close() {},
    async [Symbol.asyncDispose]() {},
  };
  const answers = () => written.map((frame) => parseHostMessage(parsePlist(frame.subarray(4))));
  return { connection, answers };
}

const offer = { type: 'DLMessageVersionExchange', major: 999, minor: 3 } as const;
const ready = { type: 'DLMessageDeviceReady' } as const;
const service = 'a test';

describe('DeviceLinkChannel', () => {
  it.each(['binary', 'xml'] as const)(
    'gives back the version and takes %s messages that come together',
    async (format) => {
      const messages = [
        { type: 'DLMessagePing', text: 'hello' },
        { type: 'DLMessageDownloadFiles', paths: ['a', 'b'], progress: 12.5 },
        { type: 'DLMessageGetFreeDiskSpace' },
      ] as const;
      const { connection, answers } = saying([offer, ready, ...messages], format);
      const channel = await DeviceLinkChannel.open(connection, { service });
      expect(answers()).toEqual([{ type: 'DLMessageVersionExchange', major: 999 }]);
      for (const message of messages) expect(await channel.receive()).toEqual(message);
      await expect(channel.receive()).rejects.toMatchObject({ code: 'DEVICE_DISCONNECTED', service });
    },
  );

  it('refuses a device that begins otherwise, or is not ready', async () => {
    for (const messages of [[ready], [offer, offer]])
      await expect(DeviceLinkChannel.open(saying(messages).connection, { service })).rejects.toMatchObject({
        code: 'PROTOCOL_MALFORMED',
        protocol: 'device-link',
      });
  });

  it('takes a goodbye for the end of the connection', async () => {
    const { connection } = saying([offer, ready, { type: 'DLMessageDisconnect', reason: 'enough' }]);
    const channel = await DeviceLinkChannel.open(connection, { service });
    await expect(channel.receive()).rejects.toMatchObject({ code: 'DEVICE_DISCONNECTED' });
  });
});
