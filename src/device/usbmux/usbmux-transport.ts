import type { AbortOptions } from '../../core/abort.js';
import { DeviceError, ProtocolError } from '../../core/errors.js';
import { asArray, asData, asString } from '../../plist/guards.js';
import type { PlistDict, PlistInput } from '../../plist/types.js';
import { connectionOverStream } from '../socket-connection.js';
import type { AttachedDevice, DeviceEvent, DeviceTransport, ServiceConnection } from '../transport.js';
import { muxAddress, type MuxAddress } from './address.js';
import { attachedDevice, readMuxDevice, readMuxEvent, type MuxDevice } from './device-entry.js';
import { lockdownPort, muxResult, swapPort } from './messages.js';
import { MuxConnection, openSocket, resultNumber } from './mux-connection.js';

/** Options of {@link usbmuxTransport}. */
export interface UsbmuxTransportOptions {
  /**
   * Where usbmuxd listens: `127.0.0.1:27015`, `[::1]:27015`, `UNIX:/var/run/usbmuxd` or a path; the spellings of other tools
   * are understood too. By default what the environment variable USBMUXD_SOCKET_ADDRESS says, else where the system has it.
   */
  address?: string | undefined;
}

/**
 * Reaches devices through usbmuxd: that of Linux, of macOS, Apple's service on Windows, netmuxd, or a virtual one. Every request
 * has a connection of its own, so there is nothing to close.
 *
 * @throws RangeError where the address is none
 *
 * @example
 * const devices = await usbmuxTransport({ address: '127.0.0.1:27015' }).list();
 */
export function usbmuxTransport(options: UsbmuxTransportOptions = {}): DeviceTransport {
  return new UsbmuxTransport(muxAddress(options.address));
}

/** Values of `errno` with which usbmuxd refuses what is about pair records. */
const errno = { accessDenied: 13 } as const;

type Request = { readonly MessageType: string; readonly [key: string]: PlistInput | undefined };

class UsbmuxTransport implements DeviceTransport {
  readonly #address: MuxAddress;

  constructor(address: MuxAddress) {
    this.#address = address;
  }

