import assert from 'node:assert/strict';
import type { SqliteDriver, SqliteValue } from '../../../sqlite/driver.js';
import type { ConformanceCase } from '../conformance-case.js';
import { utf16Database } from '../utf16-database.js';
import { databaseBytes, rowsOf, withDatabase } from './support.js';

const integers: readonly SqliteValue[] = [
  0,
  -1,
  2 ** 31,
  -(2 ** 31) - 1,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  2n ** 53n,
  -(2n ** 53n) - 1n,
  790_000_000_123_456_789n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];
const texts = ['', 'plain', 'nul\0inside', 'Grüße 👋 e\u0301', 'x'.repeat(100_000)];
const utf16Texts = ['', 'plain', 'Grüße 👋', '日本語'];

/** Columns come with their exact values. */
export function valueCases(driver: SqliteDriver): readonly ConformanceCase[] {
  const stored = async (values: readonly SqliteValue[], type = 'BLOB'): Promise<SqliteValue[]> => {
    const bytes = await databaseBytes((db) => {
      db.exec(`CREATE TABLE stored (id INTEGER PRIMARY KEY, value ${type})`);
      db.runMany(
        'INSERT INTO stored (value) VALUES (?)',
        values.map((value) => [value]),
      );
    });
    return await withDatabase(driver, bytes, async (db) =>
      (await rowsOf(db, 'SELECT value FROM stored ORDER BY id')).map(([value]) => value ?? null),
    );
  };
  return [
    {
      title: 'integers are exact: numbers up to 2^53 − 1, bigints beyond',
      async run() {
        assert.deepEqual(await stored(integers, 'INTEGER'), integers);
      },
    },
    {
      title: 'reals keep their value',
      async run() {
        const reals = [0.5, -1e300, 5e-324, Infinity, 1e15 + 0.5];
        assert.deepEqual(await stored(reals, 'REAL'), reals);
      },
    },
    {
      title: 'text keeps NULs, astral characters and its length',
      async run() {
        assert.ok((await stored(texts, 'TEXT')).every((text, index) => text === texts[index]));
      },
    },
    {
      title: 'text that is not UTF-8 is given with replacement characters',
      async run() {
        const bytes = await databaseBytes((db) => {
          db.exec("CREATE TABLE t (a TEXT); INSERT INTO t VALUES (CAST(x'41FF42' AS TEXT))");
        });
        await withDatabase(driver, bytes, async (db) => {
          assert.deepEqual(await rowsOf(db, 'SELECT a FROM t'), [['A\uFFFDB']]);
        });
      },
    },
    {
      title: 'blobs are plain arrays of their own, and an empty one is not NULL',
      async run() {
        const blob = Uint8Array.from({ length: 70_000 }, (_unused, index) => index % 251);
        const [first, empty, none] = await stored([blob, new Uint8Array(0), null]);
        assert.deepEqual(first, blob);
        assert.equal(Object.getPrototypeOf(first), Uint8Array.prototype);
        assert.equal((first as Uint8Array).buffer.byteLength, blob.length);
        assert.deepEqual(empty, new Uint8Array(0));
        assert.equal(none, null);
      },
    },
    {
      title: 'values keep the type they are stored with, whatever the column declares',
      async run() {
        const values = ['text', 3, 2.5, Uint8Array.of(1), null];
        assert.deepEqual(await stored(values), values);
      },
    },
    {
      title: 'a column named __proto__ is a column like others',
      async run() {
        const bytes = await databaseBytes((db) => {
          db.exec(`CREATE TABLE t ("__proto__" BLOB, a INTEGER); INSERT INTO t VALUES (x'01', 2)`);
        });
        await withDatabase(driver, bytes, async (db) => {
          for await (const row of db.query('SELECT * FROM t')) {
            assert.deepEqual(Object.entries(row), [
              ['__proto__', Uint8Array.of(1)],
              ['a', 2],
            ]);
          }
        });
      },
    },
    ...(['utf-16le', 'utf-16be'] as const).map((encoding) => ({
      title: `a database in ${encoding} is read and searched like any other`,
      async run() {
        await withDatabase(driver, utf16Database(utf16Texts, encoding), async (db) => {
          assert.deepEqual((await rowsOf(db, 'SELECT text FROM notes ORDER BY id')).flat(), utf16Texts);
          assert.deepEqual(await rowsOf(db, 'SELECT id FROM notes WHERE text = ?', ['日本語']), [[4]]);
          assert.deepEqual(await rowsOf(db, "SELECT length(text) FROM notes WHERE text LIKE '%👋'"), [[7]]);
        });
      },
    })),
  ];
}
