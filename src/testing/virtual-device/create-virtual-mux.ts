import { isIPv6, type AddressInfo, type Server, type Socket } from 'node:net';
import { SeededRandom } from '../backup-builder/seeded-random.js';
import type { Attachment, MuxDevice, MuxPort } from './mux/attachment.js';
import { Attachments } from './mux/attachments.js';
import { MuxClient, type MuxState } from './mux/mux-client.js';
import { listenAt } from './network-listener.js';
import { Phone } from './phone.js';
import type { VirtualDevice, VirtualDeviceOptions, VirtualMux, VirtualMuxOptions } from './types.js';

/**
 * Starts a usbmuxd without hardware: what libimobiledevice, pymobiledevice3, go-ios and other clients reach by the environment
 * variable USBMUXD_SOCKET_ADDRESS. Aborting `signal` closes it.
 *
 * @throws RangeError for an address that is none; IoError `IO_FAILED` where the address is taken; the signal's reason.
 *
 * @example
 * await using mux = await createVirtualMux({ devices: [{ ios: '17.4' }, { ios: '12.5', seed: 2 }] });
 * console.log(`USBMUXD_SOCKET_ADDRESS=${mux.address}`);
 */
export async function createVirtualMux(options: VirtualMuxOptions = {}): Promise<VirtualMux> {
  return await startMux(options, { closesWithDevice: false });
}

/** `closesWithDevice` is for a mux that is there for one device alone. @internal */
export async function startMux(
  options: VirtualMuxOptions,
  { closesWithDevice }: { closesWithDevice: boolean },
): Promise<VirtualMux> {
  const { signal, devices = [] } = options;
  signal?.throwIfAborted();
  const mux = await Mux.start(options, closesWithDevice);
  try {
    for (const device of devices) await mux.add(device);
    signal?.throwIfAborted();
  } catch (error) {
    await mux.close();
    throw error;
  }
  return mux;
}

class Mux implements VirtualMux, MuxPort {
  readonly address: string;
  readonly pairRecords: Map<string, Uint8Array>;
  readonly systemBuid: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #attachments = new Attachments((event) => {
    for (const client of this.#state.listeners) client.notify(event);
  });
  readonly #state: MuxState;
  readonly #devices = new Map<MuxDevice, Phone>();
  readonly #closesWithDevice: boolean;
  #closing: Promise<void> | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    void this.close();
  };

  static async start(options: VirtualMuxOptions, closesWithDevice: boolean): Promise<Mux> {
    const target = parseListen(options.listen ?? '127.0.0.1:0');
    const sockets = new Set<Socket>();
    const pending: Socket[] = [];
    let onSocket = (socket: Socket): void => void pending.push(socket);
    const server = await listenAt(target, (socket) => onSocket(socket));
    const mux = new Mux(options, server, { sockets, closesWithDevice });
    onSocket = (socket) => mux.#accept(socket);
    pending.forEach(onSocket);
    return mux;
  }

  private constructor(
    options: VirtualMuxOptions,
    server: Server,
    { sockets, closesWithDevice }: { sockets: Set<Socket>; closesWithDevice: boolean },
  ) {
    const seed = options.devices?.[0]?.seed ?? 1;
    this.#server = server;
    this.#sockets = sockets;
    this.#closesWithDevice = closesWithDevice;
    this.address = formatAddress(server.address());
    this.pairRecords = new Map(Object.entries(options.pairRecords ?? {}));
    this.systemBuid = options.systemBuid ?? new SeededRandom(seed).fork('host').uuid();
    const { pairRecords, systemBuid } = this;
    this.#state = { attachments: this.#attachments, listeners: new Set(), pairRecords, systemBuid };
    this.#signal = options.signal;
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get devices(): readonly VirtualDevice[] {
    return [...this.#devices.values()];
  }

  async add(options: VirtualDeviceOptions = {}): Promise<VirtualDevice> {
    if (this.#closing !== undefined) throw new Error('The virtual usbmuxd was closed');
    const phone = await Phone.create(options, this, this);
    if (this.devices.some(({ udid }) => udid === phone.udid))
      throw new RangeError(
        `A device with the UDID ${phone.udid} is there already; give each a seed or a UDID of its own`,
      );
    this.#devices.set(phone, phone);
    try {
      await phone.attach();
    } catch (error) {
      await this.close(phone);
      throw error;
    }
    return phone;
  }

  attach(attachments: readonly Attachment[]): void {
    this.#attachments.attach(attachments);
  }

  detach(device: MuxDevice): void {
    this.#attachments.detach(device);
  }

  async close(device?: MuxDevice): Promise<void> {
    if (device === undefined || this.#closesWithDevice) {
      this.#signal?.removeEventListener('abort', this.#onAbort);
      this.#closing ??= this.#stop();
      await this.#closing;
      return;
    }
    await this.#devices.get(device)?.end();
    this.#devices.delete(device);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    void new MuxClient(socket, this.#state).serve();
  }

  async #stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all([...this.#devices.values()].map(async (phone) => await phone.end()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    this.#devices.clear();
  }
}

function parseListen(text: string): { host: string; port: number } | { path: string } {
  const path = /^unix:(.+)$/i.exec(text)?.[1];
  if (path !== undefined) return { path };
  const match = /^(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535)
    throw new RangeError(`listen must be HOST:PORT or UNIX:/path, not ${JSON.stringify(text)}`);
  return { host, port };
}

function formatAddress(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') return `UNIX:${address ?? ''}`;
  return isIPv6(address.address) ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}
