import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkPolicy, parseRetentionPolicy } from '../../../src/snapshot/retention/policy.js';
import { policies } from './support.js';

test('what a policy leaves out has its default', () => {
  const expected = {
    keepLast: 3,
    periods: { hourly: 24, daily: 7, weekly: 4, monthly: 12, yearly: 0 },
    keepWithin: undefined,
    maxBytes: undefined,
  };
  expect(checkPolicy({})).toMatchObject(expected);
  expect(checkPolicy({ keepLast: undefined, keepWithin: undefined })).toMatchObject(expected);
  expect(checkPolicy({ keepLast: Infinity, keepWithin: 'P1Y2M3W4DT5H6M7S' })).toMatchObject({
    keepLast: Infinity,
    keepWithin: { months: 14, ms: (25 * 86_400 + 5 * 3600 + 6 * 60 + 7) * 1000 },
  });
});

test('a policy comes back from JSON', () => {
  fc.assert(
    fc.property(policies, (policy) => {
      const json = JSON.parse(JSON.stringify(policy)) as unknown;
      expect(parseRetentionPolicy(json)).toEqual(json);
    }),
  );
});

test.each([
  [null, 'no object'],
  [[], 'no object'],
  ['P30D', 'no object'],
  [{ keepAll: true }, '"keepAll" is no rule'],
  [{ daily: -1 }, 'daily must be'],
  [{ keepLast: 1.5 }, 'keepLast must be'],
  [{ hourly: '24' }, 'hourly must be'],
  [{ maxBytes: -1 }, 'maxBytes must be'],
  [{ maxBytes: '1 GB' }, 'maxBytes must be'],
  [{ keepWithin: '30 days' }, 'no ISO 8601 duration'],
  [{ keepWithin: 'P' }, 'no ISO 8601 duration'],
  [{ keepWithin: 'P1DT' }, 'no ISO 8601 duration'],
  [{ keepWithin: -5 }, 'a duration must not be'],
  [{ keepWithin: true }, 'keepWithin must be'],
  [{ timeZone: 'Mars/Olympus' }, 'Mars/Olympus'],
  [{ timeZone: 5 }, 'timeZone must be'],
])('%j is refused', (value, why) => {
  expect(() => parseRetentionPolicy(value)).toThrow(
    expect.objectContaining({ code: 'FORMAT_INVALID', message: expect.stringContaining(why) as string }),
  );
});

test('no JSON makes it fail in another way', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      try {
        expect(parseRetentionPolicy(value)).toEqual(value);
      } catch (error) {
        expect(error).toMatchObject({ code: 'FORMAT_INVALID' });
      }
    }),
  );
});
