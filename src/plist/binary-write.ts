import { cocoaSecondsFromDate } from '../core/apple-time.js';
import { ByteWriter } from '../core/byte-writer.js';
import { isBytes, latin1Decode } from '../core/bytes.js';
import { binaryKind } from './binary-reader.js';
import { normalizePlist } from './plain-input.js';
import { PlistNull, PlistReal, PlistUid, type PlistInput, type PlistValue } from './types.js';

/**
 * Writes a binary property list as Apple's writer does: objects in the order container, keys, values; equal strings,
 * numbers, dates and data once; the smallest sizes for integers, references and offsets. Keys keep their order, and
 * containers that are the same JavaScript object are written once.
 *
 * @throws TypeError for values that a property list cannot hold, and for values that contain themselves; RangeError for
 * integers beyond 16 bytes, invalid dates and UIDs, and nesting beyond `limits.nestingDepth`.
 */
export function writeBinaryPlist(value: PlistInput): Uint8Array {
  const objects = new ObjectTable();
  objects.add(normalizePlist(value));
  const refSize = sizeOf(objects.count);
  const out = new ByteWriter();
  out.latin1('bplist00');
  const offsets = objects.all.map((object) => {
    const offset = out.length;
    writeObject(out, object, refSize);
    return offset;
  });
  const tableOffset = out.length;
  const offsetSize = sizeOf(tableOffset);
  for (const offset of offsets) out.uint(offset, offsetSize);
  out.uint(0, 6);
  out.u8(offsetSize);
  out.u8(refSize);
  out.uint(objects.count, 8);
  out.uint(0, 8);
  out.uint(tableOffset, 8);
  return out.finish();
}

/** An object with its references. */
interface TableObject {
  readonly value: PlistValue;
  /** Indexes of elements, or of all keys and then all values. */
  readonly references: number[];
}

class ObjectTable {
  readonly all: TableObject[] = [];
  readonly #indexes = new Map<unknown, number>();

  get count(): number {
    return this.all.length;
  }

  /** The index of a value, which is appended, with what it holds, unless an equal one is there. */
  add(value: PlistValue): number {
    const identity = identityOf(value);
    const known = this.#indexes.get(identity);
    if (known !== undefined) return known;
    const index = this.all.length;
    this.#indexes.set(identity, index);
    const references: number[] = [];
    this.all.push({ value, references });
    if (Array.isArray(value)) {
      for (const element of value) references.push(this.add(element));
    } else if (value instanceof Map) {
      for (const key of value.keys()) references.push(this.add(key));
      for (const element of value.values()) references.push(this.add(element));
    }
    return index;
  }
}

/** What equal values have in common, and no other value: containers stand for themselves. */
function identityOf(value: PlistValue): unknown {
  if (typeof value === 'string') return `s${value}`;
  if (isBytes(value)) return `b${latin1Decode(value)}`;
  if (value instanceof PlistReal) return Object.is(value.value, -0) ? 'r-0' : `r${value.value}`;
  if (value instanceof Date) return `d${value.getTime()}`;
  if (value instanceof PlistUid) return `u${value.value}`;
  return value instanceof PlistNull ? 'n' : value;
}

function writeObject(out: ByteWriter, { value, references }: TableObject, refSize: number): void {
  if (Array.isArray(value) || value instanceof Map) {
    if (value instanceof Map) writeMarker(out, binaryKind.dict, value.size);
    else writeMarker(out, binaryKind.array, value.length);
    for (const reference of references) out.uint(reference, refSize);
  } else if (typeof value === 'string') {
    writeString(out, value);
  } else if (typeof value === 'number' || typeof value === 'bigint') {
    writeInteger(out, value);
  } else if (typeof value === 'boolean') {
    out.u8(value ? 0x09 : 0x08);
  } else if (value instanceof PlistReal) {
    out.u8((binaryKind.real << 4) | 3);
    out.f64(value.value);
  } else if (value instanceof Date) {
    out.u8((binaryKind.date << 4) | 3);
    out.f64(cocoaSecondsFromDate(value));
  } else if (value instanceof PlistUid) {
    const size = sizeOf(value.value);
    out.u8((binaryKind.uid << 4) | (size - 1));
    out.uint(value.value, size);
  } else if (isBytes(value)) {
    writeMarker(out, binaryKind.data, value.length);
    out.bytes(value);
  } else {
    out.u8(0x00);
  }
}

function writeMarker(out: ByteWriter, kind: number, count: number): void {
  if (count < 0x0f) {
    out.u8((kind << 4) | count);
    return;
  }
  out.u8((kind << 4) | 0x0f);
  writeInteger(out, count);
}

function writeString(out: ByteWriter, text: string): void {
  // oxlint-disable-next-line no-control-regex -- ASCII is what the format means, control characters included.
  if (/^[\0-\x7F]*$/.test(text)) {
    writeMarker(out, binaryKind.asciiString, text.length);
    out.latin1(text);
  } else {
    writeMarker(out, binaryKind.utf16String, text.length);
    out.utf16(text);
  }
}

/** Up to 4 bytes are unsigned; 8 and 16 are signed, so negative numbers take 8 and those from 2^63 on take 16. */
function writeInteger(out: ByteWriter, value: number | bigint): void {
  if (value >= 0 && value <= 0xffff_ffff) {
    const size = sizeOf(Number(value));
    out.u8((binaryKind.integer << 4) | Math.log2(size));
    out.uint(value, size);
  } else if (value >= -(2n ** 63n) && value < 2n ** 63n) {
    out.u8((binaryKind.integer << 4) | 3);
    out.uint(BigInt.asUintN(64, BigInt(value)), 8);
  } else {
    out.u8((binaryKind.integer << 4) | 4);
    out.uint(BigInt.asIntN(64, BigInt(value) >> 64n), 8);
    out.uint(BigInt.asUintN(64, BigInt(value)), 8);
  }
}

/** The smallest of 1, 2, 4 and 8 bytes that hold an unsigned integer. */
function sizeOf(value: number): 1 | 2 | 4 | 8 {
  if (value <= 0xff) return 1;
  if (value <= 0xffff) return 2;
  return value <= 0xffff_ffff ? 4 : 8;
}
