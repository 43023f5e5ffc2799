import { describe, expect, it } from 'vitest';
import { hexDecode } from '../../../src/core/bytes.js';
import { decodeAttributedString, decodeFoundation, isKindOf } from '../../../src/datasets/shared/foundation.js';
import { parseTypeEncoding } from '../../../src/datasets/shared/type-encoding.js';
import { readTypedStream, type TypedObject } from '../../../src/datasets/shared/typedstream.js';
import { writeTypedStream } from '../../../src/testing/backup-builder/stores/typedstream-writer.js';

/** `04 0B streamtyped 81 E8 03`: version 4, little-endian, system 1000. */
const header = '040b73747265616d747970656481e803';

const bytes = (hex: string): Uint8Array => hexDecode((header + hex).replaceAll(/\s/g, '')) ?? new Uint8Array();
const values = (hex: string): unknown => readTypedStream(bytes(hex)).groups.flatMap((group) => group.values);

describe('readTypedStream', () => {
  it('reads the header of both byte orders', () => {
    expect(readTypedStream(bytes(''))).toEqual({
      streamerVersion: 4,
      systemVersion: 1000,
      littleEndian: true,
      groups: [],
    });
    const big = hexDecode('040b74797065647374726561 6d8103e8'.replaceAll(' ', '')) ?? new Uint8Array();
    expect(readTypedStream(big)).toMatchObject({ littleEndian: false, systemVersion: 1000 });
  });

  it.each([
    ['84 01 69 05', [5]],
    ['84 01 69 ff', [-1]],
    ['84 01 69 81 2c 01', [300]],
    ['84 01 69 81 00 80', [-32_768]],
    ['84 01 69 82 00 00 01 00', [65_536]],
    ['84 01 49 81 ff ff', [65_535]],
    ['84 01 51 82 ff ff ff ff', [4_294_967_295]],
    ['84 01 71 82 ff ff ff ff', [-1]],
    ['84 02 63 43 81 81', [-127, 129]],
    ['84 01 42 01', [true]],
    ['84 01 66 83 00 00 c0 3f', [1.5]],
    ['84 01 64 83 00 00 00 00 00 00 f8 3f', [1.5]],
    ['84 01 64 07', [7]],
    ['84 01 2b 03 61 62 63', [new Uint8Array([97, 98, 99])]],
    ['84 01 2b 85', [undefined]],
    ['84 01 3a 84 04 6c 6f 61 64', [{ kind: 'selector', text: 'load' }]],
    ['84 01 25 84 04 61 74 6f 6d', [{ kind: 'atom', text: 'atom' }]],
    ['84 01 40 85', [undefined]],
    ['84 01 23 85', [undefined]],
    ['84 04 5b 33 63 5d 01 02 03', [new Uint8Array([1, 2, 3])]],
    ['84 04 5b 33 69 5d 01 02 03', [[1, 2, 3]]],
    ['84 08 7b 70 6f 3d 66 66 7d 21 01 02', [{ kind: 'struct', name: 'po', fields: [1, 2] }, undefined]],
    ['84 01 69 01 92 02', [1, 2]],
  ])('reads %s', (hex, expected) => {
    expect(values(hex)).toEqual(expected);
  });

  it('keeps C strings among the objects and their text among the strings', () => {
    // '*' new C string "i"; '*' the same C string by reference; 'i' (string #1) an integer.
    expect(values('84 01 2a 84 84 01 69 92 92 93 07')).toEqual([
      { kind: 'c-string', text: 'i' },
      { kind: 'c-string', text: 'i' },
      7,
    ]);
  });

  it('numbers an object before its class and before its content, which may refer to it', () => {
    // '@' object #0 of class #1 A (root), whose content is itself.
    const [object] = values('84 01 40 84 84 84 01 41 00 85 92 92 86') as [TypedObject];
    expect(object.class).toEqual({ name: 'A', version: 0, superclass: undefined });
    expect(object.groups[0]?.values[0]).toBe(object);
  });

  it.each([
    ['that ends in the middle of a value', '84 01 69 81 01', 'FORMAT_INVALID'],
    ['that ends in the middle of an object', '84 01 40 84 84 84 01 41 00 85', 'FORMAT_INVALID'],
    ['with a reference to what was not read yet', '84 01 40 99', 'FORMAT_INVALID'],
    ['with a reference to a class in place of an object', '84 02 23 40 84 84 01 41 00 85 92', 'FORMAT_INVALID'],
    ['with a string that is longer than the data', '84 01 2b 82 ff ff ff 7f 00', 'FORMAT_INVALID'],
    ['with a reserved tag as a number', '84 01 69 88', 'FORMAT_INVALID'],
    ['with a type that archives do not hold', '84 01 5e 00', 'FORMAT_UNSUPPORTED'],
    ['with an array type without an end', '84 03 5b 33 69 00', 'FORMAT_INVALID'],
    [
      'with billions of values that take no bytes',
      '84 0c 5b 39 39 39 39 39 39 39 39 39 21 5d',
      'FORMAT_LIMIT_EXCEEDED',
    ],
  ])('refuses a stream %s', (_title, hex, code) => {
    expect(() => values(hex)).toThrow(expect.objectContaining({ code, format: 'typedstream' }));
  });

  it.each([
    ['another signature', '040b73747265616d7479706564'.replace('73', '74')],
    ['nothing', ''],
    ['a property list', '62706c6973743030'],
  ])('refuses %s', (_title, hex) => {
    expect(() => readTypedStream(hexDecode(hex) ?? new Uint8Array())).toThrow(
      expect.objectContaining({ code: 'FORMAT_INVALID' }),
    );
  });

  it('refuses a version that is not known', () => {
    const stream = bytes('');
    stream[0] = 9;
    expect(() => readTypedStream(stream)).toThrow(expect.objectContaining({ code: 'FORMAT_UNSUPPORTED' }));
  });

  it('refuses objects that are nested without an end', () => {
    const nested = `84 01 40 84 84 84 01 41 00 85 92 ${'84 93 92'.repeat(2000)}`;
    expect(() => values(nested)).toThrow(expect.objectContaining({ code: 'FORMAT_LIMIT_EXCEEDED' }));
  });

  it('refuses type encodings that are nested without an end', () => {
    expect(() => parseTypeEncoding('[1'.repeat(2000))).toThrow(
      expect.objectContaining({ code: 'FORMAT_LIMIT_EXCEEDED' }),
    );
  });
});

