import type { AbortOptions } from '../core/abort.js';
import type { SqliteDatabase, SqliteValue } from '../sqlite/driver.js';

/** The number that a statement gives; 0 where it gives no row. */
export async function singleNumber(
  db: SqliteDatabase,
  sql: string,
  options: AbortOptions & { params?: readonly SqliteValue[] | undefined },
): Promise<number> {
  for await (const [row] of db.queryBatches(sql, options.params, options)) return Number(row?.[0]);
  return 0;
}
