import { dateFromCocoaSeconds } from '../core/apple-time.js';
import { ownBytes } from '../core/bytes.js';
import { checkLimit, limits } from '../core/limits.js';
import { binaryKind, BinaryPlistReader } from './binary-reader.js';
import { plistNull, PlistReal, PlistUid, type PlistDict, type PlistValue } from './types.js';

/**
 * How many times its own length a file's objects may hold together. Objects of honest writers never overlap; this bounds
 * what a small file with overlapping objects can make of itself.
 */
const overlapFactor = 16;

/** Being read: a reference to it from within is a circle. */
const underWay = Symbol('under way');

/**
 * Reads a binary property list.
 *
 * An object that the file refers to several times is one JavaScript value, so that shared references cost nothing; sets
 * are arrays; of equal keys the last value counts; dates are rounded to milliseconds.
 *
 * @throws {@link FormatError} with code `FORMAT_INVALID`, also for objects that contain themselves, keys that are not
 * strings and dates that no `Date` holds; `FORMAT_LIMIT_EXCEEDED`; `FORMAT_UNSUPPORTED` for versions other than `bplist0x`.
 */
export function parseBinaryPlist(bytes: Uint8Array): PlistValue {
  const parser = new BinaryParser(bytes);
  return parser.value(parser.reader.topObject, 0);
}

class BinaryParser {
  readonly reader: BinaryPlistReader;
  readonly #values: (PlistValue | typeof underWay | undefined)[];
  /** Levels of containers within each container that was read, so that sharing cannot nest deeper than the limit. */
  readonly #heights = new Map<number, number>();
  #budget: number;

  constructor(bytes: Uint8Array) {
    this.reader = new BinaryPlistReader(bytes);
    this.#values = Array.from({ length: this.reader.objectCount });
    this.#budget = overlapFactor * bytes.length;
  }

  value(index: number, depth: number): PlistValue {
    const known = this.#values[index];
    if (known === underWay) throw this.reader.invalid(`Object ${index} contains itself`, this.reader.offsetOf(index));
    if (known !== undefined) {
      this.#checkDepth(depth + (this.#heights.get(index) ?? 0), index);
      return known;
    }
    const value = this.#read(index, depth);
    this.#values[index] = value;
    return value;
  }

  #read(index: number, depth: number): PlistValue {
    const { reader } = this;
    switch (reader.kindOf(index)) {
      case binaryKind.simple:
        return this.#simple(index);
      case binaryKind.integer:
        return reader.integer(index) ?? 0;
      case binaryKind.real:
        return new PlistReal(reader.real(index) ?? 0);
      case binaryKind.date:
        return this.#date(index);
      case binaryKind.data: {
        const data = reader.data(index) ?? new Uint8Array();
        this.#spend(data.length, index);
        return ownBytes(data);
      }
      case binaryKind.asciiString:
      case binaryKind.utf16String: {
        const text = reader.string(index) ?? '';
        this.#spend(text.length, index);
        return text;
      }
      case binaryKind.uid:
        return new PlistUid(reader.uid(index) ?? 0);
      case binaryKind.array:
      case binaryKind.orderedSet:
      case binaryKind.set:
      case binaryKind.dict:
        return this.#container(index, depth + 1);
      default:
        throw reader.invalid(`Object ${index} has an unknown kind`, reader.offsetOf(index));
    }
  }

  #simple(index: number): PlistValue {
    const marker = this.reader.markerOf(index);
    // 0x0F is a fill byte: no writer refers to one, and it means nothing.
    if (marker === 0x00 || marker === 0x0f) return plistNull;
    const boolean = this.reader.boolean(index);
    if (boolean === undefined)
      throw this.reader.invalid(`Object ${index} has an unknown kind`, this.reader.offsetOf(index));
    return boolean;
  }

  #date(index: number): Date {
    const date = dateFromCocoaSeconds(this.reader.dateSeconds(index) ?? Number.NaN);
    if (date === undefined)
      throw this.reader.invalid('A date is beyond what can be represented', this.reader.offsetOf(index));
    return date;
  }

  #container(index: number, depth: number): PlistValue {
    this.#checkDepth(depth, index);
    this.#values[index] = underWay;
    const references = this.reader.references(index) ?? [];
    this.#spend(references.length, index);
    let height = 0;
    const read = (reference: number): PlistValue => {
      const value = this.value(reference, depth);
      height = Math.max(height, this.#heights.get(reference) ?? 0);
      return value;
    };
    const value =
      this.reader.kindOf(index) === binaryKind.dict ? this.#dict(index, references, read) : references.map(read);
    this.#heights.set(index, height + 1);
    return value;
  }

  #dict(index: number, references: readonly number[], read: (reference: number) => PlistValue): PlistDict {
    const dict: PlistDict = new Map();
    const count = references.length / 2;
    for (let i = 0; i < count; i += 1) {
      const key = read(references[i] ?? 0);
      if (typeof key !== 'string')
        throw this.reader.invalid('A dictionary has a key that is not a string', this.reader.offsetOf(index));
      dict.set(key, read(references[count + i] ?? 0));
    }
    return dict;
  }

  #checkDepth(depth: number, index: number): void {
    if (depth > limits.nestingDepth)
      checkLimit(depth, limits.nestingDepth, {
        what: 'Nesting of a property list (nestingDepth)',
        format: 'plist',
        offset: this.reader.offsetOf(index),
      });
  }

  #spend(amount: number, index: number): void {
    this.#budget -= amount;
    if (this.#budget < 0) throw this.reader.invalid('Objects overlap one another', this.reader.offsetOf(index));
  }
}
