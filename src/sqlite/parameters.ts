import { isBytes } from '../core/bytes.js';
import type { SqliteValue } from './driver.js';

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/** @throws RangeError where a statement takes another number of parameters. */
export function checkParameterCount(params: readonly SqliteValue[], expected: number): void {
  if (params.length === expected) return;
  throw new RangeError(`The statement takes ${expected} parameters, ${params.length} were given`);
}

/** @throws TypeError or RangeError for what SQLite cannot store. `index` counts from 0. */
export function checkValue(value: unknown, index: number): asserts value is SqliteValue {
  if (value === null || typeof value === 'number' || typeof value === 'string' || isBytes(value)) return;
  if (typeof value !== 'bigint')
    throw new TypeError(`Parameter ${index + 1} must be null, a number, a bigint, a string or bytes`);
  if (value < int64.min || value > int64.max) throw new RangeError(`Parameter ${index + 1} does not fit into 64 bits`);
}

/** For engines that give every integer as a bigint: a number where that is exact. */
export function exactInteger(value: SqliteValue): SqliteValue {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
