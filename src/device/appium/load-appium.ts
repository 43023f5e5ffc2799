import type { Duplex } from 'node:stream';
import { DeviceError } from '../../core/errors.js';

/** What is used of the class `Usbmux` of `appium-ios-device`. */
export interface AppiumUsbmux {
  /** Devices as usbmuxd lists them. */
  listDevices(): Promise<readonly unknown[]>;
  /** Turns the socket into a tunnel to a port. */
  connect(deviceId: number, port: number): Promise<Duplex>;
  /** Name of the host. */
  readBUID(): Promise<string>;
  /** The pair record as an object; `null` where there is none. */
  readPairRecord(udid: string): Promise<unknown>;
}

/** What is used of `appium-ios-device`. */
export interface AppiumIosDevice {
  /** A client of usbmuxd over an open socket. */
  readonly Usbmux: {
    /** Speaks to usbmuxd over the socket, which it owns from here on. */
    new (socket: Duplex): AppiumUsbmux;
  };
}

const packageName: string = 'appium-ios-device';

/** Loads the optional package. @throws DeviceError `DEVICE_TRANSPORT_UNAVAILABLE` */
export async function loadAppium(
  load = async (): Promise<unknown> => await import(packageName),
): Promise<AppiumIosDevice> {
  let loaded: unknown;
  try {
    loaded = await load();
  } catch (cause) {
    throw new DeviceError('DEVICE_TRANSPORT_UNAVAILABLE', isMissing(cause) ? missing : broken, { cause });
  }
  return findUsbmux(loaded);
}

/** A CommonJS package that is imported has what it exports below `default`, depending on how it was built. */
function findUsbmux(loaded: unknown): AppiumIosDevice {
  for (let at: unknown = loaded, depth = 0; depth < 3; depth += 1) {
    if (hasUsbmux(at)) return at;
    at = (at as { default?: unknown } | null | undefined)?.default;
  }
  throw new DeviceError('DEVICE_TRANSPORT_UNAVAILABLE', `${packageName} has no Usbmux; install a release of version 3`);
}

const missing = `${packageName} is not installed; run "npm install ${packageName}", or use usbmuxTransport()`;
/** Its release 3.1.23 takes any bplist-parser below 1, and fails on loading with 0.5, which npm chooses by itself. */
const broken =
  `${packageName} is installed but does not load, most likely because of the bplist-parser beside it; ` +
  'put "overrides": { "bplist-parser": "0.3.2" } into package.json and install again, or use usbmuxTransport()';

/** Node.js and bundlers say it differently, but all name what they look for; a module that is missing within it is another matter. */
function isMissing(cause: unknown): boolean {
  return cause instanceof Error && /(?:find|resolve)\b.*['"]appium-ios-device['"]/.test(cause.message);
}

function hasUsbmux(loaded: unknown): loaded is AppiumIosDevice {
  return typeof loaded === 'object' && loaded !== null && 'Usbmux' in loaded && typeof loaded.Usbmux === 'function';
}
