import fc from 'fast-check';
import { expect, test } from 'vitest';
import { calendarDateOf } from '../../../src/datasets/contacts/calendar-date.js';

test.each([
  // Noon UTC of the day, as real address books have it.
  [-338212800, '1990-04-14'],
  ['-338212800.0', '1990-04-14'],
  [-338212800n, '1990-04-14'],
  ['-12518712000', '--04-19'],
  ['1990-04-01', '1990-04-01'],
  ['--04-05', '--04-05'],
  ['--0405', '--04-05'],
  ['1604-02-29', '--02-29'],
  ['2000-02-29T12:00:00Z', '2000-02-29'],
  ['1990-04-01 00:00:00 +0000', '1990-04-01'],
  [new TextEncoder().encode('1990-04-01'), '1990-04-01'],
  // 0 is a day here and not "never": somebody was born on it.
  [0, '2001-01-01'],
])('%s is the day %s', (stored, day) => {
  expect(calendarDateOf(stored)).toBe(day);
});

test.each([null, undefined, '', ' ', 'soon', '1990-02-30', '1990-13-01', '0000-01-01', 1e300, new Uint8Array([0xff])])(
  '%s is no day',
  (stored) => {
    expect(calendarDateOf(stored)).toBeUndefined();
  },
);

test('every day between the years 1605 and 9999 survives the way through seconds', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('1605-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      const day = date.toISOString().slice(0, 10);
      const seconds = new Date(`${day}T12:00:00Z`).getTime() / 1000 - 978_307_200;
      expect(calendarDateOf(seconds.toFixed(1))).toBe(day);
    }),
  );
});
