import { describe, expect, it } from 'vitest';
import { addressKeys, parseAddress } from '../../../src/datasets/shared/address.js';
import { readSchema } from '../../../src/datasets/shared/schema.js';
import { cocoaDateOf, cocoaTimeOf } from '../../../src/datasets/shared/times.js';
import {
  bigintOf,
  bytesOf,
  filledTextOf,
  flagOf,
  integerOf,
  numberOf,
  textOf,
} from '../../../src/datasets/shared/values.js';
import type { SqliteDatabase } from '../../../src/sqlite/driver.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('values are coerced by what they are, not by the declared type:', () => {
  it.each([
    [textOf, 'a', 'a'],
    [textOf, utf8('ä'), 'ä'],
    [textOf, new Uint8Array([0xff]), undefined],
    [textOf, 12, '12'],
    [textOf, 12n, '12'],
    [textOf, null, undefined],
    [filledTextOf, '', undefined],
    [numberOf, '1.5', 1.5],
    [numberOf, 'x', undefined],
    [numberOf, ' ', undefined],
    [numberOf, Number.POSITIVE_INFINITY, undefined],
    [numberOf, new Uint8Array([1]), undefined],
    [integerOf, 1.9, 1],
    [integerOf, '-3', -3],
    [integerOf, 2n ** 60n, undefined],
    [bigintOf, '790000000123456789', 790_000_000_123_456_789n],
    [bigintOf, 1.5, 1n],
    [bigintOf, null, undefined],
    [flagOf, 1, true],
    [flagOf, '0', false],
    [flagOf, null, false],
    [bytesOf, 'a', utf8('a')],
    [bytesOf, new Uint8Array(), undefined],
    [bytesOf, 3, undefined],
  ])('%o of %o is %o', (coerce, value, expected) => {
    expect(coerce(value)).toEqual(expected);
  });
});

describe('times since 2001', () => {
  it.each([
    [700_000_000, '2023-03-08T20:26:40.000Z'],
    [700_000_000.25, '2023-03-08T20:26:40.250Z'],
    [700_000_000_000_000_000n, '2023-03-08T20:26:40.000Z'],
    ['700000000', '2023-03-08T20:26:40.000Z'],
    [-86_400, '2000-12-31T00:00:00.000Z'],
    [0, undefined],
    [-1, undefined],
    [null, undefined],
    ['never', undefined],
    [1e300, undefined],
  ])('of %s are %s', (value, expected) => {
    expect(cocoaDateOf(value)?.toISOString()).toBe(expected);
  });

  it('keep nanoseconds exact in either unit', () => {
    expect(cocoaTimeOf(790_000_000_123_456_789n)?.nanoseconds).toBe(790_000_000_123_456_789n);
    expect(cocoaTimeOf(5)?.nanoseconds).toBe(5_000_000_000n);
  });
});

describe('parseAddress', () => {
  it.each([
    ['+1 (202) 555-0101', 'phone', '+12025550101'],
    ['(202) 555-0101', 'phone', '2025550101'],
    ['tel:+12025550101', 'phone', '+12025550101'],
    ['\u202a+1\u2011202\u2011555\u20110101\u202c', 'phone', '+12025550101'],
    ['P:+12025550101', 'phone', '+12025550101'],
    ['62442', 'short-code', '62442'],
    ['*123#', 'short-code', '123'],
    ['Ada@Example.com', 'email', 'ada@example.com'],
    ['E:ada@example.com', 'email', 'ada@example.com'],
    ['urn:biz:0AB-C', 'business', 'urn:biz:0ab-c'],
    ['AMAZON', 'other', 'amazon'],
    ['', 'other', ''],
  ])('takes %s for %s %s', (value, kind, canonical) => {
    expect(parseAddress(value)).toEqual({ kind, value, canonical });
  });
});

describe('addressKeys', () => {
  const key = addressKeys(['+12025550101', '+12125550199', '+13125550199']);

  it('are equal for a number with and without its country code', () => {
    expect(key('202 555 0101')).toBe(key('+1 202 555 0101'));
  });

  it('differ for full numbers that end in the same digits', () => {
    expect(key('+12125550199')).not.toBe(key('+13125550199'));
  });

  it('of a number that could be either of two is that of neither', () => {
    expect([key('+12125550199'), key('+13125550199')]).not.toContain(key('25550199'));
  });

  it('of unknown national numbers are equal with and without trunk prefix', () => {
    expect(key('0171 2345678')).toBe(key('171 2345678'));
  });
});

describe('readSchema', () => {
  const columns: Record<string, string[]> = { message: ['guid', 'Text'], chat: [] };
  const db = { columns: async (table: string) => columns[table] ?? [] } as unknown as SqliteDatabase;

  it('fills the columns that are not there with NULL', async () => {
    const schema = await readSchema(db, ['message', 'chat']);
    expect(schema.select('message', 'm', ['ROWID', 'text', 'date'])).toBe(
      'm.ROWID AS ROWID, m."text" AS "text", NULL AS "date"',
    );
    expect(schema.has('chat')).toBe(false);
    expect(schema.has('message', 'GUID')).toBe(true);
  });

  it('names the units that are not whole', async () => {
    const schema = await readSchema(db, ['message', 'chat']);
    const units = [
      { name: 'texts', table: 'message', columns: ['text'] },
      { name: 'dates', table: 'message', columns: ['text', 'date'] },
      { name: 'chats', table: 'chat', columns: [] },
    ];
    expect(schema.missing(units)).toEqual(['dates', 'chats']);
  });

  it('refuses to speak of a table that it did not look at', async () => {
    const schema = await readSchema(db, ['message']);
    expect(() => schema.has('handle')).toThrow(RangeError);
  });
});
