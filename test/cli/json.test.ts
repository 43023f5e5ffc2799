import { expect, test } from 'vitest';
import { toJsonLine } from '../../src/cli/output/json.js';

test('a record keeps its names and shape; what JSON lacks has a documented form', () => {
  const record = {
    text: 'a\nb',
    date: new Date('2024-05-06T07:08:09.010Z'),
    never: new Date(Number.NaN),
    absent: undefined,
    small: 12n,
    large: 790000000123456789n,
    negative: -790000000123456789n,
    bytes: new Uint8Array([1, 2, 255]),
    map: new Map([['__proto__', new Uint8Array([1])]]),
    set: new Set([1, 2]),
    list: [undefined, { date: new Date(0) }],
    method: () => 1,
  };
  const line = toJsonLine(record);
  expect(line).not.toContain('\n');
  expect(line).toBe(
    '{"text":"a\\nb","date":"2024-05-06T07:08:09.010Z","never":null,"small":12,"large":"790000000123456789",' +
      '"negative":"-790000000123456789","bytes":"AQL/","map":{"__proto__":"AQ=="},"set":[1,2],' +
      '"list":[null,{"date":"1970-01-01T00:00:00.000Z"}]}',
  );
});
