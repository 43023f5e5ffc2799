import type { AbortOptions } from '../../core/abort.js';
import { isBackupKitError } from '../../core/errors.js';
import type { SqliteDatabase } from '../../sqlite/driver.js';
import { quoteName } from './schema.js';
import { integerOf } from './values.js';

/** Longest leap over rows that cannot be read. A table whose rows lie further apart has none left that can be found so. */
const longestLeap = 2 ** 40;

/**
 * ROWIDs of a damaged table, ascending, as far as they can be found: where a page of the table cannot be read, the search goes
 * on behind it. A ROWID that is found does not say that its row can be read.
 */
export async function* salvageRowIds(
  db: SqliteDatabase,
  table: string,
  options?: AbortOptions,
): AsyncGenerator<number, void, undefined> {
  let from: number | undefined = Number.MIN_SAFE_INTEGER;
  while (from !== undefined) {
    let last: number | undefined;
    try {
      for await (const rowId of rowIdsFrom(db, { table, from }, options)) {
        last = rowId;
        yield rowId;
      }
      return;
    } catch (error) {
      if (!isBackupKitError(error, 'DATABASE_CORRUPT')) throw error;
    }
    const next: number = last === undefined ? Math.max(from, 0) + 1 : last + 1;
    from = await firstReadableFrom(db, { table, from: next }, options);
  }
}

async function* rowIdsFrom(
  db: SqliteDatabase,
  { table, from, limit = -1 }: { table: string; from: number; limit?: number },
  options?: AbortOptions,
): AsyncGenerator<number, void, undefined> {
  const sql = `SELECT ROWID FROM ${quoteName(table)} NOT INDEXED WHERE ROWID >= ? ORDER BY ROWID LIMIT ?`;
  for await (const rows of db.queryBatches(sql, [from, limit], options)) {
    for (const [value] of rows) {
      const rowId = integerOf(value);
      if (rowId !== undefined) yield rowId;
    }
  }
}

/**
 * A ROWID from which the table can be read again: leaps that double until one lands on a sound page, then the gap is halved
 * until it is narrow. `undefined` where nothing sound follows.
 */
async function firstReadableFrom(
  db: SqliteDatabase,
  { table, from }: { table: string; from: number },
  options?: AbortOptions,
): Promise<number | undefined> {
  let bad = from - 1;
  let good: number | undefined;
  for (let leap = 1; good === undefined; leap *= 2) {
    if (leap > longestLeap || !Number.isSafeInteger(from + leap)) return undefined;
    const found = await rowIdAt(db, { table, from: from + leap - 1 }, options);
    if (found === 'end') return undefined;
    if (found === 'damaged') bad = from + leap - 1;
    else good = from + leap - 1;
  }
  while (good - bad > 1) {
    const middle: number = Math.floor((good + bad) / 2);
    if (typeof (await rowIdAt(db, { table, from: middle }, options)) === 'number') good = middle;
    else bad = middle;
  }
  return good;
}

async function rowIdAt(
  db: SqliteDatabase,
  { table, from }: { table: string; from: number },
  options?: AbortOptions,
): Promise<number | 'damaged' | 'end'> {
  try {
    for await (const rowId of rowIdsFrom(db, { table, from, limit: 1 }, options)) return rowId;
    return 'end';
  } catch (error) {
    if (!isBackupKitError(error, 'DATABASE_CORRUPT')) throw error;
    return 'damaged';
  }
}
