import { latin1Decode, utf8DecodeStrict } from '../core/bytes.js';
import { FormatError } from '../core/errors.js';
import { checkLimit, limits } from '../core/limits.js';

/** Kinds of objects of a binary property list: the high half of an object's first byte. */
export const binaryKind = {
  /** `false`, `true`, null and fill bytes. */
  simple: 0x0,
  integer: 0x1,
  real: 0x2,
  date: 0x3,
  data: 0x4,
  asciiString: 0x5,
  utf16String: 0x6,
  uid: 0x8,
  array: 0xa,
  orderedSet: 0xb,
  set: 0xc,
  dict: 0xd,
} as const;

const headerBytes = 8;
const trailerBytes = 32;

/**
 * Reads single objects of a binary property list in place, without building the rest: for the few fields of many small files.
 * {@link parseBinaryPlist} reads a whole one.
 *
 * An object is named by its index in the offset table. Every access is checked: an index, offset or length that leaves the
 * object area is a {@link FormatError} with code `FORMAT_INVALID`. Byte arrays are views of the input.
 * Following references can lead in circles: the caller bounds that.
 *
 * Format facts: docs/format/property-lists.md.
 */
export class BinaryPlistReader {
  /** Number of objects. */
  readonly objectCount: number;
  /** Index of the top object. */
  readonly topObject: number;
  readonly #bytes: Uint8Array;
  readonly #offsetSize: number;
  readonly #refSize: number;
  /** Start of the offset table, and end of the objects. */
  readonly #tableOffset: number;
  /** Content of the object that was located last: first byte and number of elements. */
  #start = 0;
  #count = 0;

