import type { AbortOptions } from '../core/abort.js';
import { DeviceError, isBackupKitError } from '../core/errors.js';
import { ResourceOwner, type Closeable } from '../core/resource.js';
import { asDict } from '../plist/guards.js';
import type { PlistDict, PlistInput, PlistValue } from '../plist/types.js';
import { AfcClient } from './afc/afc-client.js';
import { findDevice, type DeviceChoice } from './attached-devices.js';
import {
  batteryDomain,
  diskUsageDomain,
  readBatteryInfo,
  readDeviceInfo,
  readDiskUsage,
  type BatteryInfo,
  type DeviceInfo,
  type DiskUsage,
} from './device-info.js';
import type { DevicePlace } from './lockdown/open-lockdown.js';
import { pair, type PairOptions } from './lockdown/pairing.js';
import { parsePairRecord } from './lockdown/pair-record.js';
import { TrustedLockdown } from './lockdown/trusted-lockdown.js';
import { listApps, type InstalledApp, type ListAppsOptions } from './services/apps.js';
import { changePower, mobileGestalt } from './services/diagnostics.js';
import { startHeartbeat } from './services/heartbeat.js';
import { openAppFiles, type AppFilesOptions } from './services/house-arrest.js';
import { NotificationProxy } from './services/notification-proxy.js';
import type { ServiceHost, StartServiceOptions } from './services/service-host.js';
import { Springboard } from './services/springboard.js';
import type { ConnectionType, ServiceConnection } from './transport.js';
import { usbmuxTransport } from './usbmux/usbmux-transport.js';

/** Options of {@link Device.connect}. */
export interface ConnectDeviceOptions extends DeviceChoice, PairOptions {
  /** Whether to pair where the device does not trust this host (any more), and to wait for its owner; false by default. */
  pair?: boolean | undefined;
}

/** Where a value is. */
export interface ValueOptions extends AbortOptions {
  /** E.g. `com.apple.mobile.battery`; the domain without a name by default. */
  domain?: string | undefined;
}

/**
 * An iPhone or iPad that trusts this host. It holds a session with the device, and begins a new one when the device has ended it or
 * was plugged in again. Every call takes a signal; a cable that is pulled is a DeviceError `DEVICE_DISCONNECTED`, which is transient;
 * after `close()` calls reject with `DEVICE_CLOSED`.
 *
 * @example
 * await using device = await Device.connect();
 * console.log(device.info.name, device.info.productVersion);
 */
export class Device implements ServiceHost, Closeable, AsyncDisposable {
  readonly #lockdown: TrustedLockdown;
  readonly #owner = new ResourceOwner();
  readonly #place: DevicePlace;
  #info: DeviceInfo;

  private constructor(place: DevicePlace, lockdown: TrustedLockdown, info: DeviceInfo) {
    this.#place = place;
    this.#lockdown = this.#owner.attach(lockdown);
    this.#info = info;
    if (place.device.connectionType === 'Network') this.#owner.attach(startHeartbeat(this));
  }

  /**
   * Connects to the only device that is attached, or to the one with a UDID.
   *
   * @throws DeviceError `DEVICE_MUX_UNAVAILABLE`, `DEVICE_NOT_FOUND`, `DEVICE_AMBIGUOUS`, `DEVICE_NOT_PAIRED` (unless `pair`),
   * `DEVICE_TRUST_DENIED`, `DEVICE_LOCKED`, `DEVICE_IDENTITY_MISMATCH`, `DEVICE_PAIR_RECORD_INVALID`, `DEVICE_DISCONNECTED`
   */
  static async connect(udid?: string, options: ConnectDeviceOptions = {}): Promise<Device> {
    const { transport = usbmuxTransport(), connectionType, signal } = options;
    const device = await findDevice(udid, { transport, connectionType, signal });
    const place = { transport, device };
    const lockdown = await openTrusted(place, options);
    try {
      return new Device(place, lockdown, await askInfo(lockdown, device.udid, { signal }));
    } catch (error) {
      await lockdown.close();
      throw error;
    }
  }

  /** UDID of the device. */
  get udid(): string {
    return this.#place.device.udid;
  }

  /** How it is reached. */
  get connectionType(): ConnectionType {
    return this.#lockdown.device.connectionType;
  }

  /** What it has said of itself when it was connected, or at the last {@link getInfo}. */
  get info(): DeviceInfo {
    return this.#info;
  }

  /** Asks it again what it says of itself. */
  async getInfo(options?: AbortOptions): Promise<DeviceInfo> {
    this.#info = await askInfo(this.#lockdown, this.udid, options);
    return this.#info;
  }

  /** A value of lockdownd; `undefined` where there is none. @throws DeviceError `DEVICE_REFUSED` where hosts may not see it */
  async getValue(key: string, { domain, signal }: ValueOptions = {}): Promise<PlistValue | undefined> {
    return await this.#lockdown.use(async (client) => await client.getValue({ domain, key }, { signal }), { signal });
  }

