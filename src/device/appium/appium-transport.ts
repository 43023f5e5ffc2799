import type { Socket } from 'node:net';
import { abortable, type AbortOptions } from '../../core/abort.js';
import { DeviceError, ProtocolError } from '../../core/errors.js';
import { normalizePlist } from '../../plist/plain-input.js';
import type { PlistInput } from '../../plist/types.js';
import { writeXmlPlist } from '../../plist/xml-write.js';
import { connectionOverStream } from '../socket-connection.js';
import type { AttachedDevice, DeviceEvent, DeviceTransport, ServiceConnection } from '../transport.js';
import { muxAddress, type MuxAddress } from '../usbmux/address.js';
import { attachedDevice, readMuxDevice } from '../usbmux/device-entry.js';
import { openMuxSocket } from '../usbmux/mux-connection.js';
import { usbmuxTransport, type UsbmuxTransportOptions } from '../usbmux/usbmux-transport.js';
import { loadAppium, type AppiumIosDevice, type AppiumUsbmux } from './load-appium.js';

/** Options of {@link appiumTransport}. */
export interface AppiumTransportOptions extends UsbmuxTransportOptions {
  /**
   * What `import('appium-ios-device')` gives, where it cannot be found from here, as with bundlers; it is imported by default.
   */
  appium?:
    | AppiumIosDevice
    | {
        /** The package itself, as `import()` wraps a CommonJS module. */
        readonly default: unknown;
      }
    | undefined;
}

/**
 * Reaches devices through `appium-ios-device`, for programs that have it already and want one way to usbmuxd. The package is an
 * optional peer and is loaded at the first use. What it has no call for, hot-plug events and storing pair records, goes to the
 * same usbmuxd directly.
 *
 * @throws RangeError where the address is none. Calls throw DeviceError `DEVICE_TRANSPORT_UNAVAILABLE` where the package is not
 * installed or does not load.
 *
 * @example
 * await using device = await Device.connect(undefined, { transport: appiumTransport() });
 */
export function appiumTransport(options: AppiumTransportOptions = {}): DeviceTransport {
  return new AppiumTransport(muxAddress(options.address), options);
}

class AppiumTransport implements DeviceTransport {
  readonly #address: MuxAddress;
  readonly #direct: DeviceTransport;
  readonly #given: unknown;
  #loading: Promise<AppiumIosDevice> | undefined;

  constructor(address: MuxAddress, options: AppiumTransportOptions) {
    this.#address = address;
    this.#direct = usbmuxTransport(options);
    this.#given = options.appium;
  }

  async list(options?: AbortOptions): Promise<readonly AttachedDevice[]> {
    const entries = await this.#ask(async (usbmux) => await usbmux.listDevices(), options);
    return entries.flatMap((entry) => {
      const device = readMuxDevice(normalizePlist(entry as PlistInput));
      return device === undefined ? [] : attachedDevice(device);
    });
  }

  watch(options?: AbortOptions): AsyncIterable<DeviceEvent> {
    return this.#direct.watch(options);
  }

  async connect(
    deviceId: number,
    port: number,
    options: AbortOptions & { service?: string | undefined; udid?: string | undefined } = {},
  ): Promise<ServiceConnection> {
    const { service = `port ${port}`, udid, signal } = options;
    const { usbmux, socket } = await this.#open({ signal });
    try {
      return connectionOverStream(await settled(usbmux.connect(deviceId, port), socket, signal), { service, udid });
    } catch (cause) {
      socket.destroy();
      signal?.throwIfAborted();
      const isAttached = (await this.list({ signal })).some((device) => device.deviceId === deviceId);
      throw isAttached
        ? new DeviceError('DEVICE_SERVICE_UNAVAILABLE', `Nothing answers at port ${port} of the device (${service})`, {
            service,
            udid,
            cause,
          })
        : new DeviceError('DEVICE_NOT_FOUND', 'The device is not attached any more; plug it in again', {
            service,
            udid,
            cause,
          });
    }
  }

  async readBuid(options?: AbortOptions): Promise<string> {
    return await this.#ask(async (usbmux) => await usbmux.readBUID(), options);
  }

  async readPairRecord(udid: string, options?: AbortOptions): Promise<Uint8Array | undefined> {
    const record = await this.#ask(async (usbmux) => await usbmux.readPairRecord(udid), options);
    return record === null ? undefined : writeXmlPlist(record as PlistInput);
  }

  async savePairRecord(
    udid: string,
    record: Uint8Array,
    options?: AbortOptions & { deviceId?: number | undefined },
  ): Promise<void> {
    await this.#direct.savePairRecord(udid, record, options);
  }

  async deletePairRecord(udid: string, options?: AbortOptions): Promise<void> {
    await this.#direct.deletePairRecord(udid, options);
  }

  /** One request over a socket of its own. */
  async #ask<T>(use: (usbmux: AppiumUsbmux) => Promise<T>, { signal }: AbortOptions = {}): Promise<T> {
    const { usbmux, socket } = await this.#open({ signal });
    try {
      return await settled(use(usbmux), socket, signal);
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof DeviceError) throw cause;
      throw new ProtocolError('PROTOCOL_MALFORMED', 'usbmuxd gave Appium no answer that makes sense', {
        protocol: 'usbmux',
        cause,
      });
    } finally {
      socket.destroy();
    }
  }

  async #open(options: AbortOptions): Promise<{ usbmux: AppiumUsbmux; socket: Socket }> {
    options.signal?.throwIfAborted();
    this.#loading ??= loadAppium(this.#given === undefined ? undefined : async () => this.#given);
    const { Usbmux } = await abortable(this.#loading, options.signal);
    const socket = await openMuxSocket(this.#address, options);
    // Its end is what is noticed; an error without a listener would end the process.
    socket.on('error', () => undefined);
    return { usbmux: new Usbmux(socket), socket };
  }
}

/** What Appium gives, unless the socket ends or the signal aborts before: Appium itself would wait for its time-out. */
async function settled<T>(result: Promise<T>, socket: Socket, signal: AbortSignal | undefined): Promise<T> {
  let onClose: (() => void) | undefined;
  const closed = new Promise<never>((_resolve, reject) => {
    onClose = () =>
      reject(
        new DeviceError('DEVICE_DISCONNECTED', 'usbmuxd ended the connection without an answer; try again', {
          service: 'usbmuxd',
        }),
      );
    socket.once('close', onClose);
  });
  try {
    return await abortable(Promise.race([result, closed]), signal);
  } finally {
    if (onClose !== undefined) socket.off('close', onClose);
    result.catch(() => undefined);
  }
}
