import { isBackupKitError } from '../core/errors.js';
import { findDevice, type DeviceChoice, type TransportOptions } from './attached-devices.js';
import { startTrustedSession } from './lockdown/open-lockdown.js';
import { pair, withLockdown, type PairOptions } from './lockdown/pairing.js';
import { parsePairRecord } from './lockdown/pair-record.js';
import type { AttachedDevice, DeviceTransport } from './transport.js';
import { usbmuxTransport } from './usbmux/usbmux-transport.js';

/**
 * Pairs with the only device that is attached, or with the one with a UDID, also where it trusts this host already: the owner
 * has to unlock it and to tap Trust, and the call waits for that. The record is stored by the transport, for other programs too.
 *
 * @throws DeviceError `DEVICE_TRUST_DENIED`, `DEVICE_REFUSED` for a device that pairs only with its organisation,
 * `DEVICE_NOT_FOUND`, `DEVICE_AMBIGUOUS`, `DEVICE_DISCONNECTED`, `DEVICE_MUX_UNAVAILABLE`
 *
 * @example
 * await pairDevice(undefined, { onProgress: ({ type }) => console.log(type), signal: AbortSignal.timeout(60_000) });
 */
export async function pairDevice(udid?: string, options: DeviceChoice & PairOptions = {}): Promise<AttachedDevice> {
  const { transport = usbmuxTransport(), connectionType, signal } = options;
  const device = await findDevice(udid, { transport, connectionType, signal });
  await pair({ transport, device }, options);
  return device;
}

/**
 * Whether a device trusts this host: there is a pair record, and the device begins a session with it.
 *
 * @throws DeviceError `DEVICE_LOCKED` where that cannot be said now, `DEVICE_IDENTITY_MISMATCH`, `DEVICE_NOT_FOUND`,
 * `DEVICE_AMBIGUOUS`, `DEVICE_DISCONNECTED`, `DEVICE_MUX_UNAVAILABLE`
 */
export async function validatePair(udid?: string, options: DeviceChoice = {}): Promise<boolean> {
  const { transport = usbmuxTransport(), connectionType, signal } = options;
  const device = await findDevice(udid, { transport, connectionType, signal });
  const stored = await transport.readPairRecord(device.udid, { signal });
  if (stored === undefined) return false;
  try {
    const record = parsePairRecord(stored, device.udid);
    await withLockdown({ transport, device }, { signal }, async (client, productVersion) => {
      await startTrustedSession({ client, productVersion }, { transport, record, signal });
    });
    return true;
  } catch (error) {
    if (isBackupKitError(error, 'DEVICE_NOT_PAIRED', 'DEVICE_PAIR_RECORD_INVALID')) return false;
    throw error;
  }
}

/**
 * Lets a device forget this host, and this host forget the device. Nothing happens where they have not been paired.
 *
 * @throws DeviceError `DEVICE_NOT_FOUND`, `DEVICE_AMBIGUOUS`, `DEVICE_DISCONNECTED`, `DEVICE_MUX_UNAVAILABLE`
 */
export async function unpairDevice(udid?: string, options: DeviceChoice = {}): Promise<void> {
  const { transport = usbmuxTransport(), connectionType, signal } = options;
  const device = await findDevice(udid, { transport, connectionType, signal });
  const stored = await transport.readPairRecord(device.udid, { signal });
  if (stored === undefined) return;
  try {
    const record = parsePairRecord(stored, device.udid);
    await withLockdown({ transport, device }, { signal }, async (client) => await client.unpair(record, { signal }));
  } catch (error) {
    if (!isBackupKitError(error, 'DEVICE_NOT_PAIRED', 'DEVICE_PAIR_RECORD_INVALID')) throw error;
  }
  await transport.deletePairRecord(device.udid, { signal });
}

/** Forgets the pair record of a device, which need not be attached and goes on trusting this host. */
export async function forgetDevice(udid: string, options: TransportOptions = {}): Promise<void> {
  await transportOf(options).deletePairRecord(udid, { signal: options.signal });
}

/**
 * The pair record of a device, a whole property list, to be imported on another machine or in a container; `undefined` where there
 * is none. Whoever has it can do with the device what this host can: keep it secret.
 */
export async function exportPairRecord(udid: string, options: TransportOptions = {}): Promise<Uint8Array | undefined> {
  return await transportOf(options).readPairRecord(udid, { signal: options.signal });
}

/**
 * Stores a pair record that was exported elsewhere, in place of an older one.
 *
 * @throws DeviceError `DEVICE_PAIR_RECORD_INVALID` where it is no whole record
 */
export async function importPairRecord(
  udid: string,
  record: Uint8Array,
  options: TransportOptions = {},
): Promise<void> {
  parsePairRecord(record, udid);
  await transportOf(options).savePairRecord(udid, record, { signal: options.signal });
}

function transportOf({ transport = usbmuxTransport() }: TransportOptions): DeviceTransport {
  return transport;
}
