import { base64Decode } from '../core/bytes.js';
import { isPlistInteger } from './plain-input.js';
import { PlistReal, type PlistValue } from './types.js';

/** More than the digits of any integer of 16 bytes, leading zeros allowed for. */
const longestNumber = 128;

/**
 * The value of an XML element that holds text, by element name.
 * `undefined` where the text is no such value: empty or malformed numbers and dates, integers beyond 16 bytes.
 */
export const xmlScalars: ReadonlyMap<string, (text: string) => PlistValue | undefined> = new Map<
  string,
  (text: string) => PlistValue | undefined
>([
  ['string', (text) => text],
  ['integer', parseInteger],
  ['real', parseReal],
  ['date', parseDate],
  ['data', base64Decode],
]);

/** Decimal or hexadecimal, with a sign. */
function parseInteger(text: string): number | bigint | undefined {
  if (text.length > longestNumber) return undefined;
  const [, sign, digits] = /^\s*([+-]?)(0x[0-9a-f]+|\d+)\s*$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const magnitude = Number(digits);
  if (Number.isSafeInteger(magnitude)) return sign === '-' && magnitude !== 0 ? -magnitude : magnitude;
  const value = sign === '-' ? -BigInt(digits) : BigInt(digits);
  return isPlistInteger(value) ? value : undefined;
}

/** What C's `strtod` takes, but hexadecimal: decimal numbers, `inf`, `infinity`, `nan`, of either case and with a sign. */
function parseReal(text: string): PlistReal | undefined {
  const trimmed = text.trim().toLowerCase();
  const special = /^([+-]?)(inf|infinity|nan)$/.exec(trimmed);
  if (special !== null) {
    const value = special[2] === 'nan' ? Number.NaN : Number.POSITIVE_INFINITY;
    return new PlistReal(special[1] === '-' ? -value : value);
  }
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(trimmed) ? new PlistReal(Number(trimmed)) : undefined;
}

/** `YYYY-MM-DDThh:mm:ssZ`, always UTC; fractions of seconds and years of another length are taken too. */
function parseDate(text: string): Date | undefined {
  const [, sign, year, rest, fraction] =
    /^\s*([+-]?)(\d{4,6})(-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z\s*$/.exec(text) ?? [];
  if (year === undefined || rest === undefined) return undefined;
  const isoYear = `${sign === '-' ? '-' : '+'}${year.padStart(6, '0')}`;
  // ISO 8601 in ECMAScript has no year -0.
  const ms = Date.parse(`${isoYear === '-000000' ? '+000000' : isoYear}${rest}${(fraction ?? '.0').slice(0, 4)}Z`);
  return Number.isNaN(ms) ? undefined : new Date(ms);
}
