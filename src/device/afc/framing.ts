import { concatBytes, latin1Decode, utf8Encode } from '../../core/bytes.js';
import { ProtocolError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { ByteInput } from '../byte-channel.js';

/* FORMAT facts: docs/format/afc.md. */

const magic = 'CFA6LPAA';
const headerBytes = 40;

/** One request or reply of AFC. */
export interface AfcPacket {
  /** Number of the request, repeated in its reply; counts from 1. */
  readonly number: bigint;
  /** One of {@link afcOperation}, or one that is not known. */
  readonly operation: number;
  /** Arguments. */
  readonly data: Uint8Array;
  /** Content of a file that is written. */
  readonly payload: Uint8Array;
}

/** The bytes of a packet. */
export function encodeAfcPacket(packet: AfcPacket): Uint8Array {
  const header = new Uint8Array(headerBytes);
  header.set(utf8Encode(magic));
  const view = new DataView(header.buffer);
  const withData = headerBytes + packet.data.length;
  view.setBigUint64(8, BigInt(withData + packet.payload.length), true);
  view.setBigUint64(16, BigInt(withData), true);
  view.setBigUint64(24, packet.number, true);
  view.setBigUint64(32, BigInt(packet.operation), true);
  return concatBytes([header, packet.data, packet.payload]);
}

/**
 * The next packet; `undefined` where the other side has ended the stream between two packets.
 *
 * @throws {@link ProtocolError} `PROTOCOL_MALFORMED` for a wrong magic number and lengths that contradict each other,
 * `PROTOCOL_LIMIT_EXCEEDED` for more than `limits.afcPacketBytes`; DeviceError `DEVICE_DISCONNECTED` where the stream ends
 * within a packet.
 */
export async function readAfcPacket(channel: ByteInput): Promise<AfcPacket | undefined> {
  const header = await channel.readExactlyOrEnd(headerBytes);
  if (header === undefined) return undefined;
  const view = new DataView(header.buffer);
  const whole = view.getBigUint64(8, true);
  const withData = view.getBigUint64(16, true);
  if (latin1Decode(header.subarray(0, 8)) !== magic || withData < headerBytes || whole < withData)
    throw new ProtocolError('PROTOCOL_MALFORMED', 'A packet of AFC has a header that makes no sense', {
      protocol: 'afc',
    });
  if (whole > limits.afcPacketBytes)
    throw new ProtocolError('PROTOCOL_LIMIT_EXCEEDED', `A packet of AFC announces ${whole} bytes`, { protocol: 'afc' });
  const operation = view.getBigUint64(32, true);
  return {
    number: view.getBigUint64(24, true),
    operation: operation > 0xffn ? -1 : Number(operation),
    data: await channel.readExactly(Number(withData) - headerBytes),
    payload: await channel.readExactly(Number(whole - withData)),
  };
}
