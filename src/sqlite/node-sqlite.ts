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

/** The part of `node:sqlite` that is used; the types of Node.js 20 do not have it. */
interface NodeSqlite {
  readonly DatabaseSync: {
    new (location: string, options?: { allowExtension?: boolean }): NodeDatabase;
    readonly prototype: Partial<NodeDatabase>;
  };
}
interface NodeDatabase {
  deserialize(bytes: Uint8Array): void;
  enableDefensive(on: boolean): void;
  exec(sql: string): void;
  prepare(sql: string): NodeStatement;
  close(): void;
}
interface NodeStatement {
  readonly sourceSQL: string;
  setReadBigInts(on: boolean): void;
  setReturnArrays(on: boolean): void;
  columns(): readonly { readonly name: string }[];
  iterate(...params: SqliteValue[]): Iterator<SqliteValue[], undefined>;
}

/**
 * A driver over Node's own `node:sqlite`. It holds the whole database in memory, for `node:sqlite` opens either a path,
 * beside which it would write and which an encrypted backup does not have, or bytes. It needs a Node.js whose
 * `DatabaseSync` has `deserialize()`; elsewhere opening fails with `DATABASE_DRIVER_UNAVAILABLE`.
 */
export function nodeSqliteDriver(options: MemoryDriverOptions = {}): SqliteDriver {
  const memoryBytes = memoryLimit(options);
  return {
    name: 'node:sqlite',
    async open(sources: SqliteSources, { signal }: AbortOptions = {}): Promise<SqliteDatabase> {
      signal?.throwIfAborted();
      const { DatabaseSync } = loadNodeSqlite();
      const bytes = await readWholeImage(sources, { memoryBytes, signal });
      const connection = connect(new DatabaseSync(':memory:', { allowExtension: false }), bytes);
      return new CursorDatabase({
        connection: () => connection,
        release: () => {
          connection.close();
        },
      });
    },
  };
}

/** Whether this Node.js has what {@link nodeSqliteDriver} needs. */
export function isNodeSqliteAvailable(): boolean {
  return builtinSqlite()?.DatabaseSync.prototype.deserialize !== undefined;
}

function builtinSqlite(): NodeSqlite | undefined {
  return process.getBuiltinModule?.('node:sqlite') as NodeSqlite | undefined;
}

function loadNodeSqlite(): NodeSqlite {
  const module = builtinSqlite();
  if (module?.DatabaseSync.prototype.deserialize !== undefined) return module;
  throw new DatabaseError(
    'DATABASE_DRIVER_UNAVAILABLE',
    `Node.js ${process.versions.node} has no node:sqlite that opens databases from memory; use a newer one, or the default driver`,
  );
}

function connect(database: NodeDatabase, bytes: Uint8Array): CursorConnection {
  try {
    // A file of no bytes is a database without tables, as ':memory:' is.
    if (bytes.length > 0) database.deserialize(bytes);
    // Node.js turns it on by itself, but the schema of a damaged database has to be read without.
    database.enableDefensive(false);
    readSchema((sql) => {
      database.exec(sql);
    });
    database.enableDefensive(true);
    database.exec('PRAGMA query_only = 1; PRAGMA trusted_schema = 0; PRAGMA temp_store = memory');
  } catch (error) {
    database.close();
    throw nodeError(error);
  }
  return {
    open: (sql, params) => openCursor(database, sql, params),
    close() {
      database.close();
    },
  };
}

function openCursor(database: NodeDatabase, sql: string, params: readonly SqliteValue[]): Cursor {
  checkSingleStatement(sql, '');
  const statement = attempt(() => database.prepare(sql));
  checkSingleStatement(sql, sql.slice(statement.sourceSQL.length));
  for (const [index, value] of params.entries()) checkValue(value, index);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  const rows = attempt(() => statement.iterate(...params));
  return {
    columnNames: statement.columns().map(({ name }) => name),
    next: () => attempt(() => rows.next().value?.map(exactInteger)),
    close: () => {
      rows.return?.();
    },
  };
}

function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw nodeError(error);
  }
}

/** Errors of `node:sqlite` carry SQLite's extended result code. */
function nodeError(cause: unknown): unknown {
  if (!(cause instanceof Error) || !('errcode' in cause) || typeof cause.errcode !== 'number') return cause;
  if (cause.errcode === resultCode.range) return new RangeError('More parameters were given than the statement takes');
  return databaseError(cause.errcode, cause.message, { cause });
}
