import { describe, expect, test } from 'vitest';
import {
  asArray,
  asBoolean,
  asData,
  asDate,
  asDict,
  asInteger,
  asNumber,
  asString,
  asUid,
} from '../../src/plist/guards.js';
import { plistNull, PlistReal, PlistUid, type PlistValue } from '../../src/plist/types.js';

const samples = {
  dict: new Map<string, PlistValue>(),
  array: [] as PlistValue[],
  string: '',
  integer: 0,
  bigint: 2n ** 60n,
  real: new PlistReal(0),
  boolean: false,
  date: new Date(0),
  data: new Uint8Array(),
  uid: new PlistUid(0),
  null: plistNull,
  absent: undefined,
};

const guards = { asDict, asArray, asString, asInteger, asNumber, asBoolean, asDate, asData, asUid };

describe('guards', () => {
  test.each<[keyof typeof guards, Partial<Record<keyof typeof samples, unknown>>]>([
    ['asDict', { dict: samples.dict }],
    ['asArray', { array: samples.array }],
    ['asString', { string: '' }],
    ['asInteger', { integer: 0, bigint: 2n ** 60n }],
    ['asNumber', { integer: 0, bigint: 2 ** 60, real: 0 }],
    ['asBoolean', { boolean: false }],
    ['asDate', { date: samples.date }],
    ['asData', { data: samples.data }],
    ['asUid', { uid: 0 }],
  ])('%s gives its own kind and undefined for all others', (name, expected) => {
    for (const [kind, sample] of Object.entries(samples)) {
      expect(guards[name](sample)).toStrictEqual(expected[kind as keyof typeof samples]);
    }
  });
});
