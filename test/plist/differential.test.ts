import { parseBuffer, UID } from 'bplist-parser';
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cocoaEpochUnixSeconds, cocoaSecondsFromDate } from '../../src/core/apple-time.js';
import { hexEncode } from '../../src/core/bytes.js';
import { parseBinaryPlist } from '../../src/plist/binary-parse.js';
import { writeBinaryPlist } from '../../src/plist/binary-write.js';
import { PlistNull, PlistReal, PlistUid, type PlistValue } from '../../src/plist/types.js';
import { describeWithFixtures } from '../support/shared-fixtures.js';
import { binaryValues } from './support.js';

/*
 * bplist-parser is another reader of binary property lists. Where it is known to be wrong or says less, both sides are
 * brought to what they share: it has no reals, reads 16-byte integers as unsigned 64-bit ones, and orders keys as objects do.
 */

/** Our value in its terms. */
function asTheirs(value: PlistValue): unknown {
  if (Array.isArray(value)) return value.map(asTheirs);
  if (value instanceof Map) return sorted([...value].map(([key, child]) => [key, asTheirs(child)]));
  if (value instanceof PlistReal) return value.value;
  if (value instanceof PlistUid) return { uid: value.value };
  if (value instanceof PlistNull) return null;
  if (value instanceof Uint8Array) return { data: hexEncode(value) };
  return typeof value === 'bigint' ? Number(value) : value;
}

/** Their value in shared terms. */
function normalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalized);
  if (value instanceof UID) return { uid: Number(value.UID) };
  if (value instanceof Uint8Array) return { data: hexEncode(value) };
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return sorted(Object.entries(value).map(([key, child]) => [key, normalized(child)]));
}

function sorted(entries: [string, unknown][]): { entries: [string, unknown][] } {
  return { entries: entries.sort(([a], [b]) => (a < b ? -1 : 1)) };
}

/** Whether both readers claim to support everything in it. */
function isCommonGround(value: PlistValue): boolean {
  if (Array.isArray(value)) return value.every(isCommonGround);
  if (value instanceof Map) return !value.has('__proto__') && [...value.values()].every(isCommonGround);
  if (value instanceof PlistUid) return value.value < 2 ** 32;
  // It cuts fractions of a millisecond, which an inexact sum of seconds may have, where we round.
  if (value instanceof Date) {
    return 1000 * cocoaEpochUnixSeconds + 1000 * cocoaSecondsFromDate(value) === value.getTime();
  }
  return typeof value !== 'bigint' || (value >= -(2n ** 63n) && value < 2n ** 64n);
}

test('bplist-parser reads what is written here', () => {
  fc.assert(
    fc.property(binaryValues.filter(isCommonGround), (value) => {
      const [theirs] = parseBuffer<unknown>(Buffer.from(writeBinaryPlist(value)));
      expect(normalized(theirs)).toEqual(asTheirs(value));
    }),
    { numRuns: 200 },
  );
});

describeWithFixtures('bplist-parser and this reader agree on files of others', (fixtures) => {
  const folder = join(fixtures, 'libplist/test/data');
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.bplist') && !/malformed|recursion/.test(name))
    .map((name) => join(folder, name));

  test.each([...files, join(fixtures, 'real/ios-14.3/Info.plist')])('%s', (path) => {
    const bytes = readFileSync(path);
    expect(asTheirs(parseBinaryPlist(bytes))).toEqual(normalized(parseBuffer<unknown>(bytes)[0]));
  });
});
