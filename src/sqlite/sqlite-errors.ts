import { DatabaseError } from '../core/errors.js';

/** Primary result codes of SQLite that this layer tells apart. SQLite facts: https://www.sqlite.org/rescode.html */
export const resultCode = {
  ok: 0,
  error: 1,
  noMemory: 7,
  readOnly: 8,
  interrupt: 9,
  ioError: 10,
  corrupt: 11,
  notFound: 12,
  cantOpen: 14,
  tooBig: 18,
  format: 24,
  range: 25,
  notADatabase: 26,
  row: 100,
  done: 101,
} as const;

/** The {@link DatabaseError} for a result code of SQLite (extended or not) and the message that came with it. */
export function databaseError(sqliteCode: number, message: string, options: ErrorOptions = {}): DatabaseError {
  const withCode = { ...options, sqliteCode };
  switch (sqliteCode & 0xff) {
    case resultCode.notADatabase:
      return new DatabaseError(
        'DATABASE_CORRUPT',
        'The bytes are not a SQLite database, or they are encrypted',
        withCode,
      );
    case resultCode.corrupt:
    case resultCode.format:
    case resultCode.ioError:
    case resultCode.cantOpen:
      return new DatabaseError('DATABASE_CORRUPT', `The database is damaged (${message})`, withCode);
    case resultCode.noMemory:
    case resultCode.tooBig:
      return new DatabaseError('DATABASE_TOO_LARGE', `SQLite ran out of memory or of a limit (${message})`, withCode);
    case resultCode.interrupt:
      return new DatabaseError(
        'DATABASE_QUERY_FAILED',
        'The query was ended because it took too long without giving a row; make it simpler or raise the limit',
        withCode,
      );
    default:
      return new DatabaseError('DATABASE_QUERY_FAILED', `SQLite rejected the statement: ${message}`, withCode);
  }
}

/** The error of every call on a database after its `close()`. */
export function databaseClosed(): DatabaseError {
  return new DatabaseError('DATABASE_CLOSED', 'The database was closed; keep it open until all queries have ended');
}

/** The error for a statement that would write. */
export function writeRefused(): DatabaseError {
  return new DatabaseError('DATABASE_QUERY_FAILED', 'The statement would write, but databases are read-only here', {
    sqliteCode: resultCode.readOnly,
  });
}
