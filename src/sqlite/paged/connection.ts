import type { SqliteValue } from '../driver.js';
import type { Cursor, CursorConnection } from '../cursor-database.js';
import { databaseError, resultCode, writeRefused } from '../sqlite-errors.js';
import type { Engine } from './engine.js';
import { compile, type Statement } from './statement.js';
import type { Pointer } from './wasm-api.js';

/** https://www.sqlite.org/c3ref/c_open_autoproxy.html */
const openFlags = { readOnly: 0x1, readWriteCreate: 0x6, extendedCodes: 0x0200_0000 } as const;
/** https://www.sqlite.org/c3ref/c_dbconfig_defensive.html */
const configuration = { defensive: 1010, trustedSchema: 1017 } as const;
/** https://www.sqlite.org/c3ref/c_limit_attached.html */
const limits = { length: 0, attached: 7 } as const;
/** Longest value in bytes: a string of Node.js cannot have more characters. */
const longestValue = 2 ** 29 - 24;

/** How long reading a schema may take, in milliseconds: what comes before the first row of a statement. */
const schemaLimitMs = 10_000;

/** What a connection opens. */
export interface ConnectionTarget {
  /** `:memory:`, or a name among the engine's files. */
  readonly name: string;
  /** Name of the file system; the engine's own one where absent. */
  readonly vfs?: string | undefined;
  /** Takes the error that a read for SQLite failed with, which then goes before SQLite's own. */
  takeFailure?(): { readonly error: unknown } | undefined;
}

/** A connection of one engine to one database. All calls are synchronous. */
export class Connection implements CursorConnection {
  readonly engine: Engine;
  readonly #target: ConnectionTarget;
  readonly #db: Pointer;
  readonly #stepLimitMs: number;
  #closed = false;

  /** @throws {@link DatabaseError}, or the error that a read failed with. `stepLimitMs` bounds the time between two rows. */
  constructor(engine: Engine, target: ConnectionTarget, stepLimitMs = Infinity) {
    this.engine = engine;
    this.#target = target;
    this.#stepLimitMs = stepLimitMs;
    const { vfs } = target;
    const flags = openFlags.extendedCodes | (vfs === undefined ? openFlags.readWriteCreate : openFlags.readOnly);
    const open = (vfsName: Pointer): { code: number; db: Pointer } =>
      engine.withText(target.name, (name) =>
        engine.withCells(1, (cell) => ({
          code: engine.api.sqlite3_open_v2(name, cell, flags, vfsName),
          db: engine.u32(cell),
        })),
      );
    const { code, db } = engine.run(() => (vfs === undefined ? open(0) : engine.withText(vfs, open)));
    this.#db = db;
    if (code !== resultCode.ok) {
      const failure = this.#failure();
      this.close();
      throw failure;
    }
    if (stepLimitMs !== Infinity) engine.watch(db);
  }

  /** Turns off whatever could write, or let the schema of the database do more than describe it. */
  harden(): void {
    this.#configure(configuration.defensive, true);
    this.#configure(configuration.trustedSchema, false);
    this.engine.api.sqlite3_limit(this.#db, limits.attached, 0);
    this.engine.api.sqlite3_limit(this.#db, limits.length, longestValue);
    this.execute('PRAGMA query_only = 1; PRAGMA temp_store = memory');
  }

  /** Runs statements without parameters and rows. */
  execute(sql: string): void {
    const { engine } = this;
    this.#startClock(schemaLimitMs);
    engine.run(() => {
      const code = engine.withText(sql, (text) => engine.api.sqlite3_exec(this.#db, text, 0, 0, 0));
      if (code !== resultCode.ok) throw this.#failure();
    });
  }

  /** Compiles one statement, which the caller finalises. */
  prepare(sql: string): Statement {
    this.#startClock(schemaLimitMs);
    return this.engine.run(() => compile(this.engine, this.#db, sql, () => this.#failure()));
  }

  /** Runs a statement of {@link Connection.prepare} to its end. */
  run(statement: Statement, params: readonly SqliteValue[]): void {
    statement.bind(params);
    try {
      while (this.#step(statement)) continue;
    } finally {
      statement.reset();
    }
  }

  open(sql: string, params: readonly SqliteValue[]): Cursor {
    const statement = this.prepare(sql);
    try {
      if (!statement.readOnly) throw writeRefused();
      statement.bind(params);
      return {
        columnNames: statement.columnNames(),
        next: () => (this.#step(statement) ? statement.row() : undefined),
        nextInteger: () => (this.#step(statement) ? statement.firstInteger() : undefined),
        close: () => {
          statement.finalize();
        },
      };
    } catch (error) {
      statement.finalize();
      throw error;
    }
  }

  /** The bytes of an in-memory database as a file; none before anything was written. */
  serialize(): Uint8Array {
    const { engine } = this;
    return engine.run(() =>
      engine.withText('main', (schema) =>
        engine.withCells(2, (size) => {
          const address = engine.api.sqlite3_serialize(this.#db, schema, size, 0);
          const length = engine.u32(size);
          if (address === 0) {
            if (length === 0) return new Uint8Array(0);
            throw databaseError(resultCode.noMemory, `${length} bytes`);
          }
          const bytes = engine.bytes.slice(address, address + length);
          engine.free(address);
          return bytes;
        }),
      ),
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.engine.retired) this.engine.api.sqlite3_close_v2(this.#db);
  }

  /** Goes to the next row; `false` after the last. */
  #step(statement: Statement): boolean {
    this.#startClock(Infinity);
    let code: number;
    // For every row: a function to run would cost more than many steps do.
    try {
      code = statement.step();
    } catch (error) {
      throw this.engine.broken(error);
    }
    if (code === resultCode.row) return true;
    if (code === resultCode.done) return false;
    throw this.#failure();
  }

  #startClock(limitMs: number): void {
    if (this.#stepLimitMs !== Infinity) this.engine.allow(Math.min(limitMs, this.#stepLimitMs));
  }

  #configure(operation: number, on: boolean): void {
    this.engine.api.sqlite3__wasm_db_config_ip(this.#db, operation, on ? 1 : 0, 0);
  }

  /** The error for the last call that failed. */
  #failure(): Error {
    const { code, message } = this.engine.lastError(this.#db);
    const original = this.#target.takeFailure?.();
    if (original !== undefined && (code & 0xff) === resultCode.ioError) return original.error as Error;
    return databaseError(code, message);
  }
}
