import type { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodePlistFrame } from '../../../src/device/plist-frame.js';
import { encodeMuxFrame } from '../../../src/device/usbmux/framing.js';
import { createVirtualDevice } from '../../../src/entry/testing.js';
import { isBackupKitError } from '../../../src/core/errors.js';
import { writeXmlPlist } from '../../../src/plist/xml-write.js';
import { deviceIds, Host, knock, lockdown, muxSocket, tunnel } from './host.js';

/** Sends bytes, ends, and waits until the device has closed as well. */
async function assault(stream: Duplex, bytes: Uint8Array): Promise<void> {
  stream.on('error', () => undefined);
  stream.resume();
  const closed = new Promise((resolve) => stream.once('close', resolve));
  stream.end(bytes);
  await closed;
}

const mutated = (genuine: readonly Uint8Array[]) =>
  fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc
      .tuple(fc.constantFrom(...genuine), fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 }), fc.nat(400))
      .map(([bytes, changes, length]) => {
        const changed = Uint8Array.from(bytes);
        for (const [at, value] of changes) changed[at % changed.length] = value;
        return changed.subarray(0, length);
      }),
  );

const muxMessages = [{ MessageType: 'Listen' }, { MessageType: 'Connect', DeviceID: 1, PortNumber: 32_498 }].map(
  (message) => encodeMuxFrame({ version: 1, type: 8, tag: 1, payload: writeXmlPlist(message) }),
);
const lockdownMessages = [
  { Request: 'GetValue', Key: 'DeviceName' },
  { Request: 'Pair', PairRecord: { HostID: 'x', DeviceCertificate: Uint8Array.of(1) } },
  { Request: 'StartService', Service: 'com.apple.afc' },
].map((message) => encodePlistFrame(message, 'xml'));

describe('A hostile client', () => {
  test('of usbmuxd does no harm', async () => {
    await using device = await createVirtualDevice();
    await fc.assert(
      fc.asyncProperty(mutated(muxMessages), async (bytes) => {
        await assault(await muxSocket(device.address), bytes);
      }),
      { numRuns: 200 },
    );
    expect(await deviceIds(device.address)).toEqual([1]);
  });

  test('of lockdownd does no harm, and what it did is reported as a typed error', async () => {
    const errors: unknown[] = [];
    await using device = await createVirtualDevice({ onError: (error) => errors.push(error) });
    await fc.assert(
      fc.asyncProperty(mutated(lockdownMessages), async (bytes) => {
        await assault(await tunnel(device.address, 62_078), bytes);
      }),
      { numRuns: 150 },
    );
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.every((error) => isBackupKitError(error, 'PROTOCOL_MALFORMED', 'PROTOCOL_LIMIT_EXCEEDED'))).toBe(
      true,
    );
    const connection = await lockdown(device.address);
    expect(await connection.request({ Request: 'QueryType' })).toHaveProperty('Type');
    connection.close();
  });

  test('that speaks no TLS where TLS is due is dropped', async () => {
    await using device = await createVirtualDevice();
    const host = await Host.paired(device);
    const { Port } = await host.start('com.apple.afc');
    await assault(await tunnel(device.address, Number(Port)), Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    const started = await lockdown(device.address);
    await started.request({ Request: 'StartSession', HostID: host.hostId, SystemBUID: 'x' });
    await assault(started.stream, new Uint8Array(1000));
    expect((await host.session()).channel).toBeDefined();
  });

  test('that announces gigabytes costs no memory', async () => {
    await using device = await createVirtualDevice();
    const before = process.memoryUsage().rss;
    for (const header of ['ffffff7f010000000800000001000000', 'ffffffffffffffffffffffffffffffff'])
      await assault(await muxSocket(device.address), Buffer.from(header, 'hex'));
    await assault(await tunnel(device.address, 62_078), Buffer.from('00ffffff', 'hex'));
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });

  test('that connects a thousand times leaves nothing behind', async () => {
    await using device = await createVirtualDevice();
    await knock(device.address, 1000);
    const open = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    await expect.poll(open).toBeLessThanOrEqual(1);
    expect(await deviceIds(device.address)).toEqual([1]);
  });
});
