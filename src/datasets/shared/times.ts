import { cocoaNanosecondsFromDate, dateFromCocoaNanoseconds, dateFromCocoaSeconds } from '../../core/apple-time.js';
import type { SqliteValue } from '../../sqlite/driver.js';
import { bigintOf, numberOf } from './values.js';

/** A moment of a database, exact. */
export interface ExactTime {
  /** The moment, cut to milliseconds. */
  readonly date: Date;
  /** Nanoseconds since 2001-01-01 UTC. */
  readonly nanoseconds: bigint;
}

/** Beyond this distance from 2001 a stored value counts nanoseconds: 1,000 seconds in one unit, 31,700 years in the other. */
const nanosecondsFrom = 1e12;

/**
 * A time since 2001-01-01 UTC whose unit, seconds or nanoseconds, its magnitude tells: sms.db went from one to the other
 * with iOS 11 in the same columns, and migrated databases mix them (docs/datasets/messages.md).
 * 0, −1 and NULL are Apple's "never" and give `undefined`.
 */
export function cocoaTimeOf(value: SqliteValue | undefined): ExactTime | undefined {
  const number = numberOf(value);
  if (number === undefined || number === 0 || number === -1) return undefined;
  if (Math.abs(number) > nanosecondsFrom) {
    const nanoseconds = bigintOf(value) ?? BigInt(Math.trunc(number));
    const date = dateFromCocoaNanoseconds(nanoseconds);
    return date === undefined ? undefined : { date, nanoseconds };
  }
  const date = dateFromCocoaSeconds(number);
  return date === undefined ? undefined : { date, nanoseconds: cocoaNanosecondsFromDate(date) };
}

/** Like {@link cocoaTimeOf}, as a `Date` alone. */
export function cocoaDateOf(value: SqliteValue | undefined): Date | undefined {
  return cocoaTimeOf(value)?.date;
}
