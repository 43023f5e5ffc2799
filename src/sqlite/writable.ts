import { databaseClosed } from './sqlite-errors.js';
import type { SqliteValue } from './driver.js';
import { isPageSize, sqliteFormat } from './image/sqlite-format.js';
import { walCommitBetween, writeWal } from './image/write-wal.js';
import { Connection } from './paged/connection.js';
import { loadEngine } from './paged/engine.js';
import type { Statement } from './paged/statement.js';

/** Options of {@link createDatabase}. */
export interface CreateDatabaseOptions {
  /** In bytes, a power of two from 512 to 65,536; 4096 by default. */
  pageSize?: number | undefined;
  /** `none` by default; a Manifest.db has `incremental`. */
  autoVacuum?: 'none' | 'full' | 'incremental' | undefined;
  /** The application's own version of the schema, in the header; 0 by default. */
  userVersion?: number | undefined;
  /** The application's own magic number, in the header; 0 by default. */
  applicationId?: number | undefined;
  /** Whether the header says that the database is in WAL mode, as those of iOS do; `false` by default. */
  walHeader?: boolean | undefined;
}

/** A database in memory that can be written, and given out as the bytes of its files. All calls are synchronous. */
export interface WritableDatabase {
  /** Runs statements without parameters. @throws {@link DatabaseError} with code `DATABASE_QUERY_FAILED`. */
  exec(sql: string): void;
  /** Runs one statement. It stays compiled, so running it again is quick. @throws {@link DatabaseError} with code `DATABASE_QUERY_FAILED`. */
  run(sql: string, params?: readonly SqliteValue[]): void;
  /** Runs one statement for each row of parameters, in one transaction: all or nothing. */
  runMany(sql: string, rows: Iterable<readonly SqliteValue[]>): void;
  /**
   * Lays all that was written so far into the main file of {@link WritableDatabase.serializeWithWal}. Where it is never
   * called, that file has one empty page.
   */
  checkpoint(): void;
  /** The bytes of the database as one file. */
  serialize(): Uint8Array;
  /**
   * The bytes of the database as two files: the main one as of the last {@link WritableDatabase.checkpoint}, in WAL mode,
   * and the `-wal` with what was changed since.
   */
  serializeWithWal(): { readonly db: Uint8Array; readonly wal: Uint8Array };
  /** Frees its memory; calling it again does nothing. */
  close(): void;
}

const autoVacuumModes = { none: 0, full: 1, incremental: 2 } as const;

/** How many statements of `run` stay compiled. */
const compiledStatements = 32;

/** A new database in memory. Its text is stored as UTF-8: the engine is compiled without UTF-16. */
export async function createDatabase(options: CreateDatabaseOptions = {}): Promise<WritableDatabase> {
  const { pageSize = 4096, autoVacuum = 'none', userVersion = 0, applicationId = 0, walHeader = false } = options;
  if (!isPageSize(pageSize)) throw new RangeError(`pageSize must be a power of two from 512 to 65536, not ${pageSize}`);
  checkInt32(userVersion, 'userVersion');
  checkInt32(applicationId, 'applicationId');
  const connection = new Connection(await loadEngine(), { name: ':memory:' });
  // Setting the user version writes page 1, so that even a database without tables has one.
  connection.execute(
    `PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = ${autoVacuumModes[autoVacuum]};
     PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${userVersion}`,
  );
  return new MemoryDatabase(connection, { pageSize, walHeader });
}

function checkInt32(value: number, name: string): void {
  if ((value | 0) !== value) throw new RangeError(`${name} must be a 32-bit integer, not ${value}`);
}

class MemoryDatabase implements WritableDatabase {
  readonly #connection: Connection;
  readonly #pageSize: number;
  readonly #walHeader: boolean;
  /** By their SQL, least recently used first. */
  readonly #statements = new Map<string, Statement>();
  #main: Uint8Array;
  #closed = false;

  constructor(connection: Connection, options: { pageSize: number; walHeader: boolean }) {
    this.#connection = connection;
    this.#pageSize = options.pageSize;
    this.#walHeader = options.walHeader;
    this.#main = this.#image(true);
  }

  exec(sql: string): void {
    this.#check();
    this.#connection.execute(sql);
  }

  run(sql: string, params: readonly SqliteValue[] = []): void {
    this.#check();
    this.#connection.run(this.#compiled(sql), params);
  }

  runMany(sql: string, rows: Iterable<readonly SqliteValue[]>): void {
    this.exec('SAVEPOINT run_many');
    try {
      for (const params of rows) this.run(sql, params);
    } catch (error) {
      this.exec('ROLLBACK TO run_many; RELEASE run_many');
      throw error;
    }
    this.exec('RELEASE run_many');
  }

  checkpoint(): void {
    this.#check();
    this.#main = this.#image(true);
  }

  serialize(): Uint8Array {
    this.#check();
    return this.#image(this.#walHeader);
  }

  serializeWithWal(): { db: Uint8Array; wal: Uint8Array } {
    this.#check();
    const commit = walCommitBetween(this.#main, this.#image(true), this.#pageSize);
    return {
      db: this.#main.slice(),
      wal: writeWal(commit === undefined ? [] : [commit], { pageSize: this.#pageSize }),
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const statement of this.#statements.values()) statement.finalize();
    this.#connection.close();
  }

  #image(walMode: boolean): Uint8Array {
    const bytes = this.#connection.serialize();
    bytes[sqliteFormat.writeVersionOffset] = walMode ? 2 : 1;
    bytes[sqliteFormat.readVersionOffset] = walMode ? 2 : 1;
    return bytes;
  }

  #compiled(sql: string): Statement {
    const statement = this.#statements.get(sql) ?? this.#connection.prepare(sql);
    this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > compiledStatements) {
      const [[oldestSql, oldest]] = this.#statements as unknown as [[string, Statement]];
      this.#statements.delete(oldestSql);
      oldest.finalize();
    }
    return statement;
  }

  #check(): void {
    if (this.#closed) throw databaseClosed();
  }
}
