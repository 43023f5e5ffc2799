import type { AbortOptions } from '../core/abort.js';
import { DatabaseError } from '../core/errors.js';
import { CursorDatabase, type Cursor, type CursorConnection } from './cursor-database.js';
import type { SqliteDatabase, SqliteDriver, SqliteSources, SqliteValue } from './driver.js';
import { readWholeImage } from './image/whole-image.js';
import { memoryLimit, type MemoryDriverOptions } from './driver-options.js';
import { checkValue, exactInteger } from './parameters.js';
import { readSchema } from './read-schema.js';
import { checkSingleStatement } from './single-statement.js';
import { databaseError, resultCode } from './sqlite-errors.js';

/** The part of sql.js that is used. Its types do not know `useBigInt`, nor bigint parameters. */
interface SqlJs {
  readonly Database: new (bytes: Uint8Array) => SqlJsDatabase;
}
interface SqlJsDatabase {
  run(sql: string): unknown;
  prepare(sql: string): SqlJsStatement;
  close(): void;
}
interface SqlJsStatement {
  bind(params: readonly SqliteValue[]): boolean;
  step(): boolean;
  get(params: null, options: { useBigInt: true }): SqliteValue[];
  getColumnNames(): string[];
  getSQL(): string;
  free(): boolean;
}

/**
 * A driver over the package `sql.js`, which an application may ship already; it must be installed beside this package.
 * The whole database is held in memory, so the default driver is better wherever there is a choice. sql.js has no 64-bit
 * parameters: a bigint beyond ±(2^53 − 1) arrives as text, which compares as a number with columns of type INTEGER; and it
 * drops a byte order mark at the start of a text.
 */
export function sqlJsDriver(options: MemoryDriverOptions = {}): SqliteDriver {
  const memoryBytes = memoryLimit(options);
  return {
    name: 'sql.js',
    async open(sources: SqliteSources, { signal }: AbortOptions = {}): Promise<SqliteDatabase> {
      signal?.throwIfAborted();
      const { Database } = await loadSqlJs();
      const connection = connect(new Database(await readWholeImage(sources, { memoryBytes, signal })));
      return new CursorDatabase({
        connection: () => connection,
        release: () => {
          connection.close();
        },
      });
    },
  };
}

let loading: Promise<SqlJs> | undefined;

async function loadSqlJs(): Promise<SqlJs> {
  try {
    loading ??= import('sql.js').then(async (module) => (await module.default()) as unknown as SqlJs);
    return await loading;
  } catch (cause) {
    loading = undefined;
    throw new DatabaseError(
      'DATABASE_DRIVER_UNAVAILABLE',
      'The package sql.js cannot be loaded; install it, or use the default driver',
      { cause },
    );
  }
}

function connect(database: SqlJsDatabase): CursorConnection {
  try {
    readSchema((sql) => database.run(sql));
    database.run('PRAGMA query_only = 1; PRAGMA trusted_schema = 0');
  } catch (error) {
    database.close();
    throw sqlJsError(error);
  }
  return {
    open: (sql, params) => openCursor(database, sql, params),
    close() {
      database.close();
    },
  };
}

function openCursor(database: SqlJsDatabase, sql: string, params: readonly SqliteValue[]): Cursor {
  checkSingleStatement(sql, '');
  const statement = attempt(() => database.prepare(sql));
  let open = true;
  const close = (): void => {
    if (open) statement.free();
    open = false;
  };
  try {
    checkSingleStatement(sql, sql.slice(statement.getSQL().length));
    for (const [index, value] of params.entries()) checkValue(value, index);
    attempt(() => statement.bind(params.map(exactInteger)));
    return {
      columnNames: statement.getColumnNames(),
      next: () =>
        attempt(() => (statement.step() ? statement.get(null, { useBigInt: true }).map(exactInteger) : undefined)),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw sqlJsError(error);
  }
}

/** Messages of https://www.sqlite.org/c3ref/errcode.html, which are all that sql.js tells of an error. */
const codesByMessage: readonly (readonly [RegExp, number])[] = [
  [/file is not a database/, resultCode.notADatabase],
  [/disk image is malformed|malformed database schema|database corruption/, resultCode.corrupt],
  [/disk I\/O error/, resultCode.ioError],
  [/unable to open database file/, resultCode.cantOpen],
  [/out of memory|Cannot enlarge memory/, resultCode.noMemory],
  [/string or blob too big/, resultCode.tooBig],
  [/attempt to write a readonly database/, resultCode.readOnly],
];

function sqlJsError(cause: unknown): Error {
  if (cause instanceof WebAssembly.RuntimeError) return databaseError(resultCode.corrupt, cause.message, { cause });
  const message = cause instanceof Error ? cause.message : String(cause);
  if (message === 'column index out of range')
    return new RangeError('More parameters were given than the statement takes');
  const code = codesByMessage.find(([pattern]) => pattern.test(message))?.[1] ?? resultCode.error;
  return databaseError(code, message, { cause });
}
