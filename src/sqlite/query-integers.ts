import type { AbortOptions } from '../core/abort.js';
import { CursorDatabase } from './cursor-database.js';
import type { SqliteDatabase, SqliteValue } from './driver.js';

/**
 * The first column of a query that gives safe integers only, in batches: a third of the cost of rows. Each array is valid until
 * the next one is asked for. Databases of other drivers give rows.
 */
export async function* queryIntegers(
  db: SqliteDatabase,
  sql: string,
  { params = [], signal }: AbortOptions & { params?: readonly SqliteValue[] | undefined },
): AsyncGenerator<Float64Array, void, undefined> {
  if (db instanceof CursorDatabase) {
    yield* db.queryIntegers(sql, params, { signal });
    return;
  }
  for await (const batch of db.queryBatches(sql, params, { signal }))
    yield Float64Array.from(batch, ([id]) => Number(id));
}
