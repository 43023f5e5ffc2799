import { withLockdown } from '../../src/device/lockdown/pairing.js';
import { parsePairRecord } from '../../src/device/lockdown/pair-record.js';
import { Device, usbmuxTransport } from '../../src/entry/device.js';
import type { VirtualDevice } from '../../src/entry/testing.js';
import { asData } from '../../src/plist/guards.js';

/** Pair records that were made in this process, by the device that they are for: making their keys is the slow part of pairing. */
const records = new Map<string, Uint8Array>();

/** Pairs this host with a virtual device; one with the same key as one before is asked to trust the record of that one. */
export async function trust(phone: VirtualDevice): Promise<void> {
  const transport = usbmuxTransport({ address: phone.address });
  const key = asData(phone.values.get('', 'DevicePublicKey')) ?? new Uint8Array();
  const name = `${phone.udid} ${Buffer.from(key).toString('base64')}`;
  const known = records.get(name);
  if (known === undefined) {
    await using _host = await Device.connect(phone.udid, { transport, pair: true });
    const record = phone.mux.pairRecords.get(phone.udid);
    if (record !== undefined) records.set(name, record);
    return;
  }
  const device = (await transport.list()).find(({ udid }) => udid === phone.udid);
  if (device === undefined) throw new Error('The virtual device is not attached');
  const record = parsePairRecord(known, phone.udid);
  await withLockdown({ transport, device }, {}, async (client) => await client.pair(record));
  phone.mux.pairRecords.set(phone.udid, known);
}
