import { hexEncode } from '../../../core/bytes.js';
import { progressReporter } from '../../../core/progress.js';
import { decodeRecord, encodeTable } from '../../format/record.js';
import { Table } from '../../format/table.js';
import { scanLive } from '../../run/scan-live.js';
import { readSettings, writeSettings, type DeviceSettings } from '../../store/device-settings.js';
import { keys } from '../../store/keys.js';
import { decodeStoreFile, encodeStoreFile, storeFileKey } from '../../store/store-file.js';
import { Records, type ResolvedRecord } from '../../store/records.js';
import type { Site } from '../../store/site.js';
import type { AffectedVersion, VerifyFinding } from '../verify/finding.js';
import type { RepairSource } from './report.js';
import type { Workshop } from './workshop.js';

/** Mends a table: it is that of any version that has the same rows, or of the newest backup as it lies there. */
export async function mendTable(shop: Workshop, finding: VerifyFinding): Promise<void> {
  const name = finding.part.slice(finding.part.lastIndexOf('/') + 1, -'.tbl'.length);
  const found = await findTable(shop, name, finding.versions);
  if (found !== undefined) {
    await shop.replace(finding.part, encodeTable(found.table));
    shop.mended({ ...finding, from: found.from });
    return;
  }
  // Without the table each version can still come back whole by itself.
  const lost: AffectedVersion[] = [];
  for (const { udid, id } of finding.versions) if (!(await restoreVersion(shop, udid, id))) lost.push({ udid, id });
  if (lost.length > 0) {
    shop.lost({ ...finding, versions: lost });
    if (shop.giveUp) for (const { udid, id } of lost) await setAside(shop, udid, id);
    return;
  }
  await shop.quarantine(finding.part);
  if (finding.versions.length > 0) shop.mended({ ...finding, from: 'replica' });
}

async function findTable(
  shop: Workshop,
  name: string,
  versions: readonly AffectedVersion[],
): Promise<{ table: Table; from: RepairSource } | undefined> {
  const isNamed = (table: Table): boolean => hexEncode(encodeTable(table).subarray(-32)) === name;
  const { site, replica, signal } = shop;
  for await (const { table } of shop.records(site)) if (isNamed(table)) return { table, from: 'computed' };
  const { local } = site;
  if (local !== undefined)
    for (const udid of new Set(versions.map((version) => version.udid))) {
      const { table } = await scanLive(local.place, udid, {
        known: { table: Table.empty, doubtful: new Set() },
        progress: progressReporter<never>(undefined),
        signal,
      });
      if (isNamed(table)) return { table, from: 'newest' };
    }
  if (replica !== undefined)
    for await (const { table } of shop.records(replica)) if (isNamed(table)) return { table, from: 'replica' };
  return undefined;
}

/** Mends the record of a version: that of the newest backup may be a copy of it, or another store has it. */
export async function mendRecord(shop: Workshop, finding: VerifyFinding): Promise<void> {
  const [version] = finding.versions;
  if (version === undefined) return;
  const { udid, id } = version;
  const live = await shop.read(shop.site, keys.live(udid));
  if (live !== undefined && headerId(live, keys.live(udid)) === id) {
    await shop.replace(finding.part, live);
    shop.mended({ ...finding, from: 'newest' });
    return;
  }
  if (await restoreVersion(shop, udid, id)) shop.mended({ ...finding, from: 'replica' });
  else {
    shop.lost(finding);
    if (shop.giveUp) await setAside(shop, udid, id);
  }
}

/** Writes the record of a version anew from the other store. */
async function restoreVersion(shop: Workshop, udid: string, id: string): Promise<boolean> {
  const record = await readFrom(shop, shop.replica, { udid, id });
  if (record === undefined) return false;
  const deleted = (await shop.site.blobs.head(keys.trash(udid, id), { signal: shop.signal })) !== undefined;
  await shop.quarantine(deleted ? keys.trash(udid, id) : keys.version(udid, id));
  await shop.change(async () => {
    const records = new Records(shop.site.blobs);
    await records.restore(await records.prepare(record.header, record.table, undefined), { deleted });
  });
  return true;
}

