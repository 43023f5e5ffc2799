import assert from 'node:assert/strict';
import type { SqliteDriver, SqliteValue } from '../../../sqlite/driver.js';
import type { ConformanceCase } from '../conformance-case.js';
import { assertCode, databaseBytes, numbers, rowsOf, withDatabase } from './support.js';

/** Statements take parameters, give rows in order, and never write. */
export function statementCases(driver: SqliteDriver): readonly ConformanceCase[] {
  const refused: readonly (readonly [string, string])[] = [
    ['SQL with an error', 'SELEKT 1'],
    ['a table that does not exist', 'SELECT * FROM nowhere'],
    ['a second statement', 'SELECT 1; SELECT 2'],
    ['no statement', ' -- nothing'],
    ['INSERT', "INSERT INTO numbers VALUES (-1, '')"],
    ['DROP', 'DROP TABLE numbers'],
    ['CREATE', 'CREATE TABLE more (a)'],
    ['PRAGMA user_version =', 'PRAGMA user_version = 7'],
  ];
  return [
    {
      title: 'parameters of every type find the rows that hold them',
      async run() {
        const values: readonly SqliteValue[] = [1, 2.5, 2n ** 60n, 'a\0b', 'ü', Uint8Array.of(1, 2), new Uint8Array(0)];
        const bytes = await databaseBytes((db) => {
          db.exec('CREATE TABLE t (n INTEGER, value BLOB, whole INTEGER)');
          db.runMany(
            'INSERT INTO t VALUES (?, ?, ?)',
            values.map((value, n) => [n, value, typeof value === 'bigint' ? value : null]),
          );
        });
        await withDatabase(driver, bytes, async (db) => {
          for (const [n, value] of values.entries()) {
            const column = typeof value === 'bigint' ? 'whole' : 'value';
            assert.deepEqual(await rowsOf(db, `SELECT n FROM t WHERE ${column} = ?`, [value]), [[n]]);
          }
          assert.deepEqual(await rowsOf(db, 'SELECT ? IS NULL', [null]), [[1]]);
        });
      },
    },
    {
      title: 'wrong parameters are a TypeError or a RangeError',
      async run() {
        await withDatabase(driver, await databaseBytes(numbers(1)), async (db) => {
          await assert.rejects(rowsOf(db, 'SELECT ?', [true as unknown as number]), TypeError);
          await assert.rejects(rowsOf(db, 'SELECT ?', [2n ** 63n]), RangeError);
          await assert.rejects(rowsOf(db, 'SELECT ?', [1, 2]), RangeError);
        });
      },
    },
    {
      title: 'rows come in the order that was asked for, also where that takes a sort of many rows',
      async run() {
        await withDatabase(driver, await databaseBytes(numbers(20_000)), async (db) => {
          const ids = (await rowsOf(db, 'SELECT id FROM numbers ORDER BY label DESC, id')).flat();
          const expected = Array.from({ length: 20_000 }, (_unused, index) => index + 1);
          const label = (id: number): string => `number ${id} `.padEnd(50, '.');
          expected.sort((a, b) => (label(a) < label(b) ? 1 : -1));
          assert.deepEqual(ids, expected);
        });
      },
    },
    {
      title: 'query() gives rows by column name, queryBatches() the same rows as arrays',
      async run() {
        await withDatabase(driver, await databaseBytes(numbers(2_000)), async (db) => {
          const rows = await rowsOf(db, 'SELECT id, label FROM numbers ORDER BY id');
          let index = 0;
          for await (const row of db.query('SELECT id, label FROM numbers ORDER BY id')) {
            assert.deepEqual([row['id'], row['label']], rows[index]);
            index += 1;
          }
          assert.equal(index, 2_000);
        });
      },
    },
    {
      title: 'columns() and tables() name what is there, and give nothing for what is not',
      async run() {
        const bytes = await databaseBytes((db) => {
          db.exec(`CREATE TABLE second (a, "b c" TEXT, d AS (a + 1)); CREATE TABLE first (x INTEGER PRIMARY KEY AUTOINCREMENT);
            CREATE VIEW seen AS SELECT a AS z FROM second; CREATE INDEX i ON second (a)`);
        });
        await withDatabase(driver, bytes, async (db) => {
          assert.deepEqual(await db.tables(), ['second', 'first', 'seen']);
          assert.deepEqual(await db.columns('second'), ['a', 'b c', 'd']);
          assert.deepEqual(await db.columns('seen'), ['z']);
          assert.deepEqual(await db.columns('missing'), []);
        });
      },
    },
    ...refused.map(([what, sql]) => ({
      title: `${what} is refused with DATABASE_QUERY_FAILED, and the database stays usable`,
      async run() {
        await withDatabase(driver, await databaseBytes(numbers(3)), async (db) => {
          await assertCode(rowsOf(db, sql), 'DATABASE_QUERY_FAILED');
          assert.deepEqual(await rowsOf(db, 'SELECT count(*) FROM numbers; -- all'), [[3]]);
        });
      },
    })),
    {
      title: 'tables with unknown tokenizers, collations and functions do not disturb the others',
      async run() {
        const bytes = await databaseBytes((db) => {
          db.exec(`CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT);
            INSERT INTO people VALUES (1, 'Zoë'), (2, 'Alex');
            CREATE INDEX people_by_name ON people (name);
            CREATE VIEW odd AS SELECT missing_function(name) FROM people;
            PRAGMA writable_schema = 1;
            UPDATE sqlite_master SET sql = replace(sql, 'name TEXT', 'name TEXT COLLATE MISSING_COLLATION');
            INSERT INTO sqlite_master VALUES ('table', 'search', 'search', 0,
              'CREATE VIRTUAL TABLE search USING fts4(name, tokenize=ab_cf_tokenizer)')`);
        });
        await withDatabase(driver, bytes, async (db) => {
          assert.deepEqual(await rowsOf(db, 'SELECT id, name FROM people ORDER BY id'), [
            [1, 'Zoë'],
            [2, 'Alex'],
          ]);
          assert.deepEqual(await rowsOf(db, 'SELECT id FROM people WHERE name = ? COLLATE BINARY', ['Alex']), [[2]]);
          assert.ok((await db.tables()).includes('search'));
          await assertCode(rowsOf(db, 'SELECT id FROM people ORDER BY name'), 'DATABASE_QUERY_FAILED');
          await assertCode(rowsOf(db, 'SELECT * FROM search'), 'DATABASE_QUERY_FAILED');
          await assertCode(rowsOf(db, 'SELECT * FROM odd'), 'DATABASE_QUERY_FAILED');
        });
      },
    },
  ];
}
