import { yieldToEventLoop, type AbortOptions } from '../../../core/abort.js';
import { concatBytes, hexDecode } from '../../../core/bytes.js';
import { isBackupKitError, SnapshotError } from '../../../core/errors.js';
import type { BlobStore } from '../../blobs/blob-store.js';
import { parseLeaseName, readLease } from '../../leases/lease-file.js';
import { recordLimit } from '../../format/framed.js';
import { decodeTable } from '../../format/record.js';
import type { Table } from '../../format/table.js';
import { isUdid, isVersionId } from '../../format/version-id.js';
import { keys } from '../../store/keys.js';
import { storePath, type Place } from '../../store/place.js';
import { Records } from '../../store/records.js';
import type { Site } from '../../store/site.js';
import { decodeStoreFile, storeFileKey } from '../../store/store-file.js';
import { isIntact } from '../../store/summed-json.js';
import type { VerifyFinding } from './finding.js';
import { verifyFileKey } from './slice.js';

/** A version whose record and table are whole. */
export interface WholeVersion {
  readonly udid: string;
  /** Identity; `undefined` for the newest backup. */
  readonly id: string | undefined;
  /** Name of its record. */
  readonly key: string;
}

/** A finding without the versions that it concerns. */
export type BareFinding = Omit<VerifyFinding, 'versions'>;

const topNames = new Set([
  'README.txt',
  storeFileKey,
  verifyFileKey,
  'locks',
  'devices',
  'tables',
  'objects',
  'packs',
  'runs',
  'staging',
  'open',
  'edit',
  'quarantine',
  'reserve',
]);

/** A blob, in memory; `undefined` where there is none. */
export async function readBlob(blobs: BlobStore, key: string, options?: AbortOptions): Promise<Uint8Array | undefined> {
  const content = await blobs.get(key, { length: recordLimit }, options);
  if (content === undefined) return undefined;
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return concatBytes(parts);
}

/** Checks store.json, settings, leases and names at the top: none of them is needed to read a version. */
export async function* checkAids(site: Site, options: AbortOptions): AsyncGenerator<VerifyFinding, void, undefined> {
  const { blobs, local } = site;
  const file = await readBlob(blobs, storeFileKey, options);
  const isStoreFile = file !== undefined && isIntact(file) !== false && canDecode(file);
  if (!isStoreFile) {
    const message = `${storeFileKey} is not as it was written: identity, features or wrapped keys may be others`;
    yield { severity: 'error', problem: 'store-file-damaged', part: storeFileKey, message, versions: [] };
  }
  for (const udid of await site.records.devices(options)) {
    const key = keys.settings(udid);
    const bytes = await readBlob(blobs, key, options);
    if (bytes === undefined || isIntact(bytes) !== false) continue;
    const message = `${key} is not as it was written: pins, notes or retention may be others`;
    yield { severity: 'error', problem: 'settings-damaged', part: key, message, versions: [] };
  }
  if (local === undefined) return;
  yield* checkLeases(local.place);
  for (const { name } of local.place.fs.entries(local.place.folder)) if (!topNames.has(name)) yield stray(name);
}

function canDecode(bytes: Uint8Array): boolean {
  try {
    decodeStoreFile(bytes, { readOnly: true });
    return true;
  } catch {
    return false;
  }
}

function* checkLeases(place: Place): Generator<VerifyFinding, void, undefined> {
  const folder = storePath(place, 'locks');
  for (const { name } of place.fs.entries(folder)) {
    const part = `locks/${name}`;
    const parsed = parseLeaseName(name);
    if (parsed === undefined) yield stray(part);
    // A draft may be being written.
    else if (parsed.kind !== 'draft' && readLease(place.fs, `${folder}/${name}`)?.header === undefined) {
      const message = `${part} does not say who holds it; it goes after 90 s without a beat`;
      yield { severity: 'warning', problem: 'lease-damaged', part, message, versions: [] };
    }
  }
}

/** The finding for something that is no part of a store. */
export function stray(part: string): VerifyFinding {
  return { severity: 'info', problem: 'stray', part, message: `${part} is no part of a store`, versions: [] };
}

