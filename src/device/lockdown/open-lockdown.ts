import type { AbortOptions } from '../../core/abort.js';
import { DeviceError, isBackupKitError } from '../../core/errors.js';
import { asString } from '../../plist/guards.js';
import type { AttachedDevice, DeviceTransport, ServiceConnection } from '../transport.js';
import { lockdownPort } from '../usbmux/messages.js';
import { LockdownClient, lockdownService } from './lockdown-client.js';
import { tlsOfRecord, type PairRecord } from './pair-record.js';

/** A device at a transport. */
export interface DevicePlace {
  readonly transport: DeviceTransport;
  readonly device: AttachedDevice;
}

/** A port of a device; a device that has gone since it was seen is a connection that has ended. */
export async function connectPort(
  { transport, device }: DevicePlace,
  { port, service, signal }: AbortOptions & { port: number; service: string },
): Promise<ServiceConnection> {
  const { deviceId, udid } = device;
  try {
    return await transport.connect(deviceId, port, { service, udid, signal });
  } catch (error) {
    // lockdownd always listens, but while the device starts or is on its way out.
    const isGone = isBackupKitError(error, 'DEVICE_NOT_FOUND');
    if (!isGone && !(port === lockdownPort && isBackupKitError(error, 'DEVICE_SERVICE_UNAVAILABLE'))) throw error;
    throw new DeviceError(
      'DEVICE_DISCONNECTED',
      'The device is not attached any more, or is just starting; try again',
      {
        cause: error,
        service,
        udid,
      },
    );
  }
}

/** lockdownd without a session, and the version of iOS; the caller closes it. */
export async function openLockdown(
  place: DevicePlace,
  options?: AbortOptions,
): Promise<{ client: LockdownClient; productVersion: string }> {
  const connection = await connectPort(place, {
    port: lockdownPort,
    service: lockdownService,
    signal: options?.signal,
  });
  const client = new LockdownClient(connection, place.device.udid);
  try {
    await client.checkType(options);
    const productVersion = asString(await client.getValue({ key: 'ProductVersion' }, options)) ?? '';
    return { client, productVersion };
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** Whether a version of iOS has nothing newer than TLS 1.0. */
export function isLegacyTls(productVersion: string): boolean {
  return majorVersion(productVersion) < 10;
}

/** Starts a session for the host of a record. FORMAT facts: docs/format/lockdown.md, "Sessions". */
export async function startTrustedSession(
  { client, productVersion }: { client: LockdownClient; productVersion: string },
  { transport, record, signal }: AbortOptions & { transport: DeviceTransport; record: PairRecord },
): Promise<void> {
  if (majorVersion(productVersion) < 7) await client.validatePair(record, { signal });
  const systemBuid = record.systemBuid ?? (await transport.readBuid({ signal }));
  const tls = tlsOfRecord(record, isLegacyTls(productVersion));
  await client.startSession({ hostId: record.hostId, systemBuid }, tls, { signal });
}

/** 17 of `17.4.1`; what cannot be read counts as new. */
function majorVersion(version: string): number {
  const major = Number.parseInt(version, 10);
  return Number.isNaN(major) ? Infinity : major;
}
