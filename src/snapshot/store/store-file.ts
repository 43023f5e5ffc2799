import { randomBytes } from 'node:crypto';
import { hexEncode, utf8DecodeStrict } from '../../core/bytes.js';
import { SnapshotError } from '../../core/errors.js';
import { encodeSummed } from './summed-json.js';

/** A wrapped key of sealed contents. @see docs/format/snapshot-store.md */
export interface WrappedKey {
  /** Name of the key that is wrapped, 32 hexadecimal digits. */
  readonly id: string;
  /** SHA-256 of the keybag whose secret unwraps it, hexadecimal. */
  readonly keybag: string;
  /** Salt and sealed key, hexadecimal. */
  readonly wrapped: string;
}

/** store.json. @see docs/format/snapshot-store.md#storejson */
export interface StoreFile {
  readonly format: 1;
  readonly id: string;
  readonly created: string;
  /** Features without which the store cannot be read. */
  readonly requires: readonly string[];
  /** Features that must be known to write. */
  readonly uses: readonly string[];
  readonly keys: readonly WrappedKey[];
}

/** Name within the store. */
export const storeFileKey = 'store.json';

/** Bytes of it that are believed. */
export const storeFileLimit = 16 * 1024 * 1024;

/** Features that this release knows. */
const known = new Set(['sealed-deltas']);

/** store.json of a new store. */
export function newStoreFile(): StoreFile {
  return {
    format: 1,
    id: hexEncode(randomBytes(16)),
    created: new Date().toISOString(),
    requires: [],
    uses: [],
    keys: [],
  };
}

/** The bytes of a store.json. */
export function encodeStoreFile(file: StoreFile): Uint8Array {
  return encodeSummed(file);
}

/** The bytes of a store.json with more keys and features; what this release does not know of it stays. */
export function changeStoreFile(
  bytes: Uint8Array,
  added: { readonly keys: readonly WrappedKey[]; readonly requires: readonly string[] },
): Uint8Array {
  const { keys, requires } = decodeStoreFile(bytes, { readOnly: false });
  const value = JSON.parse(utf8DecodeStrict(bytes) ?? '') as StoreFile & { keys?: unknown };
  const before = Array.isArray(value.keys) ? (value.keys as WrappedKey[]) : keys;
  return encodeStoreFile({
    ...value,
    requires: [...new Set([...requires, ...added.requires])],
    keys: [...before, ...added.keys],
  });
}

/**
 * Reads a store.json.
 *
 * @throws SnapshotError `SNAPSHOT_CORRUPT`, `SNAPSHOT_FORMAT_UNSUPPORTED`
 */
export function decodeStoreFile(bytes: Uint8Array, options: { readOnly: boolean }): StoreFile {
  let value: unknown;
  try {
    value = JSON.parse(utf8DecodeStrict(bytes) ?? '');
  } catch {
    // Told below.
  }
  const part = storeFileKey;
  const { format, id, created, requires, uses, keys } = (value ?? {}) as Partial<Record<keyof StoreFile, unknown>>;
  if (typeof format === 'number' && format > 1)
    throw new SnapshotError('SNAPSHOT_FORMAT_UNSUPPORTED', `The store has format ${format}; use a newer release`, {
      part,
    });
  if (format !== 1 || typeof id !== 'string' || typeof created !== 'string' || !isTexts(requires) || !isTexts(uses))
    throw new SnapshotError('SNAPSHOT_CORRUPT', `${part} is damaged`, { part });
  const unknown = [...requires, ...(options.readOnly ? [] : uses)].filter((feature) => !known.has(feature));
  if (unknown.length > 0)
    throw new SnapshotError(
      'SNAPSHOT_FORMAT_UNSUPPORTED',
      `The store needs ${unknown.join(', ').slice(0, 200)}; use a newer release`,
      {
        part,
      },
    );
  return { format, id, created, requires, uses, keys: Array.isArray(keys) ? keys.filter(isWrappedKey) : [] };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function isWrappedKey(value: unknown): value is WrappedKey {
  if (typeof value !== 'object' || value === null) return false;
  const { id, keybag, wrapped } = value as Partial<Record<keyof WrappedKey, unknown>>;
  return typeof id === 'string' && typeof keybag === 'string' && typeof wrapped === 'string';
}
