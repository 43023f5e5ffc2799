const durationPattern =
  /^P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;

/** A length of time: months as the calendar has them, and milliseconds. */
export interface Duration {
  readonly months: number;
  readonly ms: number;
}

/**
 * Reads milliseconds, or ISO 8601 without fractions, e.g. `P30D`, `P1Y6M` or `PT12H`.
 *
 * @throws RangeError for anything else.
 */
export function parseDuration(value: number | string): Duration {
  if (typeof value === 'number') {
    if (value >= 0) return { months: 0, ms: value };
    throw new RangeError(`a duration must not be ${value} milliseconds`);
  }
  const match = durationPattern.exec(value);
  if (match === null) throw new RangeError(`${JSON.stringify(value)} is no ISO 8601 duration such as P30D`);
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map((digits: string | undefined) => Number(digits ?? 0));
  return {
    months: 12 * years + months,
    ms: (7 * weeks + days) * day + hours * hour + (60 * minutes + seconds) * second,
  };
}

/** The time a duration before another one, both in milliseconds since 1970. The 31st becomes the last day of a shorter month. */
export function timeBefore(timeMs: number, { months, ms }: Duration): number {
  const date = new Date(timeMs);
  const dayOfMonth = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() - months);
  const lastDay = new Date(date);
  lastDay.setUTCMonth(date.getUTCMonth() + 1, 0);
  date.setUTCDate(Math.min(dayOfMonth, lastDay.getUTCDate()));
  const before = date.getTime() - ms;
  // Beyond all dates: everything is younger.
  return Number.isNaN(before) ? -Infinity : before;
}
