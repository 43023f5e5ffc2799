import { describe, expect, test } from 'vitest';
import { limits } from '../../src/core/limits.js';
import { parseBinaryPlist } from '../../src/plist/binary-parse.js';
import { BinaryPlistReader } from '../../src/plist/binary-reader.js';
import { writeBinaryPlist } from '../../src/plist/binary-write.js';
import { plistNull, PlistReal, PlistUid, type PlistInput } from '../../src/plist/types.js';
import { rawPlist } from './support.js';

describe('writeBinaryPlist', () => {
  test('lays objects out as container, keys, values', () => {
    const expected = rawPlist(
      [
        [0xd2, 1, 2, 3, 4],
        [0x51, 0x62],
        [0x51, 0x61],
        [0xa1, 1],
        [0x10, 7],
      ],
      { offsetSize: 1 },
    );
    expect(writeBinaryPlist({ b: ['b'], a: 7 })).toEqual(expected);
  });

  test('writes equal strings, numbers, dates, data and UIDs once', () => {
    const twins = (): PlistInput[] => [
      'x',
      5,
      5n,
      0.5,
      new Date(5),
      Uint8Array.of(5),
      new PlistUid(5),
      true,
      plistNull,
    ];
    const reader = new BinaryPlistReader(writeBinaryPlist([...twins(), ...twins()]));
    expect(reader.objectCount).toBe(9);
  });

  test('keeps values apart that only look equal', () => {
    const values = [
      0,
      false,
      new PlistReal(0),
      new PlistReal(-0),
      '0',
      new PlistUid(0),
      new Date(0),
      new Uint8Array(1),
    ];
    expect(parseBinaryPlist(writeBinaryPlist(values))).toStrictEqual(values);
  });

  test('writes a container that is used twice once, and equal ones apart', () => {
    const shared = ['x'];
    expect(new BinaryPlistReader(writeBinaryPlist([shared, shared])).objectCount).toBe(3);
    expect(new BinaryPlistReader(writeBinaryPlist([['x'], ['x']])).objectCount).toBe(4);
  });

  test.each([
    [0, 2],
    [255, 2],
    [256, 3],
    [65_536, 5],
    [2 ** 32 - 1, 5],
    [2 ** 32, 9],
    [-1, 9],
    [2n ** 63n - 1n, 9],
    [2n ** 63n, 17],
    [-(2n ** 63n) - 1n, 17],
  ])('writes the integer %d in the smallest size that holds it', (value, size) => {
    expect(writeBinaryPlist(value).length).toBe(8 + size + 1 + 32);
    expect(parseBinaryPlist(writeBinaryPlist(value))).toBe(value);
  });

  test('grows offsets and references with the file', () => {
    const many = Array.from({ length: 70_000 }, (_, i) => i);
    const bytes = writeBinaryPlist(many);
    expect([...bytes.subarray(-26, -24)]).toEqual([4, 4]);
    expect(parseBinaryPlist(bytes)).toEqual(many);
  });

  test('takes plain objects, leaves out what is undefined, and keeps the key __proto__', () => {
    const input = JSON.parse('{"__proto__": 1}') as Record<string, PlistInput>;
    expect(parseBinaryPlist(writeBinaryPlist({ a: input, b: undefined }))).toEqual(
      new Map([['a', new Map([['__proto__', 1]])]]),
    );
  });

  test('writes fractional numbers as reals and large ones as integers', () => {
    expect(parseBinaryPlist(writeBinaryPlist([1.5, 2 ** 60]))).toEqual([new PlistReal(1.5), 2n ** 60n]);
  });

  test.each<[string, unknown, new () => Error]>([
    ['null', [null], TypeError],
    ['undefined', undefined, TypeError],
    ['a function', { a: () => 1 }, TypeError],
    ['an instance of a class', [new URL('https://example.org/')], TypeError],
    ['a Map with a number as key', new Map([[1, 2]]), TypeError],
    ['an integer beyond 16 bytes', 2n ** 127n, RangeError],
    ['an invalid date', new Date(Number.NaN), RangeError],
    ['a negative UID', new PlistUid(-1), RangeError],
  ])('refuses %s', (_title, value, error) => {
    expect(() => writeBinaryPlist(value as PlistInput)).toThrow(error);
  });

  test('refuses a value that contains itself', () => {
    const array: PlistInput[] = [];
    array.push({ array });
    expect(() => writeBinaryPlist(array)).toThrow(TypeError);
  });

  test('writes what it reads at the limit of nesting, and refuses more, also by sharing', () => {
    let value: PlistInput = [];
    for (let i = 1; i < limits.nestingDepth; i += 1) value = [value];
    expect(writeBinaryPlist(parseBinaryPlist(writeBinaryPlist(value)))).toEqual(writeBinaryPlist(value));
    expect(() => writeBinaryPlist([value])).toThrow(RangeError);
    expect(() => writeBinaryPlist([1, value])).toThrow(RangeError);
  });

  test('does not change its input', () => {
    const input = Object.freeze({ a: Object.freeze([1, Object.freeze({ b: 2 })]) });
    expect(() => writeBinaryPlist(input)).not.toThrow();
  });
});
