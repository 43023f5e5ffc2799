import { yieldToEventLoop, type AbortOptions } from '../core/abort.js';
import type { SqliteDatabase, SqliteRow, SqliteValue } from './driver.js';
import { databaseClosed } from './sqlite-errors.js';

/** The rows of one statement, one by one. All calls are synchronous. */
export interface Cursor {
  /** Names of the columns. */
  readonly columnNames: readonly string[];
  /** The next row, the caller's own; `undefined` after the last. Throws {@link DatabaseError}s. */
  next(): SqliteValue[] | undefined;
  /** The first value of the next row, a safe integer, where that is cheaper than the row; `undefined` after the last. */
  nextInteger?(): number | undefined;
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
/** Rows between two looks at the clock, which costs as much as a short row. */
const rowsBetweenLooks = 4;
/** Integers are many and small: their batches are longer, and one array holds them all. */
const largestIntegerBatch = 4096;

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

  /** The first column of a query that gives safe integers only, such as row ids. Each array is valid until the next one is asked for. */
  async *queryIntegers(
    sql: string,
    params: readonly SqliteValue[],
    options: AbortOptions,
  ): AsyncGenerator<Float64Array, void, undefined> {
    const cursor = await this.#open(sql, params, options);
    const room = new Float64Array(largestIntegerBatch);
    yield* this.#turns(cursor, options, () => {
      const { count, end } = takeIntegers(cursor, room);
      return { batch: count === 0 ? undefined : room.subarray(0, count), end };
    });
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

  #batches(cursor: Cursor, options: AbortOptions): AsyncGenerator<SqliteValue[][], void, undefined> {
    let size = firstBatchRows;
    return this.#turns(cursor, options, () => {
      const { rows, end } = takeBatch(cursor, size);
      size = Math.min(size * 2, largestBatchRows);
      return { batch: rows.length === 0 ? undefined : rows, end };
    });
  }

  /** Batch after batch, with a turn for everything else between them. */
  async *#turns<T>(
    cursor: Cursor,
    options: AbortOptions,
    take: () => { batch: T | undefined; end: End | undefined },
  ): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        this.#check(options);
        const { batch, end } = take();
        if (batch !== undefined) yield batch;
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

/** How the rows of a statement end. */
type End = { error: unknown } | { done: true };

/** Rows that came before an error are kept: they are valid. */
function takeBatch(cursor: Cursor, size: number): { rows: SqliteValue[][]; end?: End } {
  const rows: SqliteValue[][] = [];
  const until = performance.now() + batchMs;
  try {
    while (rows.length < size && (rows.length % rowsBetweenLooks > 0 || performance.now() < until)) {
      const row = cursor.next();
      if (row === undefined) return { rows, end: { done: true } };
      rows.push(row);
    }
    return { rows };
  } catch (error) {
    return { rows, end: { error } };
  }
}

/** The same for integers. */
function takeIntegers(cursor: Cursor, room: Float64Array): { count: number; end?: End } {
  let count = 0;
  const until = performance.now() + batchMs;
  try {
    while (count < room.length && (count % rowsBetweenLooks > 0 || performance.now() < until)) {
      const integer = cursor.nextInteger === undefined ? integerOf(cursor.next()) : cursor.nextInteger();
      if (integer === undefined) return { count, end: { done: true } };
      room[count] = integer;
      count += 1;
    }
    return { count };
  } catch (error) {
    return { count, end: { error } };
  }
}

const integerOf = (row: readonly SqliteValue[] | undefined): number | undefined => row && Number(row[0]);

function rowOf(names: readonly string[], values: readonly SqliteValue[]): SqliteRow {
  const row: SqliteRow = {};
  for (let i = 0; i < names.length; i++) row[names[i] ?? ''] = values[i] ?? null;
  return row;
}

/** Assigning to `__proto__` would change the prototype of the row. */
function rowOfAnyNames(names: readonly string[], values: readonly SqliteValue[]): SqliteRow {
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? null]));
}
