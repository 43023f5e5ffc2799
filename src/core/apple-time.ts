/** Seconds between 1970-01-01 and 2001-01-01, both 00:00 UTC: Apple's Cocoa epoch. */
export const cocoaEpochUnixSeconds = 978_307_200;

/** Largest distance from 1970 that a `Date` holds, in milliseconds (ECMA-262 §21.4.1.1). */
const maxDateMs = 8.64e15;

function dateFromMs(ms: number): Date | undefined {
  return Number.isFinite(ms) && Math.abs(ms) <= maxDateMs ? new Date(ms) : undefined;
}

/** From seconds since 1970-01-01 UTC, fractional allowed. `undefined` for what no `Date` can hold. Zero is a time here. */
export function dateFromUnixSeconds(seconds: number | bigint): Date | undefined {
  return dateFromMs(Number(seconds) * 1000);
}

/**
 * From seconds since 2001-01-01 UTC, fractional allowed and rounded to the nearest millisecond, so that
 * {@link cocoaSecondsFromDate} can be undone. `undefined` for what no `Date` can hold. Zero is a time here.
 */
export function dateFromCocoaSeconds(seconds: number | bigint): Date | undefined {
  return dateFromMs(Math.round((Number(seconds) + cocoaEpochUnixSeconds) * 1000));
}

/** From nanoseconds since 2001-01-01 UTC, cut to milliseconds. `undefined` for what no `Date` can hold. Zero is a time here. */
export function dateFromCocoaNanoseconds(nanoseconds: number | bigint): Date | undefined {
  const ms = typeof nanoseconds === 'bigint' ? Number(nanoseconds / 1_000_000n) : Math.floor(nanoseconds / 1e6);
  return dateFromMs(ms + cocoaEpochUnixSeconds * 1000);
}

/** To seconds since 2001-01-01 UTC, with milliseconds as a fraction. */
export function cocoaSecondsFromDate(date: Date): number {
  return date.getTime() / 1000 - cocoaEpochUnixSeconds;
}

/** To nanoseconds since 2001-01-01 UTC. */
export function cocoaNanosecondsFromDate(date: Date): bigint {
  return (BigInt(date.getTime()) - BigInt(cocoaEpochUnixSeconds) * 1000n) * 1_000_000n;
}
