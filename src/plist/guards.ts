import { isBytes } from '../core/bytes.js';
import { PlistReal, PlistUid, type PlistArray, type PlistDict, type PlistValue } from './types.js';

/*
 * Each guard gives the value where it has the type, and `undefined` where it is absent or something else: what a backup
 * holds under a key is never certain. Those for simple values also take what a KeyedArchive gives.
 */

/** The value where it is a dictionary. */
export function asDict(value: PlistValue | undefined): PlistDict | undefined {
  return value instanceof Map ? value : undefined;
}

/** The value where it is an array. */
export function asArray(value: PlistValue | undefined): PlistArray | undefined {
  return Array.isArray(value) ? value : undefined;
}

/** The value where it is a string. */
export function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The value where it is an integer: exact, `bigint` beyond ±(2^53 − 1). */
export function asInteger(value: unknown): number | bigint | undefined {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isInteger(value) ? value : undefined;
}

/** The value as a number where it is an integer or a real; rounded where an integer is beyond ±(2^53 − 1). */
export function asNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  return value instanceof PlistReal ? value.value : undefined;
}

/** The value where it is a boolean. */
export function asBoolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

/** The value where it is a date. */
export function asDate(value: unknown): Date | undefined {
  return value instanceof Date ? value : undefined;
}

/** The value where it is data. */
export function asData(value: unknown): Uint8Array | undefined {
  return isBytes(value) ? value : undefined;
}

/** The index where the value is a UID. */
export function asUid(value: PlistValue | undefined): number | undefined {
  return value instanceof PlistUid ? value.value : undefined;
}
