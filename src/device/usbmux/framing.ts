import { ProtocolError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { concatBytes } from '../../core/bytes.js';
import type { ByteInput } from '../byte-channel.js';

/* FORMAT facts: docs/format/usbmux.md. */

const headerBytes = 16;

/** Versions of the protocol: fixed structures, or property lists. */
export const muxVersion = { binary: 0, plist: 1 } as const;

/** Types of messages. All that is said in version 1 has type `plist`. */
export const muxMessageType = { result: 1, plist: 8 } as const;

/** One message of usbmuxd. */
export interface MuxFrame {
  readonly version: number;
  readonly type: number;
  /** Number of the request, repeated in its reply; 0 in events. */
  readonly tag: number;
  readonly payload: Uint8Array;
}

/** The bytes of a message. */
export function encodeMuxFrame(frame: MuxFrame): Uint8Array {
  const header = new DataView(new ArrayBuffer(headerBytes));
  header.setUint32(0, headerBytes + frame.payload.length, true);
  header.setUint32(4, frame.version, true);
  header.setUint32(8, frame.type, true);
  header.setUint32(12, frame.tag, true);
  return concatBytes([new Uint8Array(header.buffer), frame.payload]);
}

/**
 * The next message; `undefined` where the other side has ended the stream between two messages. Reads nothing beyond it.
 *
 * @throws {@link ProtocolError} `PROTOCOL_MALFORMED` for a length below that of the header, `PROTOCOL_LIMIT_EXCEEDED` for one
 * beyond `limits.muxMessageBytes`; DeviceError `DEVICE_DISCONNECTED` where the stream ends within a message.
 */
export async function readMuxFrame(channel: ByteInput): Promise<MuxFrame | undefined> {
  const bytes = await channel.readExactlyOrEnd(headerBytes);
  if (bytes === undefined) return undefined;
  const header = new DataView(bytes.buffer);
  const length = header.getUint32(0, true) - headerBytes;
  if (length < 0)
    throw new ProtocolError('PROTOCOL_MALFORMED', 'A message of usbmuxd is shorter than its header', {
      protocol: 'usbmux',
    });
  if (length > limits.muxMessageBytes)
    throw new ProtocolError('PROTOCOL_LIMIT_EXCEEDED', `A message of usbmuxd announces ${length} bytes`, {
      protocol: 'usbmux',
    });
  return {
    version: header.getUint32(4, true),
    type: header.getUint32(8, true),
    tag: header.getUint32(12, true),
    payload: await channel.readExactly(length),
  };
}
