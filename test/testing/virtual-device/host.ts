import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { ByteChannel } from '../../../src/device/byte-channel.js';
import { encodePlistFrame, readPlistFrame, type PlistFormat } from '../../../src/device/plist-frame.js';
import { encodeMuxFrame, readMuxFrame } from '../../../src/device/usbmux/framing.js';
import { swapPort } from '../../../src/device/usbmux/messages.js';
import type { VirtualDevice } from '../../../src/entry/testing.js';
import { parsePlist } from '../../../src/plist/parse.js';
import { PlistReal, type PlistDict, type PlistInput, type PlistValue } from '../../../src/plist/types.js';
import { writeXmlPlist } from '../../../src/plist/xml-write.js';
import { dict } from '../../support/raw-backup.js';
import { pairingCertificates, type Credentials } from '../../support/certificates.js';

/** A property list as tests compare it: objects for dictionaries, numbers for reals. */
export function plain(value: PlistValue): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, element]) => [key, plain(element)]));
  if (value instanceof PlistReal) return value.value;
  return Array.isArray(value) ? value.map(plain) : value;
}

/** A socket to usbmuxd at an address as USBMUXD_SOCKET_ADDRESS has it. */
export async function muxSocket(address: string): Promise<Socket> {
  const path = /^UNIX:(.*)$/.exec(address)?.[1];
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  const socket = path === undefined ? connect({ host, port: Number(port) }) : connect({ path });
  await once(socket, 'connect');
  socket.setNoDelay(true);
  return socket;
}

/** Connects and breaks off again, so many times. */
export async function knock(address: string, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    const socket = await muxSocket(address);
    const closed = once(socket, 'close');
    socket.resetAndDestroy();
    await closed;
  }
}

/** A connection to usbmuxd. */
export class MuxConnection {
  readonly channel: ByteChannel;
  #tag = 0;

  private constructor(channel: ByteChannel) {
    this.channel = channel;
  }

  static async open(address: string): Promise<MuxConnection> {
    return new MuxConnection(new ByteChannel(await muxSocket(address), 'usbmuxd'));
  }

  async send(request: PlistInput): Promise<number> {
    this.#tag += 1;
    const frame = { version: 1, type: 8, tag: this.#tag, payload: writeXmlPlist(request) };
    await this.channel.write(encodeMuxFrame(frame));
    return this.#tag;
  }

  /** The next message with its tag; `undefined` at the end. */
  async next(): Promise<{ tag: number; message: PlistDict } | undefined> {
    const frame = await readMuxFrame(this.channel);
    return frame === undefined ? undefined : { tag: frame.tag, message: dict(parsePlist(frame.payload)) };
  }

  async request(request: PlistInput): Promise<PlistDict> {
    await this.send(request);
    const reply = await this.next();
    if (reply === undefined) throw new Error('usbmuxd has closed the connection');
    return reply.message;
  }
}

/** One request on a connection of its own, as libusbmuxd sends it. */
export async function muxRequest(address: string, request: PlistInput): Promise<PlistDict> {
  const mux = await MuxConnection.open(address);
  try {
    return await mux.request(request);
  } finally {
    mux.channel.destroy();
  }
}

/** `DeviceID`s in the order of the list. */
export async function deviceIds(address: string): Promise<number[]> {
  const list = (await muxRequest(address, { MessageType: 'ListDevices' })).get('DeviceList');
  return (Array.isArray(list) ? list : []).map((entry) => Number(dict(entry).get('DeviceID')));
}

/** A tunnel to a port of the first device of a usbmuxd. */
export async function tunnel(address: string, port: number): Promise<Duplex> {
  const [DeviceID] = await deviceIds(address);
  const mux = await MuxConnection.open(address);
  const reply = await mux.request({ MessageType: 'Connect', DeviceID, PortNumber: swapPort(port) });
  if (reply.get('Number') !== 0) throw new Error(`Connect gave ${JSON.stringify(plain(reply))}`);
  return mux.channel.release();
}

/** A connection of property lists: lockdownd, or a service. */
export class PlistConnection {
  #channel: ByteChannel;
  #stream: Duplex;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#channel = new ByteChannel(stream, 'the device');
  }

  get channel(): ByteChannel {
    return this.#channel;
  }

  async send(message: PlistInput, format: PlistFormat = 'xml'): Promise<void> {
    await this.#channel.write(encodePlistFrame(message, format));
  }

