import type { AbortOptions } from '../../core/abort.js';
import { concatBytes, utf8DecodeStrict } from '../../core/bytes.js';
import { SnapshotError } from '../../core/errors.js';
import type { BlobStore } from '../blobs/blob-store.js';
import { isVersionId } from '../format/version-id.js';
import { keys } from './keys.js';
import { encodeSummed, isIntact } from './summed-json.js';

/** What people have set for the versions of a device. @see docs/format/snapshot-store.md#devicejson */
export interface DeviceSettings {
  /** Versions that stay. */
  readonly pins: ReadonlySet<string>;
  /** What somebody has written about versions. */
  readonly notes: ReadonlyMap<string, string>;
  /** When versions were put into the trash, ISO 8601; 1970 for those that the next purge takes. */
  readonly trashed: ReadonlyMap<string, string>;
  /** The policy as JSON; `undefined` for the default. */
  readonly retention: unknown;
}

/** Bytes of the settings of a device that are believed. */
const settingsLimit = 16 * 1024 * 1024;

/** @throws SnapshotError `SNAPSHOT_CORRUPT` where settings may say something else than what was set, e.g. miss a pin. */
export async function requireIntactSettings(blobs: BlobStore, udid: string, options?: AbortOptions): Promise<void> {
  const key = keys.settings(udid);
  const content = await blobs.get(key, { length: settingsLimit }, options);
  if (content === undefined) return;
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  if (isIntact(concatBytes(parts)) !== false) return;
  throw new SnapshotError('SNAPSHOT_CORRUPT', `${key} is damaged, so that pins may be missing`, { part: key });
}

/** Reads the settings of a device; what is missing is empty. @throws SnapshotError `SNAPSHOT_CORRUPT` */
export async function readSettings(blobs: BlobStore, udid: string, options?: AbortOptions): Promise<DeviceSettings> {
  const key = keys.settings(udid);
  const content = await blobs.get(key, { length: settingsLimit }, options);
  if (content === undefined) return { pins: new Set(), notes: new Map(), trashed: new Map(), retention: undefined };
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  try {
    const value: unknown = JSON.parse(utf8DecodeStrict(concatBytes(parts)) ?? '');
    const { pins, notes, trashed, retention } = value as Partial<Record<keyof DeviceSettings, unknown>>;
    return {
      pins: new Set(Array.isArray(pins) ? pins.filter((id) => typeof id === 'string' && isVersionId(id)) : []),
      notes: textsOf(notes),
      trashed: textsOf(trashed),
      retention,
    };
  } catch (cause) {
    throw new SnapshotError('SNAPSHOT_CORRUPT', `${key} is damaged: it is no JSON`, { cause, part: key });
  }
}

/** Writes the settings of a device. */
export async function writeSettings(blobs: BlobStore, udid: string, settings: DeviceSettings): Promise<void> {
  const { pins, notes, trashed, retention } = settings;
  const value = {
    pins: [...pins].sort(),
    notes: Object.fromEntries(notes),
    trashed: Object.fromEntries(trashed),
    retention,
  };
  const bytes = encodeSummed(value);
  await blobs.put(keys.settings(udid), bytes, { size: bytes.length });
}

function textsOf(value: unknown): Map<string, string> {
  if (typeof value !== 'object' || value === null) return new Map();
  return new Map(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
