import { concatBytes, utf8Encode } from '../../core/bytes.js';
import type { EntryRecord } from './entry-record.js';

const mbdbHeader = Uint8Array.of(0x6d, 0x62, 0x64, 0x62, 5, 0);
const mbdxHeader = Uint8Array.of(0x6d, 0x62, 0x64, 0x78, 2, 0);
const absent = Uint8Array.of(0xff, 0xff);
/** Longest string or data of a record in bytes; 0xFFFF stands for absent. */
const longestField = 0xfffe;

function field(value: Uint8Array | string | undefined, what: string): Uint8Array[] {
  if (value === undefined) return [absent];
  const bytes = typeof value === 'string' ? utf8Encode(value) : value;
  if (bytes.length > longestField) throw new RangeError(`${what} has ${bytes.length} bytes; Manifest.mbdb holds 65534`);
  return [Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes];
}

function checkTime(seconds: number): number {
  if (seconds >= 0 && seconds < 2 ** 32) return seconds;
  throw new RangeError('Manifest.mbdb holds times from 1970 to 2106 only');
}

/**
 * One record of Manifest.mbdb. FORMAT facts: docs/format/manifest-mbdb.md.
 *
 * @throws RangeError for a string or value of more than 65,534 bytes, more than 255 extended attributes, and times that do not fit.
 */
export function encodeMbdbRecord(record: EntryRecord): Uint8Array {
  const attributes = Object.entries(record.extendedAttributes);
  if (attributes.length > 255)
    throw new RangeError('Manifest.mbdb holds at most 255 extended attributes for one entry');
  const fixed = new Uint8Array(40);
  const view = new DataView(fixed.buffer);
  view.setUint16(0, record.mode);
  view.setBigUint64(2, BigInt.asUintN(64, BigInt(record.inode)));
  view.setUint32(10, record.userId >>> 0);
  view.setUint32(14, record.groupId >>> 0);
  view.setUint32(18, checkTime(record.modified));
  view.setUint32(22, checkTime(record.statusChanged));
  view.setUint32(26, checkTime(record.created));
  view.setBigUint64(30, BigInt.asUintN(64, BigInt(record.size ?? 0)));
  view.setUint8(38, record.protectionClass);
  view.setUint8(39, attributes.length);
  return concatBytes([
    ...field(record.domain, 'A domain'),
    ...field(record.relativePath, 'A path'),
    ...field(record.linkTarget, 'A link target'),
    ...field(record.digest, 'A digest'),
    ...field(record.key, 'A key'),
    fixed,
    ...attributes.flatMap(([name, value]) => [...field(name, 'A name'), ...field(value, 'An attribute')]),
  ]);
}

/** Collects the records of a backup before iOS 10. */
export class MbdbWriter {
  readonly #records: Uint8Array[] = [];
  readonly #index: Uint8Array[] = [];
  #offset = 0;

  /** Appends an entry. `fileId` is its 20-byte name. */
  add(record: EntryRecord, fileId: Uint8Array): void {
    const bytes = encodeMbdbRecord(record);
    const entry = new Uint8Array(26);
    entry.set(fileId);
    const view = new DataView(entry.buffer);
    view.setUint32(20, this.#offset);
    view.setUint16(24, record.mode);
    this.#index.push(entry);
    this.#records.push(bytes);
    this.#offset += bytes.length;
  }

  /** Manifest.mbdb. */
  manifest(): Uint8Array {
    return concatBytes([mbdbHeader, ...this.#records]);
  }

  /** Manifest.mbdx, the index of iOS 4: file id, offset behind the header, mode. */
  index(): Uint8Array {
    const count = new Uint8Array(4);
    new DataView(count.buffer).setUint32(0, this.#index.length);
    return concatBytes([mbdxHeader, count, ...this.#index]);
  }
}