  async receive(): Promise<unknown> {
    const frame = await readPlistFrame(this.#channel, { protocol: 'service', limit: 2 ** 24 });
    return frame === undefined ? undefined : plain(frame.value);
  }

  async request(message: PlistInput, format?: PlistFormat): Promise<Record<string, unknown>> {
    await this.send(message, format);
    const reply = await this.receive();
    if (reply === undefined) throw new Error('The device has closed the connection');
    return reply as Record<string, unknown>;
  }

  /** Goes on in TLS as the client. */
  async secure({ key, certificate }: Credentials): Promise<void> {
    const socket = this.#channel.release();
    const tls = connectTls({ socket, key, cert: certificate, rejectUnauthorized: false });
    this.#stream = tls;
    this.#channel = new ByteChannel(tls, 'the device');
    await once(tls, 'secureConnect');
  }

  /** The stream as it is now: TLS after {@link secure}. */
  get stream(): Duplex {
    return this.#stream;
  }

  close(): void {
    this.#channel.destroy();
  }
}

/** lockdownd without a session. */
export async function lockdown(address: string): Promise<PlistConnection> {
  return new PlistConnection(await tunnel(address, 62_078));
}

/** A host that a device trusts. */
export class Host {
  readonly hostId = randomUUID().toUpperCase();
  readonly address: string;
  readonly record: Record<string, PlistInput>;
  readonly root: Credentials;
  readonly host: Credentials;
  escrowBag: Uint8Array | undefined;

  private constructor(address: string, certificates: ReturnType<typeof pairingCertificates>) {
    this.address = address;
    this.root = certificates.root;
    this.host = certificates.host;
    this.record = {
      DeviceCertificate: Buffer.from(certificates.device),
      HostCertificate: Buffer.from(certificates.host.certificate),
      RootCertificate: Buffer.from(certificates.root.certificate),
      HostID: this.hostId,
      SystemBUID: '00000000-0000-4000-8000-000000000000',
    };
  }

  /** A host that has asked for the device's key and made its certificates. */
  static async create(device: Pick<VirtualDevice, 'address'>): Promise<Host> {
    const connection = await lockdown(device.address);
    const { Value } = await connection.request({ Request: 'GetValue', Key: 'DevicePublicKey' });
    connection.close();
    return new Host(device.address, pairingCertificates(Value as Uint8Array));
  }

  /** A host that the device trusts. */
  static async paired(device: Pick<VirtualDevice, 'address'>): Promise<Host> {
    const host = await Host.create(device);
    const reply = await host.pair();
    if (!(reply['EscrowBag'] instanceof Uint8Array)) throw new Error(`Pairing gave ${JSON.stringify(reply)}`);
    return host;
  }

  async pair(): Promise<Record<string, unknown>> {
    const connection = await lockdown(this.address);
    const reply = await connection.request({ Request: 'Pair', PairRecord: this.record, ProtocolVersion: '2' });
    connection.close();
    const bag = reply['EscrowBag'];
    if (bag instanceof Uint8Array) this.escrowBag = bag;
    return reply;
  }

  /** lockdownd with a session. */
  async session(credentials = this.root): Promise<PlistConnection> {
    const connection = await lockdown(this.address);
    const reply = await connection.request({ Request: 'StartSession', HostID: this.hostId, SystemBUID: 'x' });
    if (reply['EnableSessionSSL'] !== true) throw new Error(`StartSession gave ${JSON.stringify(reply)}`);
    await connection.secure(credentials);
    return connection;
  }

  /** What lockdownd says to the start of a service. */
  async start(service: string, escrowBag?: Uint8Array): Promise<Record<string, unknown>> {
    const session = await this.session();
    const reply = await session.request({ Request: 'StartService', Service: service, EscrowBag: escrowBag });
    session.close();
    return reply;
  }

  /** A connection to a service. */
  async service(name: string, escrowBag?: Uint8Array): Promise<PlistConnection> {
    const reply = await this.start(name, escrowBag);
    if (typeof reply['Port'] !== 'number') throw new Error(`StartService gave ${JSON.stringify(reply)}`);
    const connection = new PlistConnection(await tunnel(this.address, reply['Port']));
    if (reply['EnableServiceSSL'] === true) await connection.secure(this.host);
    return connection;
  }
}