  /** @throws {@link FormatError} `FORMAT_INVALID` for a damaged header or trailer, `FORMAT_UNSUPPORTED`, `FORMAT_LIMIT_EXCEEDED`. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    checkHeader(bytes);
    const trailer = bytes.length - trailerBytes;
    this.#offsetSize = bytes[trailer + 6] ?? 0;
    this.#refSize = bytes[trailer + 7] ?? 0;
    this.objectCount = this.#unsigned(trailer + 8, 8);
    this.topObject = this.#unsigned(trailer + 16, 8);
    this.#tableOffset = this.#unsigned(trailer + 24, 8);
    if (this.#offsetSize < 1 || this.#offsetSize > 8 || this.#refSize < 1 || this.#refSize > 8)
      throw this.invalid('The trailer has an offset or reference size that is not 1 to 8', trailer);
    const tableBytes = this.objectCount * this.#offsetSize;
    if (this.#tableOffset <= headerBytes || this.#tableOffset > trailer || tableBytes > trailer - this.#tableOffset)
      throw this.invalid('The offset table is outside of the data', trailer);
    checkLimit(this.objectCount, limits.plistObjects, {
      what: 'Number of objects (plistObjects)',
      format: 'plist',
      offset: trailer,
    });
    if (this.topObject >= this.objectCount) throw this.invalid('The top object is not in the offset table', trailer);
  }

  /** Offset of an object's first byte. */
  offsetOf(index: number): number {
    if (!(index >= 0 && index < this.objectCount))
      throw this.invalid(`Object ${index} is not one of the ${this.objectCount} objects`, this.#tableOffset);
    const offset = this.#unsigned(this.#tableOffset + index * this.#offsetSize, this.#offsetSize);
    if (offset < headerBytes || offset >= this.#tableOffset)
      throw this.invalid(`Object ${index} is outside of the data`, this.#tableOffset + index * this.#offsetSize);
    return offset;
  }

  /** An object's first byte: kind in the high half, size or count in the low one. */
  markerOf(index: number): number {
    return this.#bytes[this.offsetOf(index)] ?? 0;
  }

  /** An object's kind, one of {@link binaryKind} where the file is sound. */
  kindOf(index: number): number {
    return this.markerOf(index) >> 4;
  }

  /**
   * An integer: 1, 2 and 4 bytes are unsigned, 8 and 16 are signed; `bigint` where a number is not exact.
   * `undefined` for objects of other kinds.
   */
  integer(index: number): number | bigint | undefined {
    const offset = this.offsetOf(index);
    const marker = this.#bytes[offset] ?? 0;
    if (marker >> 4 !== binaryKind.integer) return undefined;
    return this.#integerAt(offset, marker);
  }

  /** The value of a floating-point object, 4 or 8 bytes. `undefined` for objects of other kinds. */
  real(index: number): number | undefined {
    return this.#float(index, binaryKind.real);
  }

  /** A date in seconds since 2001-01-01 UTC. `undefined` for objects of other kinds. */
  dateSeconds(index: number): number | undefined {
    return this.#float(index, binaryKind.date);
  }

  /** A boolean. `undefined` for objects of other kinds. */
  boolean(index: number): boolean | undefined {
    const marker = this.markerOf(index);
    return marker === 0x08 ? false : marker === 0x09 ? true : undefined;
  }

  /** The bytes of a data object, as a view of the input. `undefined` for objects of other kinds. */
  data(index: number): Uint8Array | undefined {
    if (this.kindOf(index) !== binaryKind.data) return undefined;
    this.#locate(index, 1);
    return this.#bytes.subarray(this.#start, this.#start + this.#count);
  }

  /** A string; lone surrogates are kept. `undefined` for objects of other kinds. */
  string(index: number): string | undefined {
    const kind = this.kindOf(index);
    if (kind === binaryKind.asciiString) {
      this.#locate(index, 1);
      return this.#ascii(this.#start, this.#count);
    }
    if (kind === binaryKind.utf16String) {
      this.#locate(index, 2);
      return this.#utf16(this.#start, this.#count);
    }
    return undefined;
  }

  /** A UID, 1 to 8 bytes, unsigned. `undefined` for objects of other kinds. */
  uid(index: number): number | undefined {
    const offset = this.offsetOf(index);
    const marker = this.#bytes[offset] ?? 0;
    if (marker >> 4 !== binaryKind.uid) return undefined;
    const size = (marker & 0x0f) + 1;
    if (size > 8) throw this.invalid(`A UID has ${size} bytes`, offset);
    this.#check(offset + 1, size, offset);
    const value = this.#unsigned(offset + 1, size);
    checkLimit(value, Number.MAX_SAFE_INTEGER, { what: 'A UID', format: 'plist', offset });
    return value;
  }

  /** Number of elements of an array or set, or of entries of a dictionary. `undefined` for objects of other kinds. */
  length(index: number): number | undefined {
    const kind = this.kindOf(index);
    if (kind < binaryKind.array || kind > binaryKind.dict) return undefined;
    this.#locate(index, this.#elementSize(kind));
    return this.#count;
  }

  /**
   * Indexes of what an array or set holds, or a dictionary: all keys, then all values in the same order.
   * `undefined` for objects of other kinds.
   */
  references(index: number): number[] | undefined {
    const kind = this.kindOf(index);
    if (kind < binaryKind.array || kind > binaryKind.dict) return undefined;
    const size = this.#elementSize(kind);
    this.#locate(index, size);
    const references: number[] = [];
    const end = this.#start + this.#count * size;
    for (let at = this.#start; at < end; at += this.#refSize) references.push(this.#unsigned(at, this.#refSize));
    return references;
  }

  /**
   * Index of the value under an ASCII key of a dictionary, found by comparing bytes in place; the last of equal keys.
   * `undefined` where the object is no dictionary or lacks the key.
   */
  find(dict: number, key: string): number | undefined {
    if (this.kindOf(dict) !== binaryKind.dict) return undefined;
    this.#locate(dict, 2 * this.#refSize);
    const keys = this.#start;
    const count = this.#count;
    for (let at = count - 1; at >= 0; at -= 1) {
      if (!this.#isAscii(this.#unsigned(keys + at * this.#refSize, this.#refSize), key)) continue;
      return this.#unsigned(keys + (count + at) * this.#refSize, this.#refSize);
    }
    return undefined;
  }

  /**
   * Indexes of the values under many keys of a dictionary, by their places in `keys`, found in one pass; -1 for absent ones.
   * Otherwise like {@link BinaryPlistReader.find}, but that it meets every damaged key.
   */
  findAll(dict: number, keys: KeyTable): number[] | undefined {
    if (this.kindOf(dict) !== binaryKind.dict) return undefined;
    this.#locate(dict, 2 * this.#refSize);
    const start = this.#start;
    const count = this.#count;
    const found = keys.noneFound();
    for (let at = 0; at < count; at += 1) {
      const place = this.#placeOf(this.#unsigned(start + at * this.#refSize, this.#refSize), keys);
      if (place >= 0) found[place] = this.#unsigned(start + (count + at) * this.#refSize, this.#refSize);
    }
    return found;
  }

  /** Index of the element at `position` of an array or set; `undefined` where it has no such element, and for other objects. */
  element(index: number, position: number): number | undefined {
    const kind = this.kindOf(index);
    if (kind < binaryKind.array || kind >= binaryKind.dict) return undefined;
    this.#locate(index, this.#refSize);
    return position < this.#count ? this.#unsigned(this.#start + position * this.#refSize, this.#refSize) : undefined;
  }

  /** An error about these bytes. */
  invalid(message: string, offset: number): FormatError {
    return new FormatError('FORMAT_INVALID', message, { format: 'plist', offset });
  }

  #isAscii(index: number, text: string): boolean {
    const offset = this.offsetOf(index);
    const marker = this.#bytes[offset] ?? 0;
    if (marker >> 4 !== binaryKind.asciiString) return false;
    if ((marker & 0x0f) !== 0x0f && (marker & 0x0f) !== text.length) return false;
    this.#locate(index, 1);
    return this.#count === text.length && this.#hasText(text);
  }

  /** Whether the characters of `text` begin at the object that was located last. */
  #hasText(text: string): boolean {
    for (let i = 0; i < text.length; i += 1) {
      if (this.#bytes[this.#start + i] !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  /** Which of `keys` an object is; -1 where it is none of them. */
  #placeOf(index: number, keys: KeyTable): number {
    const marker = this.markerOf(index);
    if (marker >> 4 !== binaryKind.asciiString) return -1;
    this.#locate(index, 1);
    for (const { text, place } of keys.ofLength(this.#count)) if (this.#hasText(text)) return place;
    return -1;
  }

  #elementSize(kind: number): number {
    return kind === binaryKind.dict ? 2 * this.#refSize : this.#refSize;
  }

  /** Finds the content of an object of a counted kind, whose elements have `size` bytes. */
  #locate(index: number, size: number): void {
    const offset = this.offsetOf(index);
    const marker = this.#bytes[offset] ?? 0;
    let start = offset + 1;
    let count = marker & 0x0f;
    if (count === 0x0f) {
      const intMarker = start < this.#tableOffset ? (this.#bytes[start] ?? 0) : 0;
      const stated = intMarker >> 4 === binaryKind.integer ? this.#integerAt(start, intMarker) : -1;
      if (typeof stated !== 'number' || stated < 0) throw this.invalid('An object has no valid length', offset);
      count = stated;
      start += 1 + (1 << (intMarker & 0x0f));
    }
    if (count * size > this.#tableOffset - start)
      throw this.invalid(`An object states ${count} elements, more than the data has`, offset);
    this.#start = start;
    this.#count = count;
  }

  /** The integer whose first byte, `marker`, is at `offset`. */
  #integerAt(offset: number, marker: number): number | bigint {
    const power = marker & 0x0f;
    if (power > 4) throw this.invalid(`An integer has 2^${power} bytes`, offset);
    const size = 1 << power;
    this.#check(offset + 1, size, offset);
    if (size <= 4) return this.#unsigned(offset + 1, size);
    const high = this.#int32(offset + 1);
    if (size === 8 && high >= -0x20_0000 && high < 0x20_0000) {
      const exact = high * 0x1_0000_0000 + (this.#int32(offset + 5) >>> 0);
      if (Number.isSafeInteger(exact)) return exact;
    }
    let value = BigInt(high);
    for (let at = offset + 5; at < offset + 1 + size; at += 4) value = (value << 32n) | BigInt(this.#int32(at) >>> 0);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #int32(at: number): number {
    const bytes = this.#bytes;
    return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  }

  #float(index: number, kind: number): number | undefined {
    const offset = this.offsetOf(index);
    const marker = this.#bytes[offset] ?? 0;
    if (marker >> 4 !== kind) return undefined;
    const size = 1 << (marker & 0x0f);
    if (size !== 4 && size !== 8) throw this.invalid('A floating-point value has neither 4 nor 8 bytes', offset);
    this.#check(offset + 1, size, offset);
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + offset + 1, size);
    return size === 4 ? view.getFloat32(0) : view.getFloat64(0);
  }

  #ascii(start: number, count: number): string {
    let text = '';
    // Calls into Node.js cost more than short strings do.
    const short = count <= 24;
    for (let at = start; at < start + count; at += 1) {
      const byte = this.#bytes[at] ?? 0;
      if (byte >= 0x80) return beyondAscii(this.#bytes.subarray(start, start + count));
      if (short) text += String.fromCharCode(byte);
    }
    return short ? text : latin1Decode(this.#bytes.subarray(start, start + count));
  }

  #utf16(start: number, count: number): string {
    let text = '';
    const units: number[] = [];
    for (let at = start; at < start + 2 * count; at += 2) {
      units.push(((this.#bytes[at] ?? 0) << 8) | (this.#bytes[at + 1] ?? 0));
      if (units.length === 4096) text += String.fromCharCode(...units.splice(0));
    }
    return text + String.fromCharCode(...units);
  }

  #check(start: number, length: number, offset: number): void {
    if (length > this.#tableOffset - start) throw this.invalid('An object is longer than the data', offset);
  }

  /** A big-endian unsigned integer of 1 to 8 bytes. Beyond 2^53 it is not exact, and out of every range. */
  #unsigned(at: number, size: number): number {
    let value = this.#bytes[at] ?? 0;
    if (size === 1) return value;
    if (size === 2) return value * 256 + (this.#bytes[at + 1] ?? 0);
    if (size === 8) return (this.#int32(at) >>> 0) * 0x1_0000_0000 + (this.#int32(at + 4) >>> 0);
    for (let i = at + 1; i < at + size; i += 1) value = value * 256 + (this.#bytes[i] ?? 0);
    return value;
  }
}

/** ASCII keys of a dictionary, ready for {@link BinaryPlistReader.findAll}. */
export class KeyTable {
  readonly #byLength: { readonly text: string; readonly place: number }[][] = [];
  readonly #none: number[];

  constructor(keys: readonly string[]) {
    this.#none = keys.map(() => -1);
    for (const [place, text] of keys.entries()) (this.#byLength[text.length] ??= []).push({ text, place });
  }

  /** The keys with so many characters. */
  ofLength(length: number): readonly { readonly text: string; readonly place: number }[] {
    return this.#byLength[length] ?? noKeys;
  }

  /** A new result in which nothing is found. */
  noneFound(): number[] {
    return this.#none.slice();
  }
}

const noKeys: readonly never[] = [];

function checkHeader(bytes: Uint8Array): void {
  checkLimit(bytes.length, limits.plistBytes, {
    what: 'Length of a property list (plistBytes)',
    format: 'plist',
  });
  const at = { format: 'plist', offset: 0 } as const;
  if (!isBinaryPlist(bytes)) throw new FormatError('FORMAT_INVALID', 'Data is no binary property list', at);
  if (bytes[6] !== 0x30 && bytes.length > 6)
    throw new FormatError('FORMAT_UNSUPPORTED', 'The binary property list has an unknown version', {
      ...at,
      offset: 6,
    });
  if (bytes.length < headerBytes + 1 + trailerBytes)
    throw new FormatError('FORMAT_INVALID', 'A binary property list is cut short', at);
}

const magic = [0x62, 0x70, 0x6c, 0x69, 0x73, 0x74];

/** Whether bytes begin with `bplist`, the mark of a binary property list of any version. */
export function isBinaryPlist(bytes: Uint8Array): boolean {
  for (let i = 0; i < magic.length; i += 1) {
    if (bytes[i] !== magic[i]) return false;
  }
  return true;
}

/** The format allows ASCII only; some writers put UTF-8 there. Anything else is read byte by byte, so that nothing is lost. */
function beyondAscii(bytes: Uint8Array): string {
  return utf8DecodeStrict(bytes) ?? latin1Decode(bytes);
}
