import assert from 'node:assert/strict';
import type { SqliteDriver } from '../../../sqlite/driver.js';
import type { ConformanceCase } from '../conformance-case.js';
import { assertCode, databaseBytes, numbers, rowsOf, withDatabase } from './support.js';

const pageSize = 4096;

/** What can be read of a damaged database is read. */
export function damageCases(driver: SqliteDriver): readonly ConformanceCase[] {
  return [
    {
      title: 'rows before a damaged page are given, then DATABASE_CORRUPT is thrown; other tables are not affected',
      async run() {
        const bytes = await databaseBytes((db) => {
          numbers(2_000)(db);
          db.exec('CREATE TABLE other AS SELECT id FROM numbers WHERE id <= 10');
        });
        const at = indexOfText(bytes, 'number 1000 ');
        bytes.fill(0xee, at - (at % pageSize), at - (at % pageSize) + 8);
        await withDatabase(driver, bytes, async (db) => {
          const ids: unknown[] = [];
          await assertCode(
            (async () => {
              for await (const row of db.query('SELECT id, label FROM numbers ORDER BY id')) ids.push(row['id']);
            })(),
            'DATABASE_CORRUPT',
          );
          assert.ok(ids.length > 800 && ids.length < 1_000, `${ids.length} rows were given`);
          assert.deepEqual(
            ids,
            ids.map((_id, index) => index + 1),
          );
          assert.deepEqual(await rowsOf(db, 'SELECT count(*) FROM other'), [[10]]);
        });
      },
    },
    {
      title: 'a database that was cut off gives what is left of it',
      async run() {
        const bytes = await databaseBytes(numbers(2_000));
        const cut = bytes.subarray(0, Math.floor(bytes.length / 2 / pageSize) * pageSize + 100);
        await withDatabase(driver, cut, async (db) => {
          let count = 0;
          await assertCode(
            (async () => {
              for await (const batch of db.queryBatches('SELECT id, label FROM numbers')) count += batch.length;
            })(),
            'DATABASE_CORRUPT',
          );
          assert.ok(count > 500, `${count} rows were given`);
        });
      },
    },
    {
      title: 'a schema with an object that makes no sense still gives the tables that do',
      async run() {
        const bytes = await databaseBytes((db) => {
          numbers(3)(db);
          db.exec(`CREATE TABLE broken (a); PRAGMA writable_schema = 1;
            UPDATE sqlite_master SET sql = 'CREATE TABLE broken (' WHERE name = 'broken'`);
        });
        await withDatabase(driver, bytes, async (db) => {
          assert.deepEqual(await rowsOf(db, 'SELECT count(*) FROM numbers'), [[3]]);
        });
      },
    },
  ];
}

function indexOfText(bytes: Uint8Array, text: string): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(text);
}
