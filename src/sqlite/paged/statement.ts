import { utf8Encode } from '../../core/bytes.js';
import { DatabaseError } from '../../core/errors.js';
import type { SqliteValue } from '../driver.js';
import { checkSingleStatement } from '../single-statement.js';
import { checkParameterCount, checkValue } from '../parameters.js';
import { resultCode } from '../sqlite-errors.js';
import type { Engine } from './engine.js';
import type { Pointer } from './wasm-api.js';

/** https://www.sqlite.org/c3ref/c_blob.html */
const storageClass = { integer: 1, float: 2, text: 3, blob: 4 } as const;
/** Longer texts are not kept to spare the next row's decoding. */
const longestKnownText = 256;
/** Tells SQLite to copy what is bound. */
const transient: Pointer = -1;

/** Compiles the one statement of `sql`. `fail` makes the error for the last failed call. */
export function compile(engine: Engine, db: Pointer, sql: string, fail: () => Error): Statement {
  return engine.withText(sql, (text, length) =>
    engine.withCells(2, (cells) => {
      if (engine.api.sqlite3_prepare_v3(db, text, length + 1, 0, cells, cells + 4) !== resultCode.ok) throw fail();
      const compiled = new Statement(engine, engine.u32(cells));
      try {
        checkSingleStatement(sql, engine.text(engine.u32(cells + 4)));
        return compiled;
      } catch (error) {
        compiled.finalize();
        throw error;
      }
    }),
  );
}

/** A compiled statement. */
export class Statement {
  readonly #engine: Engine;
  readonly #columnCount: number;
  /** Texts of the row before, by column. */
  readonly #texts: string[] = [];
  #statement: Pointer;

  constructor(engine: Engine, statement: Pointer) {
    this.#engine = engine;
    this.#statement = statement;
    this.#columnCount = statement === 0 ? 0 : engine.api.sqlite3_column_count(statement);
  }

  /** Whether it only reads. */
  get readOnly(): boolean {
    return this.#engine.api.sqlite3_stmt_readonly(this.#statement) !== 0;
  }

  /** Names of the columns of its rows. */
  columnNames(): string[] {
    return Array.from({ length: this.#columnCount }, (_, index) =>
      this.#engine.text(this.#engine.api.sqlite3_column_name(this.#statement, index)),
    );
  }

  /** Binds all parameters, by position. @throws TypeError or RangeError for values that SQLite does not have. */
  bind(params: readonly SqliteValue[]): void {
    checkParameterCount(params, this.#engine.api.sqlite3_bind_parameter_count(this.#statement));
    for (const [index, value] of params.entries()) {
      checkValue(value, index);
      const code = this.#bindOne(index + 1, value);
      if (code !== resultCode.ok)
        throw new DatabaseError('DATABASE_TOO_LARGE', `Parameter ${index + 1} is larger than SQLite takes`, {
          sqliteCode: code,
        });
    }
  }

  /** Goes to the next row: a result code, `row` where there is one. */
  step(): number {
    return this.#engine.api.sqlite3_step(this.#statement);
  }

  /** Makes it ready to run again. */
  reset(): void {
    this.#engine.api.sqlite3_reset(this.#statement);
  }

  /** The values of the current row, the caller's own. */
  row(): SqliteValue[] {
    const row: SqliteValue[] = [];
    for (let index = 0; index < this.#columnCount; index++) row.push(this.#value(index));
    return row;
  }

  /** The first value of the current row, which is a safe integer. */
  firstInteger(): number {
    return this.#engine.api.sqlite3_column_double(this.#statement, 0);
  }

  /** Frees it; calling it again does nothing. */
  finalize(): void {
    const statement = this.#statement;
    this.#statement = 0;
    if (statement !== 0 && !this.#engine.retired) this.#engine.api.sqlite3_finalize(statement);
  }

  #value(index: number): SqliteValue {
    const { api } = this.#engine;
    const statement = this.#statement;
    switch (api.sqlite3_column_type(statement, index)) {
      case storageClass.integer: {
        // Exact where it is safe, and much cheaper than a bigint.
        const value = api.sqlite3_column_double(statement, index);
        return Number.isSafeInteger(value) ? value : api.sqlite3_column_int64(statement, index);
      }
      case storageClass.float:
        return api.sqlite3_column_double(statement, index);
      case storageClass.text: {
        const address = api.sqlite3_column_text(statement, index);
        // Neighbours often have the same text, such as the domain of a file.
        const text = this.#engine.textOf(address, api.sqlite3_column_bytes(statement, index), this.#texts[index]);
        if (text.length <= longestKnownText) this.#texts[index] = text;
        return text;
      }
      case storageClass.blob: {
        const address = api.sqlite3_column_blob(statement, index);
        return this.#engine.bytes.slice(address, address + api.sqlite3_column_bytes(statement, index));
      }
      default:
        return null;
    }
  }

  #bindOne(index: number, value: SqliteValue): number {
    const { api } = this.#engine;
    const statement = this.#statement;
    if (value === null) return api.sqlite3_bind_null(statement, index);
    if (typeof value === 'bigint') return api.sqlite3_bind_int64(statement, index, value);
    if (typeof value === 'number') {
      if ((value | 0) === value) return api.sqlite3_bind_int(statement, index, value);
      return Number.isSafeInteger(value)
        ? api.sqlite3_bind_int64(statement, index, BigInt(value))
        : api.sqlite3_bind_double(statement, index, value);
    }
    const isText = typeof value === 'string';
    const bytes = isText ? utf8Encode(value) : value;
    const address = this.#engine.allocate(bytes.length + 1);
    try {
      this.#engine.bytes.set(bytes, address);
      return isText
        ? api.sqlite3_bind_text(statement, index, address, bytes.length, transient)
        : api.sqlite3_bind_blob(statement, index, address, bytes.length, transient);
    } finally {
      this.#engine.free(address);
    }
  }
}
