import { yieldToEventLoop, type AbortOptions } from '../core/abort.js';
import { ByteReader, utf8Decode } from '../core/bytes.js';
import { FormatError, ManifestError } from '../core/errors.js';
import type { FileRecord, RecordNumber } from './file-record.js';
import { flagsOfKind, kindOfMode } from './manifest.js';

/** `mbdb`, version 5.0. */
const magic = [0x6d, 0x62, 0x64, 0x62, 0x05, 0x00];
/** Length of an absent string. */
const absent = 0xffff;
/** Length in bytes of what stands between the strings and the extended attributes: mode to number of attributes. */
const fixedBytes = 40;

/** A string or data of a record: where it lies; `undefined` where it is absent. */
type Span = readonly [start: number, end: number] | undefined;

/** Where the parts of one record lie. */
interface RecordLayout {
  readonly domain: Span;
  readonly path: Span;
  readonly target: Span;
  readonly digest: Span;
  readonly key: Span;
  /** Offset of the mode. */
  readonly fixed: number;
  /** Offset behind the record. */
  readonly end: number;
}

/** A Manifest.mbdb in memory: its bytes, and where each record begins. */
export interface MbdbFile {
  readonly bytes: Uint8Array;
  /** Offset of each record, in the order of the file. */
  readonly offsets: Uint32Array;
  /** Why the rest was not read, where the end is damaged. */
  readonly damage: FormatError | undefined;
}

/**
 * Finds the records of a Manifest.mbdb. The format has no count and no checksum: where a record is damaged, those before it
 * are sound and nothing behind it can be found. Format facts: docs/format/manifest-mbdb.md.
 *
 * @throws {@link ManifestError} `MANIFEST_CORRUPT` where it is no such file, `MANIFEST_VERSION_UNSUPPORTED`
 */
export async function scanMbdb(bytes: Uint8Array, options: AbortOptions = {}): Promise<MbdbFile> {
  checkMagic(bytes);
  let offsets = new Uint32Array(1024);
  let count = 0;
  let damage: FormatError | undefined;
  for (let offset = magic.length; offset < bytes.length;) {
    let next: number;
    try {
      next = layoutAt(bytes, offset).end;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      damage = error;
      break;
    }
    if (count === offsets.length) {
      const larger = new Uint32Array(2 * count);
      larger.set(offsets);
      offsets = larger;
    }
    offsets[count++] = offset;
    offset = next;
    if (count % 8192 === 0) await yieldToEventLoop(options.signal);
  }
  return { bytes, offsets: offsets.slice(0, count), damage };
}

function checkMagic(bytes: Uint8Array): void {
  if (magic.every((byte, index) => bytes[index] === byte)) return;
  if (magic.slice(0, 4).every((byte, index) => bytes[index] === byte) && bytes.length >= magic.length) {
    throw new ManifestError(
      'MANIFEST_VERSION_UNSUPPORTED',
      `Manifest.mbdb has version ${bytes[4]}.${bytes[5]}; only 5.0 is known`,
    );
  }
  throw new ManifestError('MANIFEST_CORRUPT', 'Manifest.mbdb does not begin as such a file does');
}

/** @throws {@link FormatError} where the record leads over the end of the data */
function layoutAt(bytes: Uint8Array, offset: number): RecordLayout {
  const reader = new ByteReader(bytes, 'mbdb');
  reader.seek(offset);
  const span = (): Span => {
    const length = reader.u16();
    if (length === absent) return undefined;
    const start = reader.offset;
    reader.skip(length);
    return [start, start + length];
  };
  const [domain, path, target, digest, key] = [span(), span(), span(), span(), span()];
  const fixed = reader.offset;
  reader.skip(fixedBytes);
  for (let left = bytes[fixed + fixedBytes - 1] ?? 0; left > 0; left--) {
    span();
    span();
  }
  return { domain, path, target, digest, key, fixed, end: reader.offset };
}

/** Offsets of the fixed part's fields from its start. */
const fields = {
  Mode: 0,
  InodeNumber: 2,
  UserID: 10,
  GroupID: 14,
  LastModified: 18,
  LastStatusChange: 22,
  Birth: 26,
  Size: 30,
  ProtectionClass: 38,
} as const;

/** One record of a Manifest.mbdb. Fields are read when they are asked for. */
export class MbdbRecord implements FileRecord {
  readonly #bytes: Uint8Array;
  readonly #layout: RecordLayout;
  readonly #view: DataView;

  /** `offset` is one of {@link MbdbFile.offsets}. */
  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.#layout = layoutAt(bytes, offset);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset + this.#layout.fixed, fixedBytes);
  }

  /** Domain as stored; empty where it is absent. */
  get domainBytes(): Uint8Array {
    return this.#slice(this.#layout.domain) ?? new Uint8Array(0);
  }

  /** Path as stored; empty where it is absent. */
  get pathBytes(): Uint8Array {
    return this.#slice(this.#layout.path) ?? new Uint8Array(0);
  }

  /** Whether it has both domain and path. */
  get isUsable(): boolean {
    return this.#layout.domain !== undefined && this.#layout.path !== undefined;
  }

  /** Flags as the database era has them, from the mode. */
  get flags(): number {
    const kind = kindOfMode(this.#view.getUint16(fields.Mode));
    return kind === undefined ? 0 : flagsOfKind(kind);
  }

  number(field: RecordNumber): number | bigint | undefined {
    switch (field) {
      case 'Mode':
        return this.#view.getUint16(fields.Mode);
      case 'InodeNumber':
      case 'Size': {
        const value = this.#view.getBigUint64(fields[field]);
        return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
      }
      case 'UserID':
      case 'GroupID':
        // Signed, as in the database era: 0xFFFFFFFE is nobody.
        return this.#view.getInt32(fields[field]);
      case 'LastModified':
      case 'LastStatusChange':
      case 'Birth':
        return this.#view.getUint32(fields[field]);
      case 'ProtectionClass':
        return this.#view.getUint8(fields.ProtectionClass) & 0x0f;
      case 'Flags':
        return undefined;
    }
  }

  text(field: 'RelativePath' | 'Target'): string | undefined {
    const bytes = this.#slice(field === 'Target' ? this.#layout.target : this.#layout.path);
    return bytes === undefined ? undefined : utf8Decode(bytes);
  }

  data(field: 'EncryptionKey' | 'Digest'): Uint8Array | undefined {
    return this.#slice(field === 'Digest' ? this.#layout.digest : this.#layout.key);
  }

  extendedAttributes(): ReadonlyMap<string, Uint8Array> {
    const reader = new ByteReader(this.#bytes, 'mbdb');
    reader.seek(this.#layout.fixed + fixedBytes);
    const next = (): Uint8Array => {
      const length = reader.u16();
      return reader.bytes(length === absent ? 0 : length);
    };
    const attributes = new Map<string, Uint8Array>();
    while (reader.offset < this.#layout.end) attributes.set(utf8Decode(next()), next().slice());
    return attributes;
  }

  #slice(span: Span): Uint8Array | undefined {
    return span === undefined ? undefined : this.#bytes.subarray(...span);
  }
}
