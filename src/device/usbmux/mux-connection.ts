import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { abortable, type AbortOptions } from '../../core/abort.js';
import { DeviceError, ProtocolError } from '../../core/errors.js';
import { asDict, asNumber, asString } from '../../plist/guards.js';
import type { PlistDict, PlistInput } from '../../plist/types.js';
import { writeXmlPlist } from '../../plist/xml-write.js';
import { ByteChannel } from '../byte-channel.js';
import { parsePayload } from '../plist-frame.js';
import { formatMuxAddress, type MuxAddress } from './address.js';
import { encodeMuxFrame, muxMessageType, muxVersion, readMuxFrame } from './framing.js';

/* FORMAT facts: docs/format/usbmux.md. */

const clientName = 'ios-backup-kit';
/** Version of libusbmuxd's protocol that the messages follow. */
const libraryVersion = 3;

/** A connection to usbmuxd, for one request or for its events. */
export class MuxConnection {
  readonly #channel: ByteChannel;
  #tag = 0;

  private constructor(channel: ByteChannel) {
    this.#channel = channel;
  }

  /** @throws DeviceError `DEVICE_MUX_UNAVAILABLE` */
  static async open(address: MuxAddress, options?: AbortOptions): Promise<MuxConnection> {
    return new MuxConnection(new ByteChannel(await openMuxSocket(address, options), 'usbmuxd'));
  }

  /** Sends a request and reads its reply. */
  async request(
    message: { readonly [key: string]: PlistInput | undefined },
    options?: AbortOptions,
  ): Promise<PlistDict> {
    this.#tag += 1;
    const payload = writeXmlPlist({
      ClientVersionString: clientName,
      ProgName: clientName,
      kLibUSBMuxVersion: libraryVersion,
      ...message,
    });
    const { plist: version } = muxVersion;
    const frame = encodeMuxFrame({ version, type: muxMessageType.plist, tag: this.#tag, payload });
    await this.#channel.write(frame, options);
    const reply = await this.next(options);
    if (reply === undefined)
      throw new DeviceError('DEVICE_DISCONNECTED', 'usbmuxd ended the connection without an answer; try again', {
        service: 'usbmuxd',
      });
    return reply;
  }

  /** The next message; `undefined` where usbmuxd has ended the connection. After an abort the connection is of no use. */
  async next(options?: AbortOptions): Promise<PlistDict | undefined> {
    const frame = await abortable(readMuxFrame(this.#channel), options?.signal);
    if (frame === undefined) return undefined;
    if (frame.version !== muxVersion.plist || frame.type !== muxMessageType.plist)
      throw malformed(
        'usbmuxd does not speak its protocol of property lists; it is older than 2011, or something else',
      );
    const message = asDict(parsePayload(frame.payload, 'usbmux'));
    if (message === undefined) throw malformed('A message of usbmuxd is no dictionary');
    return message;
  }

  /** Hands over the stream that usbmuxd has turned into a tunnel. */
  release(): Duplex {
    return this.#channel.release();
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#channel.destroy();
  }
}

/** `Number` of a reply that is a bare result; `undefined` for any other reply. */
export function resultNumber(reply: PlistDict): number | undefined {
  return asString(reply.get('MessageType')) === 'Result' ? asNumber(reply.get('Number')) : undefined;
}

/** An open socket to usbmuxd. @throws DeviceError `DEVICE_MUX_UNAVAILABLE` */
export async function openMuxSocket(address: MuxAddress, options?: AbortOptions): Promise<Socket> {
  const target = 'path' in address ? { path: address.path } : { host: address.host, port: address.port };
  try {
    return await openSocket(target, options);
  } catch (cause) {
    options?.signal?.throwIfAborted();
    throw muxUnavailable(address, cause);
  }
}

/** An open TCP or unix socket. */
export async function openSocket(target: NetConnectOpts, options?: AbortOptions): Promise<Socket> {
  options?.signal?.throwIfAborted();
  const socket = connect(target);
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  try {
    await abortable(connected, options?.signal);
  } catch (error) {
    socket.on('error', () => undefined);
    socket.destroy();
    throw error;
  }
  socket.setNoDelay(true);
  return socket;
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('PROTOCOL_MALFORMED', message, { protocol: 'usbmux' });
}

function muxUnavailable(address: MuxAddress, cause: unknown): DeviceError {
  const isDenied = cause instanceof Error && 'code' in cause && (cause.code === 'EACCES' || cause.code === 'EPERM');
  const remedy = isDenied
    ? 'this user may not open it; check its permissions'
    : process.platform === 'win32'
      ? 'install Apple Devices or iTunes and start its mobile device service'
      : process.platform === 'darwin'
        ? 'macOS brings it along; check USBMUXD_SOCKET_ADDRESS'
        : 'install and start usbmuxd, or set USBMUXD_SOCKET_ADDRESS to where it listens';
  return new DeviceError(
    'DEVICE_MUX_UNAVAILABLE',
    `usbmuxd does not answer at ${formatMuxAddress(address)}: ${remedy}`,
    {
      service: 'usbmuxd',
      cause,
    },
  );
}
