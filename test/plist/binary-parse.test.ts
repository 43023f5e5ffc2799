import { describe, expect, test } from 'vitest';
import { limits } from '../../src/core/limits.js';
import { parseBinaryPlist } from '../../src/plist/binary-parse.js';
import { writeBinaryPlist } from '../../src/plist/binary-write.js';
import { plistNull, PlistReal, PlistUid, type PlistValue } from '../../src/plist/types.js';
import { ascii, bigEndian, rawPlist } from './support.js';

const invalid = expect.objectContaining({ name: 'FormatError', code: 'FORMAT_INVALID', format: 'plist' });
const beyondLimit = expect.objectContaining({ code: 'FORMAT_LIMIT_EXCEEDED' });
const read = (...objects: number[][]): PlistValue => parseBinaryPlist(rawPlist(objects));

describe('scalars', () => {
  test.each<[string, number[], PlistValue]>([
    ['null', [0x00], plistNull],
    ['a fill byte is null', [0x0f], plistNull],
    ['false', [0x08], false],
    ['true', [0x09], true],
    ['1 byte is unsigned', [0x10, 0xff], 255],
    ['2 bytes are unsigned', [0x11, 0xff, 0xfe], 0xfffe],
    ['4 bytes are unsigned', [0x12, 0xff, 0xff, 0xff, 0xfe], 0xffff_fffe],
    ['8 bytes are signed', [0x13, ...Array<number>(7).fill(0xff), 0xfe], -2],
    ['8 bytes beyond 2^53 are exact', [0x13, 0x0a, 0xf6, 0x9f, 0xd7, 0x5f, 0x3c, 0x5d, 0xa1], 0x0af6_9fd7_5f3c_5da1n],
    ['16 bytes are signed', [0x14, ...Array<number>(15).fill(0xff), 0xfd], -3],
    [
      '16 bytes hold unsigned 64-bit integers',
      [0x14, ...Array<number>(8).fill(0), ...Array<number>(8).fill(0xff)],
      2n ** 64n - 1n,
    ],
    ['16 bytes beyond 64 bits are exact', [0x14, 0x80, ...Array<number>(15).fill(0)], -(2n ** 127n)],
    ['a 4-byte real', [0x22, 0x40, 0x20, 0, 0], new PlistReal(2.5)],
    ['a real without a fraction stays a real', [0x23, 0x40, 0, 0, 0, 0, 0, 0, 0], new PlistReal(2)],
    ['a date before 1970', [0x33, 0xc1, 0xcd, 0x27, 0xe4, 0x40, 0, 0, 0], new Date('1970-01-01T00:00:00Z')],
    ['a UID is unsigned', [0x80, 0xff], new PlistUid(255)],
    ['a UID of 8 bytes', [0x87, 0, 0, 0, 1, 0, 0, 0, 0], new PlistUid(2 ** 32)],
    ['an empty string', [0x50], ''],
    ['UTF-16 with an unpaired surrogate', [0x62, 0xd8, 0x3d, 0, 0x41], '\ud83dA'],
    ['UTF-8 in an ASCII string', [0x52, 0xc3, 0xa4], 'ä'],
    ['other bytes in an ASCII string', [0x52, 0xe4, 0x41], 'äA'],
  ])('%s', (_title, object, expected) => {
    expect(read(object)).toStrictEqual(expected);
  });

  test.each<[string, number[]]>([
    ['an integer of 32 bytes', [0x15, ...Array<number>(32).fill(0)]],
    ['a real of 2 bytes', [0x21, 0, 0]],
    ['a date of 2 bytes', [0x31, 0, 0]],
    ['a date that is no number', [0x33, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ['a UID of 16 bytes', [0x8f, ...Array<number>(16).fill(0)]],
    ['an unknown simple value', [0x0c]],
    ['an unknown kind', [0x70]],
    ['an object cut short', [0x13, 0]],
    ['data that states more bytes than there are', [0x4f, 0x12, 0x7f, 0xff, 0xff, 0xff]],
    ['a string that states 2^63 characters', [0x5f, 0x13, 0x7f, ...Array<number>(7).fill(0xff)]],
    ['a negative length', [0x4f, 0x13, ...Array<number>(8).fill(0xff)]],
    ['a length that is no integer', [0x4f, 0x50]],
  ])('%s is rejected', (_title, object) => {
    expect(() => read(object)).toThrow(invalid);
  });

  test('a UID beyond 2^53 is rejected', () => {
    expect(() => read([0x87, ...Array<number>(8).fill(0xff)])).toThrow(beyondLimit);
  });

  test('data is the own copy of the caller', () => {
    const file = rawPlist([[0x42, 1, 2]]);
    const data = parseBinaryPlist(file);
    file.fill(9);
    expect(data).toEqual(Uint8Array.of(1, 2));
  });
});

describe('containers', () => {
  test.each([0xa2, 0xb2, 0xc2])('an array or set (marker %i) is an array', (marker) => {
    expect(read([marker, 1, 2], [0x10, 1], [0x10, 2])).toEqual([1, 2]);
  });

  test('a dictionary keeps its order, and of equal keys the last value counts', () => {
    const value = read([0xd3, 1, 2, 1, 3, 4, 5], [0x51, 0x62], [0x51, 0x61], [0x10, 1], [0x10, 2], [0x10, 3]);
    expect(value).toEqual(
      new Map([
        ['b', 3],
        ['a', 2],
      ]),
    );
    expect([...(value as Map<string, number>).keys()]).toEqual(['b', 'a']);
  });

  test('a key such as __proto__ is a key like others', () => {
    expect(read([0xd1, 1, 2], [0x59, ...ascii('__proto__')], [0x09])).toEqual(new Map([['__proto__', true]]));
  });

  test('an object that is referred to twice is one value', () => {
    const [first, second] = read([0xa2, 1, 1], [0xa1, 2], [0x08]) as PlistValue[];
    expect(first).toBe(second);
  });

  test('keys that are not strings are rejected', () => {
    expect(() => read([0xd1, 1, 1], [0x10, 1])).toThrow(invalid);
  });

  test.each<[string, number[][]]>([
    ['an array in itself', [[0xa1, 0]]],
    [
      'a dictionary in its own array',
      [
        [0xd1, 1, 2],
        [0x51, 0x61],
        [0xa1, 0],
      ],
    ],
    ['a dictionary as its own key', [[0xd1, 0, 1], [0x08]]],
  ])('%s is rejected', (_title, objects) => {
    expect(() => read(...objects)).toThrow(invalid);
  });
});

describe('structure', () => {
  const sound = [[0xa1, 1], [0x09]];

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('offsets of %i bytes are read', (offsetSize) => {
    expect(parseBinaryPlist(rawPlist(sound, { offsetSize }))).toEqual([true]);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('references of %i bytes are read', (refSize) => {
    const objects = [[0xa1, ...bigEndian(1, refSize)], [0x09]];
    expect(parseBinaryPlist(rawPlist(objects, { refSize }))).toEqual([true]);
  });

  test('the top object may be any', () => {
    expect(parseBinaryPlist(rawPlist(sound, { top: 1 }))).toBe(true);
  });

  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['only the mark', Uint8Array.from(ascii('bplist'))],
    ['only a header', Uint8Array.from(ascii('bplist00'))],
    ['another format', Uint8Array.from(ascii('SQLite format 3\0'.repeat(4)))],
    ['an offset size of 0', rawPlist(sound, { offsetSize: 0 })],
    ['a reference size of 9', rawPlist(sound, { refSize: 9 })],
    ['no objects', rawPlist([], {})],
    ['more objects than offsets', rawPlist(sound, { count: 3 })],
    ['a top object that is not there', rawPlist(sound, { top: 2 })],
    ['a reference that leads nowhere', rawPlist([[0xa1, 2], [0x09]])],
    ['an offset in the header', rawPlist(sound, { offsets: [4, 10] })],
    ['an offset in the offset table', rawPlist(sound, { offsets: [8, 11] })],
    ['an offset beyond the data', rawPlist(sound, { offsets: [8, 100_000] })],
  ])('%s is rejected', (_title, bytes) => {
    expect(() => parseBinaryPlist(bytes)).toThrow(invalid);
  });

  test('another version of the format is unsupported', () => {
    const bytes = rawPlist(sound);
    bytes.set(ascii('bplist15'));
    expect(() => parseBinaryPlist(bytes)).toThrow(expect.objectContaining({ code: 'FORMAT_UNSUPPORTED' }));
  });

  test('every cut of a sound file is rejected', () => {
    const bytes = writeBinaryPlist({ a: [1, 'text', new Date(0)], b: { c: new Uint8Array(20) } });
    for (let length = 0; length < bytes.length; length += 1)
      expect(() => parseBinaryPlist(bytes.subarray(0, length))).toThrow(invalid);
  });
});

describe('bombs', () => {
  test('nesting up to the limit is read, one level more is not', () => {
    const chain = (levels: number): number[][] => [
      ...Array.from({ length: levels }, (_, i) => [0xa1, ...bigEndian(i + 1, 4)]),
      [0x09],
    ];
    expect(() => parseBinaryPlist(rawPlist(chain(limits.nestingDepth), { refSize: 4 }))).not.toThrow();
    expect(() => parseBinaryPlist(rawPlist(chain(limits.nestingDepth + 1), { refSize: 4 }))).toThrow(beyondLimit);
    expect(() => parseBinaryPlist(rawPlist(chain(200_000), { refSize: 4 }))).toThrow(beyondLimit);
  });

  test('sharing does not nest deeper than the limit', () => {
    // The top array reads the lower half of the chain first, so that the upper half meets it already read.
    const levels = limits.nestingDepth;
    const objects = [
      [0xa2, ...bigEndian(2 + levels / 2, 4), ...bigEndian(1, 4)],
      ...Array.from({ length: levels }, (_, i) => [0xa1, ...bigEndian(i + 2, 4)]),
      [0x09],
    ];
    expect(() => parseBinaryPlist(rawPlist(objects, { refSize: 4 }))).toThrow(beyondLimit);
  });

  test('references shared on every level cost nothing', () => {
    const objects = Array.from({ length: 200 }, (_, i) => [0xaa, ...Array<number>(10).fill(i + 1)]);
    let value: PlistValue | undefined = parseBinaryPlist(rawPlist([...objects, [0x09]]));
    for (let i = 0; i < 200; i += 1) value = Array.isArray(value) ? value[9] : undefined;
    expect(value).toBe(true);
  });

  test.each<[string, number, number]>([
    ['data', 0x4f, 1],
    ['strings', 0x5f, 1],
    ['UTF-16 strings', 0x6f, 2],
  ])('%s that overlap one another do not grow the file', (_title, marker, unit) => {
    const content = Array<number>(100_000 * unit).fill(0x20);
    const one = [marker, 0x12, ...bigEndian(100_000, 4), ...content];
    const elements = Array.from({ length: 5000 }, (_, i) => bigEndian(i + 1, 2)).flat();
    const array = [0xaf, 0x11, ...bigEndian(5000, 2), ...elements];
    const offsets = [8, ...Array<number>(5000).fill(8 + array.length)];
    expect(() => parseBinaryPlist(rawPlist([array, one], { refSize: 2, offsets }))).toThrow(invalid);
  });

  test('a stated count of objects is not believed', () => {
    expect(() => parseBinaryPlist(rawPlist([[0x09]], { count: 2 ** 50 }))).toThrow(invalid);
  });
});
