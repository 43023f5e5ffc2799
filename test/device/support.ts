import { createServer, type AddressInfo, type Socket } from 'node:net';
import { ByteChannel } from '../../src/device/byte-channel.js';
import { encodeMuxFrame, readMuxFrame } from '../../src/device/usbmux/framing.js';
import { Device, usbmuxTransport, type DeviceTransport } from '../../src/entry/device.js';
import type { BackupKitError } from '../../src/entry/index.js';
import { createVirtualDevice, type CreateVirtualDeviceOptions, type VirtualDevice } from '../../src/entry/testing.js';
import { parsePlist } from '../../src/plist/parse.js';
import { writeXmlPlist } from '../../src/plist/xml-write.js';
import type { PlistDict, PlistInput } from '../../src/plist/types.js';
import { asDict } from '../../src/plist/guards.js';
import { trust } from '../support/trust.js';

/** A virtual device that trusts this host, and a connection to it. */
export interface Bench extends AsyncDisposable {
  readonly phone: VirtualDevice;
  readonly transport: DeviceTransport;
  readonly device: Device;
}

/** Starts a virtual device and pairs with it. */
export async function bench(options: CreateVirtualDeviceOptions = {}): Promise<Bench> {
  const phone = await createVirtualDevice(options);
  try {
    const transport = usbmuxTransport({ address: phone.address });
    await trust(phone);
    const device = await Device.connect(undefined, { transport });
    return {
      phone,
      transport,
      device,
      async [Symbol.asyncDispose]() {
        await device.close();
        await phone.close();
      },
    };
  } catch (error) {
    await phone.close();
    throw error;
  }
}

/** The code with which a call fails; what else it does, as text. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return await call.then(
    (value) => `no failure but ${String(value)}`,
    (error: unknown) => (error as BackupKitError).code ?? String(error),
  );
}

/** What comes out of an iterable, up to `count` elements. */
export async function take<T>(items: AsyncIterable<T>, count = Infinity): Promise<T[]> {
  const taken: T[] = [];
  if (count === 0) return taken;
  for await (const item of items) {
    taken.push(item);
    if (taken.length >= count) break;
  }
  return taken;
}

/** A server of bytes at `address`, for other sides that are not what they should be. */
export async function serve(
  onSocket: (socket: Socket) => void,
): Promise<AsyncDisposable & { address: string; port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A usbmuxd that answers each request as `answer` says; bytes go out as they are, `undefined` ends the connection. */
export async function serveMux(
  answer: (request: PlistDict) => PlistInput | Uint8Array | undefined | Promise<PlistInput | Uint8Array | undefined>,
): Promise<AsyncDisposable & { address: string }> {
  return await serve((socket) => {
    const channel = new ByteChannel(socket, 'a client');
    const run = async (): Promise<void> => {
      for (;;) {
        const frame = await readMuxFrame(channel);
        if (frame === undefined) break;
        const reply = await answer(asDict(parsePlist(frame.payload)) ?? new Map());
        if (reply === undefined) break;
        const bytes =
          reply instanceof Uint8Array
            ? reply
            : encodeMuxFrame({ version: 1, type: 8, tag: frame.tag, payload: writeXmlPlist(reply) });
        await channel.write(bytes);
      }
    };
    run().then(
      () => socket.end(),
      () => socket.destroy(),
    );
  });
}
