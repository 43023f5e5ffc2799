import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hexEncode } from '../../src/core/bytes.js';
import { parsePlist } from '../../src/plist/parse.js';
import { writeBinaryPlist } from '../../src/plist/binary-write.js';
import { PlistUid, type PlistValue } from '../../src/plist/types.js';
import { writeXmlPlist } from '../../src/plist/xml-write.js';
import { describeWithFixtures } from '../support/shared-fixtures.js';

type Expectation =
  /** Reads, and survives being written as XML and as binary. */
  'reads' | { equals: PlistValue } | { sameAs: string } | { code: 'FORMAT_INVALID' | 'FORMAT_UNSUPPORTED' };

const small: Expectation = { sameAs: 'offxml.plist' };
const rejected: Expectation = { code: 'FORMAT_INVALID' };
const otherForm: Expectation = { code: 'FORMAT_UNSUPPORTED' };
const sizes = (prefix: string): Record<string, Expectation> =>
  Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`${prefix}${i + 1}byte${i === 0 ? '' : 's'}.bplist`, small]));

const expectations: Record<string, Expectation> = {
  ...sizes('dictref'),
  ...sizes('off'),
  'offxml.plist': { equals: new Map([['A', 'B']]) },
  '1.plist': 'reads',
  '2.plist': 'reads',
  '3.plist': 'reads',
  '4.plist': 'reads',
  '6.plist': 'reads',
  'data.bplist': 'reads',
  'entities.plist': 'reads',
  '7.plist': {
    equals: new Map([
      ['Time1', new Date('2010-11-12T13:14:15Z')],
      ['Time2', new Date('2008-07-06T05:04:03Z')],
      ['Time3', new Date('1869-01-03T08:16:32Z')],
      ['Time4', new Date('2199-08-20T01:10:11Z')],
    ]),
  },
  'cdata.plist': {
    equals: new Map([
      [
        'cdata&key',
        `string with cdata content:  ${String.fromCharCode(...Array.from({ length: 94 }, (_, i) => i + 33))} !!!`,
      ],
    ]),
  },
  'empty_keys.plist': { equals: new Map([['', 'empty key with comment']]) },
  'hex.plist': { equals: 0x737_0955_1615 },
  'amp.plist': rejected,
  'invalid_tag.plist': rejected,
  'malformed_dict.bplist': rejected,
  'recursion.bplist': rejected,
  'order.plist': 'reads',
  'order.bplist': { sameAs: 'order.plist' },
  'signed.plist': { equals: -1 },
  'signed.bplist': { sameAs: 'signed.plist' },
  'unsigned.plist': { equals: 2n ** 64n - 1n },
  'unsigned.bplist': { sameAs: 'unsigned.plist' },
  'signedunsigned.plist': { equals: [-1, 2n ** 64n - 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n] },
  'signedunsigned.bplist': { sameAs: 'signedunsigned.plist' },
  'uid.bplist': { equals: new PlistUid(7) },
  'o1.ostep': otherForm,
  'o2.ostep': otherForm,
  'o3.ostep': otherForm,
  'test.strings': otherForm,
  'j1.json': otherForm,
  'j2.json': otherForm,
  'int64_min_max.json': otherForm,
};

describeWithFixtures('the property lists of libplist', (fixtures) => {
  const folder = join(fixtures, 'libplist/test/data');
  const read = (name: string): PlistValue => parsePlist(readFileSync(join(folder, name)));

  test('are all classified here', () => {
    expect(Object.keys(expectations).toSorted()).toEqual(readdirSync(folder).toSorted());
  });

  test.each(Object.entries(expectations))('%s behaves as expected: %o', (name, expected) => {
    if (expected !== 'reads' && 'code' in expected) {
      expect(() => read(name)).toThrow(expect.objectContaining(expected));
      return;
    }
    const value = read(name);
    if (expected !== 'reads') {
      expect(value).toStrictEqual('sameAs' in expected ? read(expected.sameAs) : expected.equals);
    }
    expect(orderedKeys(parsePlist(writeBinaryPlist(value)))).toStrictEqual(orderedKeys(value));
    expect(orderedKeys(parsePlist(writeXmlPlist(value)))).toStrictEqual(orderedKeys(value));
  });

  test('binary ones that were written in the smallest sizes come out byte for byte', () => {
    for (const name of ['data', 'dictref1byte', 'off1byte', 'signed', 'signedunsigned', 'uid', 'unsigned']) {
      const bytes = readFileSync(join(folder, `${name}.bplist`));
      expect(writeBinaryPlist(parsePlist(bytes))).toEqual(Uint8Array.from(bytes));
    }
  });
});

/** The value with dictionaries as lists of entries, since `Map`s are equal in any order, and data as text, since that is quick. */
function orderedKeys(value: PlistValue): unknown {
  if (value instanceof Uint8Array) return { data: hexEncode(value) };
  if (Array.isArray(value)) return value.map(orderedKeys);
  return value instanceof Map ? Array.from(value, ([key, child]) => ({ key, child: orderedKeys(child) })) : value;
}
