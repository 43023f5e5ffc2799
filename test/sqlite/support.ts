import { memorySource, type ByteSource } from '../../src/core/byte-source.js';
import type { SqliteDatabase, SqliteValue } from '../../src/sqlite/driver.js';

/** All rows as arrays. */
export async function rowsOf(
  db: SqliteDatabase,
  sql: string,
  params: readonly SqliteValue[] = [],
): Promise<(readonly SqliteValue[])[]> {
  const rows: (readonly SqliteValue[])[] = [];
  for await (const batch of db.queryBatches(sql, params)) rows.push(...batch);
  return rows;
}

/** Bytes that cannot be read synchronously. */
export function slowSource(bytes: Uint8Array): ByteSource {
  const source = memorySource(bytes);
  delete source.readSync;
  return source;
}
