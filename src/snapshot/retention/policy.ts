import { FormatError } from '../../core/errors.js';
import { Calendar, type Period } from './calendar.js';
import { parseDuration, type Duration } from './duration.js';

/** Which versions are kept. A version stays where any rule keeps it. */
export interface RetentionPolicy {
  /** The newest complete versions, so many; 3 by default. */
  readonly keepLast?: number | undefined;
  /** The newest complete version of each of so many hours that have one; 24 by default. */
  readonly hourly?: number | undefined;
  /** The same by days; 7 by default. */
  readonly daily?: number | undefined;
  /** The same by weeks of ISO 8601; 4 by default. */
  readonly weekly?: number | undefined;
  /** The same by months; 12 by default. */
  readonly monthly?: number | undefined;
  /** The same by years; 0 by default. */
  readonly yearly?: number | undefined;
  /** All versions that are younger, in milliseconds or as ISO 8601, e.g. `P30D`; none by default. */
  readonly keepWithin?: number | string | undefined;
  /** Size of the store in bytes beyond which the oldest versions go, except for the last and protected ones. */
  readonly maxBytes?: number | undefined;
  /** Free space in bytes below which the oldest versions go, except for the last and protected ones. */
  readonly minFreeBytes?: number | undefined;
  /** IANA name of the time zone of hours, days and so on; that of each version by default. */
  readonly timeZone?: string | undefined;
}

/** A policy that was checked, with all its defaults. */
export interface CheckedPolicy {
  readonly keepLast: number;
  readonly periods: Readonly<Record<Period, number>>;
  readonly keepWithin: Duration | undefined;
  readonly maxBytes: number | undefined;
  readonly minFreeBytes: number | undefined;
  readonly calendar: Calendar | undefined;
}

const counts = { keepLast: 3, hourly: 24, daily: 7, weekly: 4, monthly: 12, yearly: 0 } as const;
const sizes = ['maxBytes', 'minFreeBytes'] as const;
const keys = new Set<string>([...Object.keys(counts), ...sizes, 'keepWithin', 'timeZone']);

/** Checks a policy and fills in what it leaves out. @throws RangeError, or TypeError for a value of the wrong type. */
export function checkPolicy(policy: RetentionPolicy): CheckedPolicy {
  const count = (name: keyof typeof counts): number => {
    const value = policy[name] ?? counts[name];
    if (value === Infinity || (Number.isSafeInteger(value) && value >= 0)) return value;
    throw new RangeError(`${name} must be a non-negative integer, not ${String(value)}`);
  };
  const size = (name: (typeof sizes)[number]): number | undefined => {
    const value = policy[name];
    if (value === undefined || (typeof value === 'number' && value >= 0)) return value;
    throw new RangeError(`${name} must be a non-negative number of bytes, not ${String(value)}`);
  };
  const { keepWithin, timeZone } = policy;
  if (!['undefined', 'number', 'string'].includes(typeof keepWithin))
    throw new TypeError('keepWithin must be milliseconds or an ISO 8601 duration');
  if (!['undefined', 'string'].includes(typeof timeZone)) throw new TypeError('timeZone must be the name of one');
  return {
    keepLast: count('keepLast'),
    periods: {
      hourly: count('hourly'),
      daily: count('daily'),
      weekly: count('weekly'),
      monthly: count('monthly'),
      yearly: count('yearly'),
    },
    keepWithin: keepWithin === undefined ? undefined : parseDuration(keepWithin),
    maxBytes: size('maxBytes'),
    minFreeBytes: size('minFreeBytes'),
    calendar: timeZone === undefined ? undefined : new Calendar(timeZone),
  };
}

/**
 * Takes a policy from JSON. A rule that is not known is refused: without it versions would be dropped that it keeps.
 *
 * @throws {@link FormatError} `FORMAT_INVALID`, which names what is wrong.
 */
export function parseRetentionPolicy(value: unknown): RetentionPolicy {
  const invalid = (why: string, cause?: unknown): FormatError =>
    new FormatError('FORMAT_INVALID', `The retention policy is not valid: ${why}`, { format: 'store', cause });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('it is no object');
  const unknown = Object.keys(value).find((key) => !keys.has(key));
  if (unknown !== undefined) throw invalid(`${JSON.stringify(unknown.slice(0, 100))} is no rule of this release`);
  try {
    checkPolicy(value);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error), error);
  }
  return { ...value };
}