  async list(options?: AbortOptions): Promise<readonly AttachedDevice[]> {
    return (await this.#devices(options)).map(attachedDevice);
  }

  async *watch(options?: AbortOptions): AsyncGenerator<DeviceEvent, void, undefined> {
    const mux = await MuxConnection.open(this.#address, options);
    try {
      const result = resultNumber(await mux.request({ MessageType: 'Listen' }, options));
      if (result !== muxResult.ok) throw refused('Listen', result);
      for (;;) {
        const message = await mux.next(options);
        if (message === undefined)
          throw new DeviceError('DEVICE_DISCONNECTED', 'usbmuxd has stopped; watch again once it runs', {
            service: 'usbmuxd',
          });
        const event = readMuxEvent(message);
        if (event !== undefined) yield event;
      }
    } finally {
      mux.destroy();
    }
  }

  async connect(
    deviceId: number,
    port: number,
    {
      service = `port ${port}`,
      udid,
      signal,
    }: AbortOptions & { service?: string | undefined; udid?: string | undefined } = {},
  ): Promise<ServiceConnection> {
    const mux = await MuxConnection.open(this.#address, { signal });
    let result: number | undefined;
    try {
      const request = { MessageType: 'Connect', DeviceID: deviceId, PortNumber: swapPort(port) };
      result = resultNumber(await mux.request(request, { signal }));
      if (result === undefined) throw refused('Connect', result);
      if (result === muxResult.ok) return connectionOverStream(mux.release(), { service, udid });
    } catch (error) {
      mux.destroy();
      throw error;
    }
    mux.destroy();
    return await this.#connectDirectly({ deviceId, port, service, result, signal });
  }

  async readBuid(options?: AbortOptions): Promise<string> {
    const reply = await this.#request({ MessageType: 'ReadBUID' }, options);
    const buid = asString(reply.get('BUID'));
    if (buid === undefined) throw refused('ReadBUID', resultNumber(reply));
    return buid;
  }

  async readPairRecord(udid: string, options?: AbortOptions): Promise<Uint8Array | undefined> {
    const reply = await this.#request({ MessageType: 'ReadPairRecord', PairRecordID: udid }, options);
    const record = asData(reply.get('PairRecordData'));
    const result = resultNumber(reply);
    // Daemons disagree on the number for a record that is not there; this one says that it is, and cannot be read.
    if (result === errno.accessDenied) throw refused('ReadPairRecord', result);
    return record;
  }

  async savePairRecord(
    udid: string,
    record: Uint8Array,
    { deviceId, signal }: AbortOptions & { deviceId?: number | undefined } = {},
  ): Promise<void> {
    const request = { MessageType: 'SavePairRecord', PairRecordID: udid, PairRecordData: record, DeviceID: deviceId };
    const result = resultNumber(await this.#request(request, { signal }));
    if (result !== muxResult.ok) throw refused('SavePairRecord', result);
  }

  async deletePairRecord(udid: string, options?: AbortOptions): Promise<void> {
    const result = resultNumber(await this.#request({ MessageType: 'DeletePairRecord', PairRecordID: udid }, options));
    if (result === errno.accessDenied) throw refused('DeletePairRecord', result);
  }

  async #request(message: Request, options?: AbortOptions): Promise<PlistDict> {
    const mux = await MuxConnection.open(this.#address, options);
    try {
      return await mux.request(message, options);
    } finally {
      mux.destroy();
    }
  }

  async #devices(options?: AbortOptions): Promise<MuxDevice[]> {
    const reply = await this.#request({ MessageType: 'ListDevices' }, options);
    const list = asArray(reply.get('DeviceList'));
    if (list === undefined) throw refused('ListDevices', resultNumber(reply));
    return list.flatMap((entry) => readMuxDevice(entry) ?? []);
  }

  /** Some daemons list devices of the network and leave it to their clients to connect to them. */
  async #connectDirectly(target: {
    deviceId: number;
    port: number;
    service: string;
    result: number;
    signal: AbortSignal | undefined;
  }): Promise<ServiceConnection> {
    const { deviceId, port, service, result, signal } = target;
    const device = (await this.#devices({ signal })).find((one) => one.deviceId === deviceId);
    if (device === undefined || (result === muxResult.badDevice && device.address === undefined))
      throw new DeviceError('DEVICE_NOT_FOUND', 'The device is not attached any more; plug it in again', {
        service,
        remoteError: String(result),
      });
    const { udid, address } = device;
    let cause: unknown;
    if (address !== undefined) {
      try {
        return connectionOverStream(await openSocket({ host: address, port }, { signal }), { service, udid });
      } catch (error) {
        signal?.throwIfAborted();
        cause = error;
      }
    }
    if (port === lockdownPort && address !== undefined)
      throw new DeviceError('DEVICE_DISCONNECTED', 'The device does not answer on the network; wake it and try again', {
        service,
        udid,
        cause,
      });
    throw new DeviceError('DEVICE_SERVICE_UNAVAILABLE', `Nothing answers at port ${port} of the device (${service})`, {
      service,
      udid,
      cause,
      remoteError: String(result),
    });
  }
}

/** The error for an answer that is not what was asked for: a number that says why, or nothing that makes sense. */
function refused(request: string, result: number | undefined): DeviceError | ProtocolError {
  if (result === undefined)
    return new ProtocolError('PROTOCOL_MALFORMED', `usbmuxd gave no answer to ${request} that makes sense`, {
      protocol: 'usbmux',
    });
  const advice = result === errno.accessDenied ? 'it may not read or write its own files' : 'see remoteError';
  return new DeviceError('DEVICE_REFUSED', `usbmuxd refused ${request}: ${advice}`, {
    service: 'usbmuxd',
    remoteError: String(result),
  });
}