describe('decodeFoundation', () => {
  const roundTrip = (value: Parameters<typeof writeTypedStream>[0], littleEndian = true): unknown =>
    decodeFoundation(readTypedStream(writeTypedStream(value, { littleEndian })).groups[0]?.values[0]);

  it.each([
    ['text', 'Grüße 🌍'],
    ['a long text', 'x'.repeat(70_000)],
    ['an integer', 123_456],
    ['a negative integer', -7],
    ['a fraction', 0.125],
    ['a date', new Date('2024-02-29T12:34:56.500Z')],
    ['a URL', new URL('https://example.com/?q=1#a')],
    ['bytes', new Uint8Array([0, 255, 134, 132])],
    ['no bytes', new Uint8Array()],
    ['a list', ['a', 1, ['b', 'a']]],
    [
      'a dictionary',
      new Map<string, string | number>([
        ['a', 1],
        ['b', 'a'],
      ]),
    ],
  ] as const)('reads %s in both byte orders', (_title, value) => {
    expect(roundTrip(value)).toEqual(value);
    expect(roundTrip(value, false)).toEqual(value);
  });

  it('reads attributed strings whose runs share dictionaries', () => {
    const bold = { bold: 1, part: 0 };
    const plain = { part: 0 };
    const text = 'a bold 🌍 b';
    const runs = [
      { length: 2, attributes: plain },
      { length: 4, attributes: bold },
      { length: text.length - 6, attributes: plain },
    ];
    const stream = readTypedStream(writeTypedStream({ text, runs }));
    const decoded = decodeAttributedString(stream.groups[0]?.values[0] as TypedObject);
    expect(decoded.text).toBe(text);
    expect(
      decoded.runs.map(({ start, length, attributes }) => [start, length, Object.fromEntries(attributes)]),
    ).toEqual([
      [0, 2, plain],
      [2, 4, bold],
      [6, text.length - 6, plain],
    ]);
  });

  it.each([
    ['longer', 99],
    ['shorter', 1],
  ])('refuses runs that are %s than the text', (_title, length) => {
    const stream = readTypedStream(writeTypedStream({ text: 'abc', runs: [{ length, attributes: {} }] }));
    expect(() => decodeFoundation(stream.groups[0]?.values[0])).toThrow(
      expect.objectContaining({ code: 'FORMAT_INVALID' }),
    );
  });

  it('refuses a list that contains itself', () => {
    const stream = readTypedStream(writeTypedStream(['x']));
    const list = stream.groups[0]?.values[0] as unknown as { groups: { encoding: string; values: unknown[] }[] };
    list.groups[1] = { encoding: '@', values: [list] };
    expect(() => decodeFoundation(list as unknown as TypedObject)).toThrow(
      expect.objectContaining({ code: 'FORMAT_INVALID' }),
    );
  });

  it('keeps objects of other classes as they are', () => {
    const [object] = values('84 01 40 84 84 84 01 41 00 85 86') as [TypedObject];
    expect(decodeFoundation(object)).toBe(object);
    expect(isKindOf(object, 'A')).toBe(true);
    expect(isKindOf(object, 'NSString')).toBe(false);
  });
});
