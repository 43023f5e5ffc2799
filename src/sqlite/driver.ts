import type { AbortOptions } from '../core/abort.js';
import type { ByteSource } from '../core/byte-source.js';
import type { Closeable } from '../core/resource.js';

/** A value of a SQLite column. Integers beyond ±(2^53 − 1) come as `bigint`, never rounded. */
export type SqliteValue = null | number | bigint | string | Uint8Array;

/** One row by column name. */
export type SqliteRow = Record<string, SqliteValue>;

/** A read-only database. */
export interface SqliteDatabase extends Closeable, AsyncDisposable {
  /**
   * Runs one statement and gives its rows, lazily. Several queries may be under way at once. Leaving the loop early ends
   * the query. Statements that write are refused.
   *
   * @throws {@link DatabaseError} with code `DATABASE_QUERY_FAILED`, `DATABASE_CORRUPT` or `DATABASE_CLOSED`.
   */
  query<R extends SqliteRow = SqliteRow>(
    sql: string,
    params?: readonly SqliteValue[],
    options?: AbortOptions,
  ): AsyncIterable<R>;
  /** Like {@link SqliteDatabase.query}, in batches of rows as arrays of values: the form for many rows. */
  queryBatches(
    sql: string,
    params?: readonly SqliteValue[],
    options?: AbortOptions,
  ): AsyncIterable<readonly (readonly SqliteValue[])[]>;
  /** Names of the columns of a table or view, in order; none where there is no such table. */
  columns(table: string, options?: AbortOptions): Promise<readonly string[]>;
  /** Names of all tables and views, in order of creation. */
  tables(options?: AbortOptions): Promise<readonly string[]>;
}

/** What a driver opens. It does not close the sources: whoever made them does, after the database. */
export interface SqliteSources {
  /** The main database file. */
  readonly db: ByteSource;
  /** The `-wal` file, whose committed pages lie over those of the main file. */
  readonly wal?: ByteSource | undefined;
}

/** A way to read SQLite databases. Pass one to `Backup.open` to replace the default. */
export interface SqliteDriver {
  /** Name for messages, e.g. `paged`. */
  readonly name: string;
  /**
   * Opens a database without ever writing beside it or to any disk.
   *
   * @throws {@link DatabaseError} with code `DATABASE_CORRUPT` where the bytes are not a SQLite database, `DATABASE_TOO_LARGE`
   * or `DATABASE_DRIVER_UNAVAILABLE`.
   */
  open(sources: SqliteSources, options?: AbortOptions): Promise<SqliteDatabase>;
}