/** What checking records has found out. */
export interface CheckedRecords {
  readonly whole: WholeVersion[];
  /** Versions that cannot be opened. */
  readonly broken: { udid: string; id: string }[];
}

/** Checks all records and tables, and gives each whole table to `onTable`. */
export async function* checkRecords(
  site: Site,
  {
    signal,
    checked,
    onTable,
  }: AbortOptions & { checked: CheckedRecords; onTable: (table: Table, version: WholeVersion) => Promise<void> },
): AsyncGenerator<VerifyFinding, void, undefined> {
  // Of its own, which has not seen a table before it was damaged.
  const records = new Records(site.blobs);
  const tables = new Map<string, { message: string; versions: { udid: string; id: string }[] }>();
  for await (const { key } of site.blobs.list('devices/', { signal })) {
    const version = versionOf(key);
    if (version === 'aid') continue;
    if (version === undefined) {
      yield stray(key);
      continue;
    }
    try {
      const record = await records.readKey(key, { signal });
      // Deleted or undeleted since it was listed.
      if (record === undefined) continue;
      const { header, table } = record;
      if (header.udid !== version.udid || (version.id !== undefined && header.id !== version.id))
        throw new SnapshotError('SNAPSHOT_CORRUPT', `${key} is the record of another version`, { part: key });
      checked.whole.push(version);
      await onTable(table, version);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      const { udid, id } = version;
      const part = error.part ?? key;
      const message = error.message;
      if (part.startsWith('tables/')) {
        const versions = tables.get(part)?.versions ?? [];
        if (id !== undefined) versions.push({ udid, id });
        tables.set(part, { message, versions });
        if (id !== undefined) checked.broken.push({ udid, id });
      } else if (id === undefined)
        yield { severity: 'warning', problem: 'live-record-damaged', part: key, message, versions: [] };
      else {
        checked.broken.push({ udid, id });
        yield { severity: 'error', problem: 'record-damaged', part: key, message, versions: [{ udid, id }] };
      }
    }
    await yieldToEventLoop(signal);
  }
  for (const [part, { message, versions }] of tables)
    yield { severity: versions.length > 0 ? 'error' : 'warning', problem: 'table-damaged', part, message, versions };
  yield* checkTables(site, { signal, known: new Set(tables.keys()) });
}

/** Tables that no record has led to; damage to them concerns nobody now, but a trash that is emptied or a replica may. */
async function* checkTables(
  site: Site,
  { signal, known }: AbortOptions & { known: ReadonlySet<string> },
): AsyncGenerator<VerifyFinding, void, undefined> {
  for await (const { key } of site.blobs.list('tables/', { signal })) {
    if (known.has(key)) continue;
    const name = /^tables\/([0-9a-f]{2})\/(\1[0-9a-f]{62})\.tbl$/.exec(key)?.[2];
    if (name === undefined) {
      yield stray(key);
      continue;
    }
    const bytes = await readBlob(site.blobs, key, { signal });
    if (bytes === undefined) continue;
    const message = tableProblem(bytes, { key, name });
    if (message !== undefined)
      yield { severity: 'warning', problem: 'table-damaged', part: key, message, versions: [] };
  }
}

function tableProblem(bytes: Uint8Array, { key, name }: { key: string; name: string }): string | undefined {
  try {
    decodeTable(bytes, key);
    const isNamed = Buffer.from(bytes.subarray(bytes.length - 32)).equals(hexDecode(name) ?? new Uint8Array(0));
    return isNamed ? undefined : `${key} is another table`;
  } catch (error) {
    if (isBackupKitError(error)) return error.message;
    throw error;
  }
}

/** The version of which a name is the record; `aid` for what else a device has. */
function versionOf(key: string): WholeVersion | 'aid' | undefined {
  const [, udid = '', kind, name = '', ...rest] = key.split('/');
  if (!isUdid(udid) || rest.length > 0) return undefined;
  if (name === '') {
    if (kind === 'live.ver') return { udid, id: undefined, key };
    return kind === 'device.json' || kind === 'live.json' ? 'aid' : undefined;
  }
  const id = name.slice(0, -'.ver'.length);
  if (!name.endsWith('.ver') || !isVersionId(id) || (kind !== 'versions' && kind !== 'trash')) return undefined;
  return { udid, id, key };
}
