import { createDatabase } from '../../sqlite/writable.js';
import type { DatabaseSpec, FileSpec } from './types.js';

/** Size in bytes of the `-shm` that comes with a `-wal`; SQLite builds its content anew. */
const sharedMemoryBytes = 32_768;

const statements = (sql: string | readonly string[] | undefined): readonly string[] =>
  typeof sql === 'string' ? [sql] : (sql ?? []);

/**
 * The files of a database that is made from SQL: the main file, and where it has one the `-wal` and a `-shm`, with the owner,
 * times and protection class of the spec. The same SQL gives the same bytes.
 *
 * @throws {@link DatabaseError} with code `DATABASE_QUERY_FAILED` for SQL that fails, RangeError for a page size or
 * combination of options that does not exist.
 */
export async function databaseFiles(spec: DatabaseSpec): Promise<FileSpec[]> {
  const { sql, walSql, wal = 'none', pageSize, damage, ...attributes } = spec;
  if ((wal === 'some') !== (walSql !== undefined)) throw new RangeError("walSql and wal: 'some' need each other");
  const database = await createDatabase({ pageSize, autoVacuum: 'incremental', walHeader: true });
  try {
    for (const statement of statements(sql)) database.exec(statement);
    if (wal === 'none') return [{ ...attributes, damage, content: database.serialize() }];
    if (wal === 'some') database.checkpoint();
    for (const statement of statements(walSql)) database.exec(statement);
    const files = database.serializeWithWal();
    const { relativePath } = attributes;
    return [
      { ...attributes, damage, content: files.db },
      { ...attributes, relativePath: `${relativePath}-shm`, content: new Uint8Array(sharedMemoryBytes) },
      { ...attributes, relativePath: `${relativePath}-wal`, content: files.wal },
    ];
  } finally {
    database.close();
  }
}
