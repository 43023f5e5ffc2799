import { utf8Decode, utf8Encode } from '../core/bytes.js';
import type { SqliteValue } from '../sqlite/driver.js';
import { readArchivedRecord, type FileRecord } from './file-record.js';
import { storedId, type ManifestRow, type StoredId } from './manifest.js';

/** Gives the archive in a `file` column; `undefined` where there is none. @throws {@link FormatError} where it is damaged */
export type DecodeRecord = (value: SqliteValue) => Uint8Array | undefined;

/** The archive where nothing is obfuscated. Placeholder rows have none, or an empty one. */
export const plainRecord: DecodeRecord = (value) => {
  const bytes = typeof value === 'string' ? utf8Encode(value) : value;
  return bytes instanceof Uint8Array && bytes.length > 0 ? bytes : undefined;
};

/** One row of Manifest.db. */
export class DatabaseRow implements ManifestRow {
  readonly domain: string;
  readonly relativePath: string;
  readonly flags: number;
  readonly #id: SqliteValue | undefined;
  readonly #file: SqliteValue;
  readonly #decode: DecodeRecord;
  #record: FileRecord | undefined;

  /** `values` are fileID, domain, relativePath, flags and file. */
  constructor(values: readonly SqliteValue[], decode: DecodeRecord) {
    const [id, domain, relativePath, flags, file] = values;
    this.#id = id;
    this.domain = asText(domain);
    this.relativePath = asText(relativePath);
    this.flags = asFlags(flags);
    this.#file = file ?? null;
    this.#decode = decode;
  }

  get id(): StoredId {
    return storedId(this.#id);
  }

  record(): FileRecord | undefined {
    if (this.#record === undefined) {
      const archive = this.#decode(this.#file);
      this.#record = archive && readArchivedRecord(archive);
    }
    return this.#record;
  }
}

/** Text of a column that should hold text; other tools declare other types. */
export function asText(value: SqliteValue | undefined): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return utf8Decode(value);
  return value === null || value === undefined ? '' : `${value}`;
}

/** Flags as a number of 32 bits, also where they are stored as text. */
function asFlags(value: SqliteValue | undefined): number {
  const number = typeof value === 'number' ? value : Number(typeof value === 'object' ? NaN : value);
  return Number.isSafeInteger(number) ? number >>> 0 : 0;
}
