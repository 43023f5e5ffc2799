import { expect, test } from 'vitest';
import { toPlain } from '../../src/plist/to-plain.js';
import { plistNull, PlistReal, PlistUid, type PlistValue } from '../../src/plist/types.js';

test('toPlain gives what JSON can express, and loses no digit', () => {
  const value = new Map<string, PlistValue>([
    ['integer', 5],
    ['large', 2n ** 60n],
    ['small bigint', 5n],
    ['real', new PlistReal(1.5)],
    ['nan', new PlistReal(Number.NaN)],
    ['date', new Date(0)],
    ['data', Uint8Array.of(1, 2, 3)],
    ['uid', new PlistUid(3)],
    ['null', plistNull],
    ['list', [true, 'text', new Map([['__proto__', 1]])]],
  ]);
  expect(JSON.stringify(toPlain(value))).toBe(
    '{"integer":5,"large":"1152921504606846976","small bigint":5,"real":1.5,"nan":"NaN","date":"1970-01-01T00:00:00.000Z",' +
      '"data":{"data":"AQID"},"uid":{"CF$UID":3},"null":null,"list":[true,"text",{"__proto__":1}]}',
  );
});

test('toPlain bounds what shared parts make', () => {
  let value: PlistValue = ['x'];
  for (let i = 0; i < 40; i += 1) value = Array<PlistValue>(20).fill(value);
  const beyondLimit = expect.objectContaining({ code: 'FORMAT_LIMIT_EXCEEDED' });
  expect(() => toPlain(value)).toThrow(beyondLimit);
  const data = new Uint8Array(1_000_000);
  expect(() => toPlain(Array.from({ length: 1000 }, () => data))).toThrow(beyondLimit);
});

test('toPlain gives no negative zero, which JSON does not have', () => {
  expect(Object.is(toPlain(new PlistReal(-0)), 0)).toBe(true);
});
