import type { WasmFunction } from './wrap-functions.js';

/** An address in the memory of the engine; 0 is NULL. */
export type Pointer = number;

/** The C functions that are used, as the WASM module exports them. Documentation: https://www.sqlite.org/c3ref/funclist.html */
export interface SqliteFunctions {
  sqlite3_open_v2(name: Pointer, db: Pointer, flags: number, vfs: Pointer): number;
  sqlite3_close_v2(db: Pointer): number;
  sqlite3_extended_errcode(db: Pointer): number;
  sqlite3_errmsg(db: Pointer): Pointer;
  sqlite3_extended_result_codes(db: Pointer, on: number): number;
  sqlite3_limit(db: Pointer, id: number, value: number): number;
  sqlite3_progress_handler(db: Pointer, operations: number, callback: Pointer, context: Pointer): void;
  sqlite3_prepare_v3(
    db: Pointer,
    sql: Pointer,
    bytes: number,
    flags: number,
    statement: Pointer,
    tail: Pointer,
  ): number;
  sqlite3_stmt_readonly(statement: Pointer): number;
  sqlite3_step(statement: Pointer): number;
  sqlite3_reset(statement: Pointer): number;
  sqlite3_finalize(statement: Pointer): number;
  sqlite3_bind_parameter_count(statement: Pointer): number;
  sqlite3_bind_null(statement: Pointer, index: number): number;
  sqlite3_bind_int(statement: Pointer, index: number, value: number): number;
  sqlite3_bind_int64(statement: Pointer, index: number, value: bigint): number;
  sqlite3_bind_double(statement: Pointer, index: number, value: number): number;
  sqlite3_bind_text(statement: Pointer, index: number, text: Pointer, bytes: number, destructor: Pointer): number;
  sqlite3_bind_blob(statement: Pointer, index: number, blob: Pointer, bytes: number, destructor: Pointer): number;
  sqlite3_column_count(statement: Pointer): number;
  sqlite3_column_name(statement: Pointer, index: number): Pointer;
  sqlite3_column_type(statement: Pointer, index: number): number;
  sqlite3_column_double(statement: Pointer, index: number): number;
  sqlite3_column_int64(statement: Pointer, index: number): bigint;
  sqlite3_column_text(statement: Pointer, index: number): Pointer;
  sqlite3_column_blob(statement: Pointer, index: number): Pointer;
  sqlite3_column_bytes(statement: Pointer, index: number): number;
  sqlite3_exec(db: Pointer, sql: Pointer, callback: Pointer, context: Pointer, message: Pointer): number;
  sqlite3_serialize(db: Pointer, schema: Pointer, size: Pointer, flags: number): Pointer;
  sqlite3_free(address: Pointer): void;
  sqlite3_malloc(bytes: number): Pointer;
  sqlite3_vfs_register(vfs: Pointer, isDefault: number): number;
  sqlite3__wasm_db_config_ip(db: Pointer, operation: number, on: number, result: Pointer): number;
}

/** SQLite, loaded. */
export interface SqliteModule {
  readonly exports: SqliteFunctions;
  readonly memory: WebAssembly.Memory;
  /** Addresses under which SQLite can call functions of JavaScript. */
  install(functions: readonly WasmFunction[]): Pointer[];
}