  /** All values of a domain. Some domains tell nothing unless a key is named. */
  async getValues({ domain, signal }: ValueOptions = {}): Promise<PlistDict> {
    const values = await this.#lockdown.use(async (client) => await client.getValue({ domain }, { signal }), {
      signal,
    });
    return asDict(values) ?? new Map();
  }

  /** Sets a value of lockdownd, e.g. `DeviceName`. @throws DeviceError `DEVICE_REFUSED` where hosts may not */
  async setValue(key: string, value: PlistInput, { domain, signal }: ValueOptions = {}): Promise<void> {
    await this.#lockdown.use(async (client) => await client.setValue({ domain, key }, value, { signal }), { signal });
  }

  /** Removes a value of lockdownd. @throws DeviceError `DEVICE_REFUSED` where hosts may not, or where there is none */
  async removeValue(key: string, { domain, signal }: ValueOptions = {}): Promise<void> {
    await this.#lockdown.use(async (client) => await client.removeValue({ domain, key }, { signal }), { signal });
  }

  /** State of the battery. */
  async battery(options?: AbortOptions): Promise<BatteryInfo> {
    return readBatteryInfo(await this.getValues({ domain: batteryDomain, signal: options?.signal }));
  }

  /** What the disk holds. */
  async diskUsage(options?: AbortOptions): Promise<DiskUsage> {
    return readDiskUsage(await this.getValues({ domain: diskUsageDomain, signal: options?.signal }));
  }

  /**
   * Starts a service and connects to it, in TLS where the device wants that. The connection is independent of this device: it is the
   * caller's to close. See {@link PlistChannel} for services that talk in property lists.
   *
   * @throws DeviceError `DEVICE_SERVICE_UNAVAILABLE`, `DEVICE_LOCKED`, `DEVICE_DISCONNECTED`
   */
  async startService(
    name: string,
    { escrowBag: hasEscrowBag = false, signal }: StartServiceOptions = {},
  ): Promise<ServiceConnection> {
    return await this.#lockdown.startService(name, { hasEscrowBag, signal });
  }

  /** Installed apps, in the device's order. */
  apps(options: ListAppsOptions = {}): AsyncIterable<InstalledApp> {
    return listApps(this, options);
  }

  /** The media folder: photos, books, recordings. */
  async openAfc(options?: AbortOptions): Promise<AfcClient> {
    return new AfcClient(await this.startService('com.apple.afc', options));
  }

  /** Files of an app. @throws DeviceError `DEVICE_REFUSED` where there is no such app, or it does not share its files */
  async openAppFiles(bundleId: string, options: AppFilesOptions = {}): Promise<AfcClient> {
    return await openAppFiles(this, bundleId, options);
  }

  /** Notifications of the device. */
  async openNotifications(options?: AbortOptions): Promise<NotificationProxy> {
    return await NotificationProxy.open(this, options);
  }

  /** The home screen: icons, wallpaper. */
  async openSpringboard(options?: AbortOptions): Promise<Springboard> {
    return await Springboard.open(this, options);
  }

  /** Restarts the device; settles when it has agreed, before it is gone. */
  async restart(options?: AbortOptions): Promise<void> {
    await changePower(this, 'Restart', options);
  }

  /** Shuts the device down; settles when it has agreed. */
  async shutdown(options?: AbortOptions): Promise<void> {
    await changePower(this, 'Shutdown', options);
  }

  /** Turns the screen off, which locks the device. */
  async sleep(options?: AbortOptions): Promise<void> {
    await changePower(this, 'Sleep', options);
  }

  /**
   * Values of MobileGestalt by key; without those that the device does not know.
   *
   * @throws DeviceError `DEVICE_REFUSED` on iOS 17.4 and later, which tells hosts nothing
   */
  async mobileGestalt(keys: readonly string[], options?: AbortOptions): Promise<PlistDict> {
    return await mobileGestalt(this, keys, options);
  }

  /** Lets the device forget this host and this host forget the device, and closes. */
  async unpair(options?: AbortOptions): Promise<void> {
    await this.#lockdown.unpair(options);
    await this.#place.transport.deletePairRecord(this.udid, options);
    await this.close();
  }

  /** Ends the session. Connections to services go on. */
  async close(): Promise<void> {
    await this.#owner.close();
  }

  /** Same as {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A session, after pairing where that is needed and wanted. */
async function openTrusted(place: DevicePlace, options: ConnectDeviceOptions): Promise<TrustedLockdown> {
  const { transport, device } = place;
  const { signal } = options;
  const stored = await transport.readPairRecord(device.udid, { signal });
  if (stored !== undefined) {
    try {
      return await TrustedLockdown.open(place, { record: parsePairRecord(stored, device.udid), signal });
    } catch (error) {
      const isLost = isBackupKitError(error, 'DEVICE_NOT_PAIRED', 'DEVICE_PAIR_RECORD_INVALID');
      if (options.pair !== true || !isLost) throw error;
    }
  } else if (options.pair !== true) {
    throw new DeviceError(
      'DEVICE_NOT_PAIRED',
      `This host has not been paired with ${device.udid}; pair it and tap Trust on the device`,
      { udid: device.udid },
    );
  }
  return await TrustedLockdown.open(place, { record: await pair(place, options), signal });
}

async function askInfo(lockdown: TrustedLockdown, udid: string, options?: AbortOptions): Promise<DeviceInfo> {
  const values = await lockdown.use(async (client) => await client.getValue({}, options), options);
  return readDeviceInfo(asDict(values) ?? new Map(), udid);
}
