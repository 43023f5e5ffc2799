import { Device, usbmuxTransport, type DeviceChoice } from '../entry/device.js';
import type { CliContext } from './context.js';
import { UsageError } from './failures.js';

/** Which device, as the options say. */
export interface DeviceOptions {
  readonly udid?: string | undefined;
  readonly network?: true | undefined;
}

/** How devices are reached, for the calls of the library. */
export function deviceChoice({ network }: DeviceOptions, context: CliContext): DeviceChoice {
  return {
    transport: transportOf(context),
    connectionType: network === true ? 'Network' : undefined,
    signal: context.signal,
  };
}

/** Connects to the device that the options name, or to the only one. */
export async function connectDevice(options: DeviceOptions, context: CliContext): Promise<Device> {
  return await Device.connect(options.udid, deviceChoice(options, context));
}

function transportOf({ env }: CliContext): ReturnType<typeof usbmuxTransport> {
  const address = env['USBMUXD_SOCKET_ADDRESS'];
  try {
    return usbmuxTransport({ address: address === '' ? undefined : address });
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`USBMUXD_SOCKET_ADDRESS: ${error.message}`, { cause: error });
    throw error;
  }
}
