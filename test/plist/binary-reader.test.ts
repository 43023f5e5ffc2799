import { describe, expect, test } from 'vitest';
import { binaryKind, BinaryPlistReader, KeyTable } from '../../src/plist/binary-reader.js';
import { writeBinaryPlist } from '../../src/plist/binary-write.js';
import { PlistReal, PlistUid } from '../../src/plist/types.js';
import { rawPlist } from './support.js';

const bytes = writeBinaryPlist({
  size: 2n ** 60n,
  when: new Date('2001-01-01T00:00:01.500Z'),
  real: new PlistReal(1),
  on: true,
  path: 'Library/SMS/sms.db, a long name',
  ü: 'ü',
  data: Uint8Array.of(1, 2, 3),
  uid: new PlistUid(300),
  list: ['a', 'b'],
});
const reader = new BinaryPlistReader(bytes);
const at = (key: string): number => reader.find(reader.topObject, key) ?? -1;

describe('BinaryPlistReader', () => {
  test('reads single values by key, without the rest', () => {
    expect(reader.integer(at('size'))).toBe(2n ** 60n);
    expect(reader.dateSeconds(at('when'))).toBe(1.5);
    expect(reader.real(at('real'))).toBe(1);
    expect(reader.boolean(at('on'))).toBe(true);
    expect(reader.string(at('path'))).toBe('Library/SMS/sms.db, a long name');
    expect(reader.uid(at('uid'))).toBe(300);
    expect(reader.references(at('list'))?.map((index) => reader.string(index))).toEqual(['a', 'b']);
    expect(reader.length(at('list'))).toBe(2);
    expect(reader.length(reader.topObject)).toBe(9);
  });

  test('gives data as a view of the input', () => {
    const data = reader.data(at('data'));
    expect(data).toEqual(Uint8Array.of(1, 2, 3));
    expect(data?.buffer).toBe(bytes.buffer);
  });

  test('gives undefined for values of another kind', () => {
    const text = at('path');
    expect(reader.kindOf(text)).toBe(binaryKind.asciiString);
    for (const other of [
      reader.integer(text),
      reader.real(text),
      reader.dateSeconds(text),
      reader.boolean(text),
      reader.data(text),
      reader.uid(text),
      reader.length(text),
      reader.references(text),
      reader.find(text, 'a'),
      reader.string(at('on')),
      reader.data(at('on')),
    ])
      expect(other).toBeUndefined();
  });

  test('finds the values under many keys in one pass', () => {
    const keys = ['list', 'size', 'absent', 'data', 'path', 'ü'];
    const found = reader.findAll(reader.topObject, new KeyTable(keys));
    expect(found).toEqual(keys.map((key) => reader.find(reader.topObject, key) ?? -1));
    expect(found?.filter((index) => index < 0)).toHaveLength(2);
    expect(reader.findAll(at('list'), new KeyTable(keys))).toBeUndefined();
  });

  test('gives single elements of an array', () => {
    expect(reader.string(reader.element(at('list'), 1) ?? -1)).toBe('b');
    expect(reader.element(at('list'), 2)).toBeUndefined();
    expect(reader.element(reader.topObject, 0)).toBeUndefined();
    expect(reader.element(at('path'), 0)).toBeUndefined();
  });

  test('finds no key that is absent, only begins alike, or is not ASCII', () => {
    for (const key of ['sizes', 'siz', 'sizf', 'ü', '']) expect(reader.find(reader.topObject, key)).toBeUndefined();
  });

  test('finds the last of equal keys, as parseBinaryPlist does', () => {
    const twice = new BinaryPlistReader(
      rawPlist([
        [0xd2, 1, 1, 2, 3],
        [0x51, 0x61],
        [0x10, 1],
        [0x10, 2],
      ]),
    );
    expect(twice.integer(twice.find(0, 'a') ?? -1)).toBe(2);
  });

  test.each([-1, 1.5, Number.NaN, 1000])('rejects the index %d', (index) => {
    expect(() => reader.kindOf(index)).toThrow(expect.objectContaining({ code: 'FORMAT_INVALID' }));
  });

  test('names the offset of what is wrong', () => {
    const damaged = new BinaryPlistReader(
      rawPlist([
        [0xa1, 1],
        [0x13, 0],
      ]),
    );
    expect(() => damaged.integer(1)).toThrow(expect.objectContaining({ code: 'FORMAT_INVALID', offset: 10 }));
  });
});