async function readFrom(
  shop: Workshop,
  site: Site | undefined,
  { udid, id }: { udid: string; id: string },
): Promise<ResolvedRecord | undefined> {
  try {
    return await site?.records.read(udid, id, { signal: shop.signal });
  } catch (error) {
    shop.ignoreUnreadable(error);
    return undefined;
  }
}

/** Takes the record of a version away that cannot be read, so that others can be purged. */
async function setAside(shop: Workshop, udid: string, id: string): Promise<void> {
  await shop.quarantine(keys.version(udid, id));
  await shop.quarantine(keys.trash(udid, id));
}

/** Mends the record of a newest backup: it is that of the last version which was made from there. The files tell what differs. */
export async function mendLiveRecord(shop: Workshop, finding: VerifyFinding): Promise<void> {
  const udid = finding.part.split('/')[1] ?? '';
  const made = new Set(['run', 'found', 'capture', 'rollback']);
  let newest: { id: string; key: string } | undefined;
  for await (const { header, key } of shop.records(shop.site))
    if (header.udid === udid && made.has(header.kind) && key !== finding.part && header.id > (newest?.id ?? ''))
      newest = { id: header.id, key };
  const bytes = newest && (await shop.read(shop.site, newest.key));
  if (bytes === undefined) {
    // The next run or capture looks at the files anew.
    await shop.quarantine(finding.part);
    shop.mended({ ...finding, from: 'computed' });
    return;
  }
  await shop.replace(finding.part, bytes);
  shop.mended({ ...finding, from: 'store' });
}

function headerId(bytes: Uint8Array, part: string): string | undefined {
  try {
    return decodeRecord(bytes, part).header.id;
  } catch {
    return undefined;
  }
}

/** Mends settings of a device: of what can be read, and of what another store has. */
export async function mendSettings(shop: Workshop, finding: VerifyFinding): Promise<void> {
  const udid = finding.part.split('/')[1] ?? '';
  const own = await settingsOf(shop, shop.site, udid);
  const copy = await settingsOf(shop, shop.replica, udid);
  if (copy === undefined && !shop.giveUp) {
    shop.lost({
      ...finding,
      message: `${finding.part} may lack pins: compare it by hand, and accept what can be read with \`giveUp\``,
    });
    return;
  }
  const settings: DeviceSettings = {
    pins: new Set([...(own?.pins ?? []), ...(copy?.pins ?? [])]),
    notes: new Map([...(own?.notes ?? []), ...(copy?.notes ?? [])]),
    trashed: own?.trashed ?? new Map(),
    retention: copy === undefined ? own?.retention : copy.retention,
  };
  await shop.quarantine(finding.part);
  await shop.change(async () => {
    await writeSettings(shop.site.blobs, udid, settings);
  });
  shop.mended({ ...finding, from: copy === undefined ? 'accepted' : 'replica' });
}

async function settingsOf(shop: Workshop, site: Site | undefined, udid: string): Promise<DeviceSettings | undefined> {
  if (site === undefined || (await site.blobs.head(keys.settings(udid))) === undefined) return undefined;
  try {
    return await readSettings(site.blobs, udid, { signal: shop.signal });
  } catch (error) {
    shop.ignoreUnreadable(error);
    return undefined;
  }
}

/** Accepts what can be read of store.json: no other store has its identity. */
export async function mendStoreFile(shop: Workshop, finding: VerifyFinding): Promise<void> {
  const bytes = await shop.read(shop.site, storeFileKey);
  if (!shop.giveUp || bytes === undefined) {
    shop.lost({ ...finding, message: `${storeFileKey}: compare it by hand, and accept it with \`giveUp\`` });
    return;
  }
  await shop.replace(storeFileKey, encodeStoreFile(decodeStoreFile(bytes, { readOnly: true })));
  shop.mended({ ...finding, from: 'accepted' });
}
