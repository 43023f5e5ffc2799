import { utf8DecodeStrict, utf8Encode } from '../../core/bytes.js';
import type { SqliteValue } from '../../sqlite/driver.js';

// SQLite columns hold what was written into them, whatever their declared type: TEXT columns hold BLOBs and the other way
// round in real databases. So values are coerced by what they are.

/** Text; numbers in decimal, bytes where they are UTF-8. `undefined` for NULL and for other bytes. */
export function textOf(value: SqliteValue | undefined): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'object') return utf8DecodeStrict(value);
  return String(value);
}

/** Text that is not empty. */
export function filledTextOf(value: SqliteValue | undefined): string | undefined {
  const text = textOf(value);
  return text === '' ? undefined : text;
}

/** A finite number, also from decimal text. `undefined` for anything else. Integers beyond ±(2^53 − 1) lose precision. */
export function numberOf(value: SqliteValue | undefined): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : undefined;
}

/** A safe integer (a fraction is cut). `undefined` for anything else. */
export function integerOf(value: SqliteValue | undefined): number | undefined {
  const parsed = numberOf(value);
  if (parsed === undefined) return undefined;
  const whole = Math.trunc(parsed);
  return Number.isSafeInteger(whole) ? whole : undefined;
}

/** An exact integer of any size (a fraction is cut). `undefined` for anything else. */
export function bigintOf(value: SqliteValue | undefined): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'string' && /^\s*[+-]?\d{1,19}\s*$/.test(value)) return BigInt(value.trim());
  const parsed = numberOf(value);
  return parsed === undefined ? undefined : BigInt(Math.trunc(parsed));
}

/** Whether the value is a number other than 0; NULL and what is no number are `false`. */
export function flagOf(value: SqliteValue | undefined): boolean {
  const parsed = numberOf(value);
  return parsed !== undefined && parsed !== 0;
}

/** Bytes; text as UTF-8. `undefined` for NULL, numbers and empty values. */
export function bytesOf(value: SqliteValue | undefined): Uint8Array | undefined {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'bigint') return undefined;
  const bytes = typeof value === 'string' ? utf8Encode(value) : value;
  return bytes.length === 0 ? undefined : bytes;
}
