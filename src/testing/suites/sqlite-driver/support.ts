import assert from 'node:assert/strict';
import { memorySource } from '../../../core/byte-source.js';
import type { ErrorCode } from '../../../core/error-codes.js';
import { isBackupKitError } from '../../../core/errors.js';
import type { SqliteDatabase, SqliteDriver, SqliteSources, SqliteValue } from '../../../sqlite/driver.js';
import { createDatabase, type CreateDatabaseOptions, type WritableDatabase } from '../../../sqlite/writable.js';

/** A database to read, made by `fill`. */
export async function databaseBytes(
  fill: (db: WritableDatabase) => void,
  options?: CreateDatabaseOptions,
): Promise<Uint8Array> {
  const db = await createDatabase(options);
  try {
    fill(db);
    return db.serialize();
  } finally {
    db.close();
  }
}

/** A table `numbers(id INTEGER PRIMARY KEY, label TEXT)` of `count` rows, about 60 bytes each, with ids from 1 on. */
export function numbers(count: number): (db: WritableDatabase) => void {
  return (db) => {
    db.exec('CREATE TABLE numbers (id INTEGER PRIMARY KEY, label TEXT)');
    db.runMany(
      'INSERT INTO numbers VALUES (?, ?)',
      Array.from({ length: count }, (_unused, index) => [index + 1, `number ${index + 1} `.padEnd(50, '.')]),
    );
  };
}

/** Opens bytes with the driver for the time of `use`. */
export async function withDatabase<T>(
  driver: SqliteDriver,
  sources: Uint8Array | SqliteSources,
  use: (db: SqliteDatabase) => Promise<T>,
): Promise<T> {
  const db = await driver.open(sources instanceof Uint8Array ? { db: memorySource(sources) } : sources);
  try {
    return await use(db);
  } finally {
    await db.close();
  }
}

/** All rows as arrays. */
export async function rowsOf(
  db: SqliteDatabase,
  sql: string,
  params: readonly SqliteValue[] = [],
): Promise<(readonly SqliteValue[])[]> {
  const rows: (readonly SqliteValue[])[] = [];
  for await (const batch of db.queryBatches(sql, params)) rows.push(...batch);
  return rows;
}

/** Asserts that `work` fails with one of our codes. */
export async function assertCode(work: Promise<unknown>, ...codes: ErrorCode[]): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(isBackupKitError(error, ...codes), `expected ${codes.join(' or ')}, got ${String(error)}`);
    return true;
  });
}
