import { concatBytes } from '../core/bytes.js';
import { ProtocolError, type ProtocolName } from '../core/errors.js';
import { writeBinaryPlist } from '../plist/binary-write.js';
import { isBinaryPlist } from '../plist/binary-reader.js';
import { parsePlist } from '../plist/parse.js';
import type { PlistInput, PlistValue } from '../plist/types.js';
import { writeXmlPlist } from '../plist/xml-write.js';
import type { ByteInput } from './byte-channel.js';

/*
 * Messages of lockdownd and of most services: a length (32 bits, big-endian) and a property list of that many bytes.
 * FORMAT facts: docs/format/lockdown.md.
 */

/** How a property list is written. Both sides read either. */
export type PlistFormat = 'xml' | 'binary';

/** A message that was read. */
export interface PlistFrame {
  readonly value: PlistValue;
  /** How the sender wrote it. */
  readonly format: PlistFormat;
}

/** The bytes of a message. */
export function encodePlistFrame(value: PlistInput, format: PlistFormat): Uint8Array {
  const payload = format === 'xml' ? writeXmlPlist(value) : writeBinaryPlist(value);
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(0, payload.length);
  return concatBytes([header, payload]);
}

/**
 * The next message; `undefined` where the other side has ended the stream between two messages. Memory grows with the bytes
 * that arrive, not with the length that is announced.
 *
 * @throws {@link ProtocolError} `PROTOCOL_LIMIT_EXCEEDED` for a length beyond `limit`, `PROTOCOL_MALFORMED` for a payload that
 * is no property list; DeviceError `DEVICE_DISCONNECTED` where the stream ends within a message.
 */
export async function readPlistFrame(
  channel: ByteInput,
  { protocol, limit }: { protocol: ProtocolName; limit: number },
): Promise<PlistFrame | undefined> {
  const header = await channel.readExactlyOrEnd(4);
  if (header === undefined) return undefined;
  const length = new DataView(header.buffer, header.byteOffset, 4).getUint32(0);
  if (length > limit)
    throw new ProtocolError('PROTOCOL_LIMIT_EXCEEDED', `A message of ${length} bytes is more than ${limit} bytes`, {
      protocol,
    });
  const payload = await channel.readExactly(length);
  return { value: parsePayload(payload, protocol), format: isBinaryPlist(payload) ? 'binary' : 'xml' };
}

/** A property list out of a message. @throws {@link ProtocolError} `PROTOCOL_MALFORMED` where it is none. */
export function parsePayload(payload: Uint8Array, protocol: ProtocolName): PlistValue {
  try {
    return parsePlist(payload);
  } catch (cause) {
    throw new ProtocolError('PROTOCOL_MALFORMED', 'A message holds no readable property list', { protocol, cause });
  }
}
