import { yieldToEventLoop, type AbortOptions } from '../core/abort.js';
import type { SqliteDatabase, SqliteRow, SqliteValue } from './driver.js';
import { databaseClosed } from './sqlite-errors.js';

/** The rows of one statement, one by one. All calls are synchronous. */
export interface Cursor {
  /** Names of the columns. */
  readonly columnNames: readonly string[];
  /** The next row, the caller's own; `undefined` after the last. Throws {@link DatabaseError}s. */
  next(): SqliteValue[] | undefined;
  /** Ends the statement; calling it again does nothing. */
  close(): void;
}

/** What a driver has to offer for {@link CursorDatabase} to make a database of it. All calls are synchronous. */
export interface CursorConnection {
  /** Starts a statement that only reads, with its parameters. */
  open(sql: string, params: readonly SqliteValue[]): Cursor;
  /** Ends all statements and releases the database; called once. */
  close(): void;
}

/** Rows in the first batch of a query, whose caller may want but one. Each batch is twice as large as the one before. */
const firstBatchRows = 16;
const largestBatchRows = 512;
/** A batch ends after this time whatever it holds, so that timers and aborts get their turn, in milliseconds. */
const batchMs = 10;

/** A damaged schema can go round in circles; SQLite would read on for ever. */
const mostNames = 100_000;

/** A {@link SqliteDatabase} over synchronous cursors: batches, turns of the event loop, abort and close. */
export class CursorDatabase implements SqliteDatabase {
  readonly #connection: () => CursorConnection | Promise<CursorConnection>;
  readonly #release: () => void | Promise<void>;
  readonly #cursors = new Set<Cursor>();
  #closing: Promise<void> | undefined;
  #lastYield = 0;

  /** `connection` is asked before every query; `release` closes it, once. */
  constructor(options: {
    connection: () => CursorConnection | Promise<CursorConnection>;
    release: () => void | Promise<void>;
  }) {
    this.#connection = options.connection;
    this.#release = options.release;
  }

  async *query<R extends SqliteRow = SqliteRow>(
    sql: string,
    params: readonly SqliteValue[] = [],
    options: AbortOptions = {},
  ): AsyncGenerator<R, void, undefined> {
    const cursor = await this.#open(sql, params, options);
    const names = cursor.columnNames;
    const isPlain = !names.includes('__proto__');
    for await (const batch of this.#batches(cursor, options)) {
      for (const values of batch) {
        this.#check(options);
        yield (isPlain ? rowOf(names, values) : rowOfAnyNames(names, values)) as R;
      }
    }
  }

  async *queryBatches(
    sql: string,
    params: readonly SqliteValue[] = [],
    options: AbortOptions = {},
  ): AsyncGenerator<readonly (readonly SqliteValue[])[], void, undefined> {
    yield* this.#batches(await this.#open(sql, params, options), options);
  }

  async columns(table: string, options: AbortOptions = {}): Promise<readonly string[]> {
    // Columns of virtual tables that are hidden have 1 there, generated columns 2 and 3.
    return await this.#names('SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1', [table], options);
  }

  async tables(options: AbortOptions = {}): Promise<readonly string[]> {
    const sql = `SELECT name FROM sqlite_master
      WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY rowid LIMIT ${mostNames}`;
    return await this.#names(sql, [], options);
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    for (const cursor of this.#cursors) cursor.close();
    this.#cursors.clear();
    await this.#release();
  }

  async #names(sql: string, params: readonly SqliteValue[], options: AbortOptions): Promise<string[]> {
    const names: string[] = [];
    for await (const batch of this.queryBatches(sql, params, options)) {
      for (const [name] of batch) names.push(String(name));
    }
    return names;
  }

  async #open(sql: string, params: readonly SqliteValue[], options: AbortOptions): Promise<Cursor> {
    this.#check(options);
    const connection = await this.#connection();
    this.#check(options);
    const cursor = connection.open(sql, params);
    this.#cursors.add(cursor);
    return cursor;
  }

  async *#batches(cursor: Cursor, options: AbortOptions): AsyncGenerator<SqliteValue[][], void, undefined> {
    try {
      for (let size = firstBatchRows; ; size = Math.min(size * 2, largestBatchRows)) {
        this.#check(options);
        const { rows, end } = takeBatch(cursor, size);
        if (rows.length > 0) yield rows;
        if (end !== undefined) {
          if ('error' in end) throw end.error;
          return;
        }
        if (performance.now() - this.#lastYield >= batchMs) {
          await yieldToEventLoop(options.signal);
          this.#lastYield = performance.now();
        }
      }
    } finally {
      this.#cursors.delete(cursor);
      cursor.close();
    }
  }

  #check(options: AbortOptions): void {
    options.signal?.throwIfAborted();
    if (this.#closing !== undefined) throw databaseClosed();
  }
}

/** Rows that came before an error are kept: they are valid. */
function takeBatch(cursor: Cursor, size: number): { rows: SqliteValue[][]; end?: { error: unknown } | { done: true } } {
  const rows: SqliteValue[][] = [];
  const until = performance.now() + batchMs;
  try {
    while (rows.length < size && performance.now() < until) {
      const row = cursor.next();
      if (row === undefined) return { rows, end: { done: true } };
      rows.push(row);
    }
    return { rows };
  } catch (error) {
    return { rows, end: { error } };
  }
}

function rowOf(names: readonly string[], values: readonly SqliteValue[]): SqliteRow {
  const row: SqliteRow = {};
  for (let i = 0; i < names.length; i++) row[names[i] ?? ''] = values[i] ?? null;
  return row;
}

/** Assigning to `__proto__` would change the prototype of the row. */
function rowOfAnyNames(names: readonly string[], values: readonly SqliteValue[]): SqliteRow {
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? null]));
}
