import { setTimeout as delay } from 'node:timers/promises';
import type { AbortOptions } from '../../core/abort.js';
import { DeviceError } from '../../core/errors.js';
import type { ProgressOptions } from '../../core/progress.js';
import { asData, asString } from '../../plist/guards.js';
import { createPairRecord } from './certificates.js';
import { openLockdown, type DevicePlace } from './open-lockdown.js';
import type { LockdownClient } from './lockdown-client.js';
import { encodePairRecord, type PairRecord } from './pair-record.js';

/** What a pairing waits for. */
export interface PairingEvent {
  /** `waiting-for-unlock`: the device is locked. `waiting-for-trust`: it asks "Trust This Computer?". `paired`: done. */
  readonly type: 'waiting-for-unlock' | 'waiting-for-trust' | 'paired';
  /** UDID of the device that is being paired. */
  readonly udid: string;
}

/** Options of everything that pairs. `onProgress` is called whenever the owner has to do something else, and at the end. */
export interface PairOptions extends AbortOptions, ProgressOptions<PairingEvent> {
  /** Time between two questions whether the owner has answered, in milliseconds; 1000 by default, as other hosts do. */
  pairingIntervalMs?: number | undefined;
}

/** The device has no way to say when its owner has answered; it wants to be asked again. */
const usualIntervalMs = 1000;

const waits = new Map<string | undefined, PairingEvent['type']>([
  ['PasswordProtected', 'waiting-for-unlock'],
  ['PairingDialogResponsePending', 'waiting-for-trust'],
]);

/**
 * Pairs with a device: makes keys and certificates, waits until its owner trusts this host, and stores the record. Every
 * question has a connection of its own, since the device may end one that waits for long.
 *
 * FORMAT facts: docs/format/lockdown.md, "Pairing".
 */
export async function pair(place: DevicePlace, options: PairOptions): Promise<PairRecord> {
  const { transport, device } = place;
  const { signal, onProgress, pairingIntervalMs = usualIntervalMs } = options;
  const { udid, deviceId } = device;
  // Always the same record: another one would make the device ask its owner again.
  const asked = await newRecord(place, { signal });
  let last: PairingEvent['type'] | undefined;
  const report = (type: PairingEvent['type']): void => {
    if (type !== last) onProgress?.({ type, udid });
    last = type;
  };
  for (;;) {
    const answer = await withLockdown(place, { signal }, async (client) => await ask(client, asked, { signal }));
    if (typeof answer !== 'string') {
      const record = { ...asked, escrowBag: answer.escrowBag };
      await transport.savePairRecord(udid, encodePairRecord(record), { deviceId, signal });
      report('paired');
      return record;
    }
    report(answer);
    await delay(pairingIntervalMs, undefined, { signal }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  }
}

/** The device's consent, or what it waits for. */
async function ask(
  client: LockdownClient,
  record: PairRecord,
  options: AbortOptions,
): Promise<{ escrowBag: Uint8Array | undefined } | PairingEvent['type']> {
  try {
    return { escrowBag: await client.pair(record, options) };
  } catch (error) {
    const wait = error instanceof DeviceError ? waits.get(error.remoteError) : undefined;
    if (wait === undefined) throw error;
    return wait;
  }
}

async function newRecord(place: DevicePlace, options: AbortOptions): Promise<PairRecord> {
  const systemBuid = await place.transport.readBuid(options);
  const { devicePublicKey, wifiMacAddress } = await withLockdown(place, options, async (client) => ({
    devicePublicKey: asData(await client.getValue({ key: 'DevicePublicKey' }, options)),
    wifiMacAddress: asString(await client.getValue({ key: 'WiFiAddress' }, options)),
  }));
  if (devicePublicKey === undefined)
    throw new DeviceError('DEVICE_REFUSED', 'The device does not tell its public key, so that it cannot be paired', {
      udid: place.device.udid,
    });
  return await createPairRecord({ devicePublicKey, systemBuid, wifiMacAddress });
}

/** Uses lockdownd without a session. */
export async function withLockdown<T>(
  place: DevicePlace,
  options: AbortOptions,
  use: (client: LockdownClient, productVersion: string) => Promise<T>,
): Promise<T> {
  const { client, productVersion } = await openLockdown(place, options);
  try {
    return await use(client, productVersion);
  } finally {
    await client.close();
  }
}
