import { dateFromCocoaSeconds } from '../../core/apple-time.js';
import type { SqliteValue } from '../../sqlite/driver.js';
import { numberOf, textOf } from '../shared/values.js';

/** Contacts marks "no year" with this one, a leap year long ago. FORMAT facts: docs/datasets/contacts.md. */
const yearOfYearless = 1604;

/**
 * A calendar day of the address book as `1990-04-05`, or `--04-05` where it has no year. Stored are seconds since 2001-01-01
 * UTC at noon UTC of the day, as a number or as its text, and by some sync sources ISO dates.
 * `undefined` for what is neither, and for days that do not exist.
 */
export function calendarDateOf(value: SqliteValue | undefined): string | undefined {
  const seconds = numberOf(value);
  if (seconds !== undefined) {
    const date = dateFromCocoaSeconds(seconds);
    return date && calendarDate(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate());
  }
  const match = /^\s*(?:(?<year>\d{4})-(?<month>\d\d)-|--(?<yearlessMonth>\d\d)-?)(?<day>\d\d)(?:[T\s].*)?$/s.exec(
    textOf(value) ?? '',
  );
  if (match?.groups === undefined) return undefined;
  const { year = yearOfYearless, month, yearlessMonth, day } = match.groups;
  return calendarDate(Number(year), Number(month ?? yearlessMonth), Number(day));
}

function calendarDate(year: number, month: number, day: number): string | undefined {
  if (year < 1 || year > 9999) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const pad = (part: number, length: number): string => String(part).padStart(length, '0');
  return `${year === yearOfYearless ? '-' : pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}
