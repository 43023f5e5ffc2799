import fc from 'fast-check';
import { plistNull, PlistReal, PlistUid, type PlistValue } from '../../src/plist/types.js';

/** Bytes of an ASCII text. */
export function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

/** An unsigned big-endian integer of `size` bytes. */
export function bigEndian(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** (size - 1 - i)) % 256);
}

/** What a hand-made binary property list may say differently from a sound one. */
export interface RawPlistOptions {
  top?: number;
  count?: number;
  refSize?: number;
  offsetSize?: number;
  /** Offsets of the objects; by default they follow one another. */
  offsets?: number[];
}

/** A binary property list of these objects, each given byte by byte, with a sound header, offset table and trailer. */
export function rawPlist(objects: readonly number[][], options: RawPlistOptions = {}): Uint8Array {
  const bytes = ascii('bplist00');
  const offsets = objects.map((object) => {
    const offset = bytes.length;
    for (const byte of object) bytes.push(byte);
    return offset;
  });
  const { top = 0, refSize = 1, offsetSize = 4 } = options;
  const table = options.offsets ?? offsets;
  const tableOffset = bytes.length;
  for (const offset of table) bytes.push(...bigEndian(offset, offsetSize));
  bytes.push(0, 0, 0, 0, 0, 0, offsetSize, refSize);
  bytes.push(...bigEndian(options.count ?? table.length, 8), ...bigEndian(top, 8), ...bigEndian(tableOffset, 8));
  return Uint8Array.from(bytes);
}

/** An XML property list with this inside. */
export function xml(inside: string): Uint8Array {
  return new TextEncoder().encode(`<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0">${inside}</plist>`);
}

const instant = (unit: number): fc.Arbitrary<Date> =>
  fc.integer({ min: -70_000_000_000_000 / unit, max: 250_000_000_000_000 / unit }).map((n) => new Date(n * unit));

const integer = fc.oneof(
  fc.integer({ min: -300, max: 70_000 }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }).map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n)),
  fc.constantFrom(2n ** 63n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 63n) - 1n, 2n ** 64n - 1n, 2n ** 53n),
);

const scalars = (text: fc.Arbitrary<string>, date: fc.Arbitrary<Date>): fc.Arbitrary<PlistValue> =>
  fc.oneof(
    fc.boolean(),
    integer,
    fc.double().map((value) => new PlistReal(value)),
    text,
    date,
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.from(bytes)),
    fc.maxSafeInteger().map((value) => new PlistUid(Math.abs(value))),
  );

function trees(leaf: fc.Arbitrary<PlistValue>, key: fc.Arbitrary<string>): fc.Arbitrary<PlistValue> {
  return fc.letrec<{ tree: PlistValue }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(tie('tree'), { maxLength: 20 }),
      fc
        .array(fc.tuple(key, tie('tree')), { maxLength: 20 })
        .map((entries) => new Map(entries))
        .filter((dict) => dict.size !== 1 || !dict.has('CF$UID')),
    ),
  })).tree;
}

/** Text with every code unit, also unpaired surrogates and control characters. */
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.array(fc.nat(0xffff), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
);

/** Text that UTF-8 can hold, with what is special in XML and to the writer. */
const wellFormedText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('&', '<', ']]>', '\r\n', '\u0001', '\u{E000}', '0', '12', ' ', '\uFEFF'), { maxLength: 6 })
    .map((parts) => parts.join('')),
  fc.constantFrom('__proto__', 'constructor', 'CF$UID', '\u{E000}0', '007', ''),
);

/** Any value that a binary property list holds. */
export const binaryValues = trees(fc.oneof(scalars(anyText, instant(1)), fc.constant(plistNull)), anyText);

/** Any value that an XML property list holds. */
export const xmlValues = trees(scalars(wellFormedText, instant(1000)), wellFormedText);

/** Changes of a few bytes, cuts and repetitions: how files are damaged, or attacked. */
export function mutations(inputs: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edit = fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0x00, 0x0f, 0x7f, 0x80, 0xff)));
  return fc
    .tuple(
      fc.constantFrom(...inputs),
      fc.array(edit, { minLength: 1, maxLength: 8 }),
      fc.option(fc.nat()),
      fc.option(fc.nat()),
    )
    .map(([input, edits, cut, repeat]) => {
      const bytes = Uint8Array.from(input);
      for (const [at, value] of edits) bytes[at % bytes.length] = value;
      const kept = cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
      if (repeat === null || kept.length === 0) return kept;
      const from = repeat % kept.length;
      return Uint8Array.from([...kept.subarray(0, from), ...kept.subarray(from / 2), ...kept.subarray(from)]);
    });
}
