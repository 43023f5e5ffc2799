import type { AbortOptions } from '../core/abort.js';
import { DeviceError } from '../core/errors.js';
import type { AttachedDevice, ConnectionType, DeviceEvent, DeviceTransport } from './transport.js';
import { usbmuxTransport } from './usbmux/usbmux-transport.js';

/** Options of everything that looks for devices. */
export interface TransportOptions extends AbortOptions {
  /** How devices are reached; `usbmuxTransport()` by default. */
  transport?: DeviceTransport | undefined;
}

/** Options of everything that picks one device. */
export interface DeviceChoice extends TransportOptions {
  /** Only devices that are reached in this way; by default a cable where there is one. */
  connectionType?: ConnectionType | undefined;
}

/**
 * Devices that are attached now, trusted or not. One that is on a cable and on the network is there twice.
 *
 * @throws DeviceError `DEVICE_MUX_UNAVAILABLE`
 *
 * @example
 * for (const { udid, connectionType } of await listDevices()) console.log(udid, connectionType);
 */
export async function listDevices(options: TransportOptions = {}): Promise<readonly AttachedDevice[]> {
  const { transport = usbmuxTransport(), signal } = options;
  return await transport.list({ signal });
}

/**
 * Devices that come and go: first an `attached` event for each one that is there, then every change as it happens, until the
 * loop is left or the signal aborts.
 *
 * @throws DeviceError `DEVICE_MUX_UNAVAILABLE`; `DEVICE_DISCONNECTED` where usbmuxd stops
 */
export async function* watchDevices(options: TransportOptions = {}): AsyncGenerator<DeviceEvent, void, undefined> {
  const { transport = usbmuxTransport(), signal } = options;
  signal?.throwIfAborted();
  yield* transport.watch({ signal });
}

/**
 * The device with a UDID, in any case and with or without dashes, or the only one.
 *
 * @throws DeviceError `DEVICE_NOT_FOUND`, `DEVICE_AMBIGUOUS`
 */
export async function findDevice(
  udid: string | undefined,
  { transport, connectionType, signal }: DeviceChoice & { transport: DeviceTransport },
): Promise<AttachedDevice> {
  const all = await transport.list({ signal });
  const suitable = all.filter(
    (one) =>
      (connectionType === undefined || one.connectionType === connectionType) &&
      (udid === undefined || plain(one.udid) === plain(udid)),
  );
  const udids = [...new Set(suitable.map((one) => one.udid))];
  if (udids.length > 1)
    throw new DeviceError(
      'DEVICE_AMBIGUOUS',
      `Several devices are attached (${udids.join(', ')}); choose one by its UDID`,
    );
  const found = suitable.find((one) => one.connectionType === 'USB') ?? suitable[0];
  if (found !== undefined) return found;
  const how = connectionType === undefined ? '' : ` by ${connectionType}`;
  throw new DeviceError(
    'DEVICE_NOT_FOUND',
    udid === undefined
      ? `No device is attached${how}; plug one in and unlock it`
      : `Device ${udid} is not attached${how}; plug it in and unlock it`,
    { udid },
  );
}

function plain(udid: string): string {
  return udid.replaceAll('-', '').toLowerCase();
}
