import type { AbortOptions } from '../../core/abort.js';
import type { SqliteDatabase } from '../../sqlite/driver.js';
import { salvageTable } from '../../sqlite/salvage.js';

/**
 * ROWIDs of a damaged table, ascending, as far as they can be found. A ROWID that is found does not say that its row can be
 * read. Those that are no exact numbers are left out; no table of iOS has any.
 */
export async function* salvageRowIds(
  db: SqliteDatabase,
  table: string,
  options: AbortOptions = {},
): AsyncGenerator<number, void, undefined> {
  for await (const { rowid } of salvageTable(db, { table, columns: [], signal: options.signal })) {
    if (Number.isSafeInteger(Number(rowid))) yield Number(rowid);
  }
}
