import { base64Encode, isBytes } from '../core/bytes.js';
import { FormatError } from '../core/errors.js';
import { Expansion } from './expansion.js';
import { PlistNull, PlistReal, PlistUid, type PlistValue } from './types.js';

/** What JSON can express. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/**
 * Turns a property list into plain values for JSON and display. This loses distinctions; use the guards to compute.
 *
 * - integers and reals are numbers; integers beyond ±(2^53 − 1) and what is not finite are strings, so that no digit is lost;
 * - dates are ISO 8601 strings in UTC, data is `{ data: base64 }`, a UID `{ CF$UID: index }`, null `null`;
 * - dictionaries are objects; keys that look like array indexes come first in them, as JavaScript has it.
 *
 * @throws {@link FormatError} `FORMAT_LIMIT_EXCEEDED` where shared parts would make more than `limits.plistExpandedValues`
 * and `limits.plistExpandedBytes` allow.
 */
export function toPlain(value: PlistValue): JsonValue {
  const expansion = new Expansion();
  const turn = (value: PlistValue): JsonValue => {
    if (!expansion.add(value))
      throw new FormatError(
        'FORMAT_LIMIT_EXCEEDED',
        'The property list expands to more than plistExpandedValues or plistExpandedBytes',
        {
          format: 'plist',
        },
      );
    if (Array.isArray(value)) return value.map(turn);
    if (value instanceof Map) return Object.fromEntries(Array.from(value, ([key, child]) => [key, turn(child)]));
    if (value instanceof PlistReal) return fromNumber(value.value);
    if (value instanceof PlistUid) return { CF$UID: value.value };
    if (value instanceof PlistNull) return null;
    if (value instanceof Date) return value.toISOString();
    if (isBytes(value)) return { data: base64Encode(value) };
    return typeof value === 'bigint' ? fromBigint(value) : value;
  };
  return turn(value);
}

function fromNumber(value: number): JsonValue {
  // JSON has no negative zero; the sum makes it a zero.
  return Number.isFinite(value) ? value + 0 : String(value);
}

function fromBigint(value: bigint): JsonValue {
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}
