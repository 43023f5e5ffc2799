import initSqlJs from 'sql.js';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../src/core/byte-source.js';
import { pagedDriver } from '../../src/sqlite/paged/paged-driver.js';
import { sqlJsDriver } from '../../src/sqlite/sql-js.js';
import { rowsOf } from './support.js';

const schema = `
  CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT, blob BLOB);
  CREATE INDEX notes_by_text ON notes (text COLLATE NOCASE);
  CREATE TABLE pairs (k TEXT, v REAL, n INTEGER, PRIMARY KEY (n, k)) WITHOUT ROWID;
  CREATE TABLE shadowing (rowid TEXT, x);
  CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, g TEXT, h AS (length(g)) STORED, i AS (g || g));
  CREATE TABLE descending (id INTEGER PRIMARY KEY DESC, a TEXT);
  CREATE VIEW shouted AS SELECT upper(text) AS loud FROM notes;
  CREATE VIRTUAL TABLE search USING fts4(body);
  CREATE TRIGGER later AFTER INSERT ON notes BEGIN SELECT missing_function(); END;`;

/** Written by another build of SQLite, which has UTF-16. */
async function utf16File(encoding: string): Promise<Uint8Array> {
  const { Database } = await initSqlJs();
  const db = new Database();
  db.run(`PRAGMA encoding = '${encoding}'; PRAGMA page_size = 1024; ${schema}; DROP TRIGGER later`);
  for (let i = 0; i < 400; i++)
    db.run('INSERT INTO notes VALUES (?, ?, ?)', [i * 3, `näme ${i}${'😀'.repeat(i % 90)}`, new Uint8Array(i * 7)]);
  for (let i = 0; i < 300; i++) db.run('INSERT INTO pairs VALUES (?, ?, ?)', [`k${i}`, i, i % 7]);
  db.run(`INSERT INTO shadowing VALUES ('a', 'x'), ('b', 'y'); ALTER TABLE shadowing ADD COLUMN z TEXT DEFAULT 'later';
    INSERT INTO shadowing VALUES ('c', 4, 5); INSERT INTO counted (g) VALUES ('one'), ('two'); DELETE FROM counted WHERE id = 2;
    INSERT INTO descending VALUES (5, 'five'), (NULL, 'none'); INSERT INTO search VALUES ('hello');
    INSERT INTO notes VALUES (9007199254740993, 'large', NULL), (-1, NULL, x'')`);
  return db.export();
}

describe.each(['UTF-16le', 'UTF-16be'])('a database in %s', async (encoding) => {
  const bytes = await utf16File(encoding);
  test.each([
    'SELECT * FROM notes',
    "SELECT id FROM notes WHERE text = 'NÄME' OR text LIKE 'LARGE'",
    'SELECT * FROM pairs',
    'SELECT oid, * FROM shadowing',
    'SELECT * FROM counted',
    'SELECT * FROM sqlite_sequence',
    'SELECT oid, * FROM descending',
    'SELECT * FROM shouted LIMIT 20',
    'SELECT * FROM search_content',
    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
  ])('gives the same as in SQLite itself: %s', async (sql) => {
    const [ours, theirs] = await Promise.all(
      [pagedDriver(), sqlJsDriver()].map(async (driver) => {
        const db = await driver.open({ db: memorySource(bytes) });
        const rows = await rowsOf(db, sql);
        await db.close();
        return rows;
      }),
    );
    expect(ours).toEqual(theirs);
    expect(ours).not.toHaveLength(0);
  });
});
