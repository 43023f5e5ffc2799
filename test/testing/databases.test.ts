import { describe, expect, test } from 'vitest';
import { databaseFiles } from '../../src/testing/backup-builder/databases.js';
import type { DatabaseSpec } from '../../src/entry/testing.js';
import { queryBytes } from '../support/raw-backup.js';

const base: DatabaseSpec = {
  domain: 'HomeDomain',
  relativePath: 'Library/x.db',
  sql: "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO t VALUES (1, 'grüße')",
};

const contents = async (spec: DatabaseSpec): Promise<Uint8Array[]> =>
  (await databaseFiles(spec)).map(({ content }) => content as Uint8Array);

describe('a database of a spec', () => {
  test('without a WAL is one file in WAL mode', async () => {
    const files = await databaseFiles(base);
    expect(files.map(({ relativePath }) => relativePath)).toEqual(['Library/x.db']);
    const [db = new Uint8Array()] = await contents(base);
    expect([db[18], db[19]]).toEqual([2, 2]);
    expect(await queryBytes(db, 'SELECT text FROM t')).toEqual([{ text: 'grüße' }]);
  });

  test('has only the latest changes in its WAL', async () => {
    const spec: DatabaseSpec = {
      ...base,
      wal: 'some',
      walSql: ["UPDATE t SET text = 'new'", 'INSERT INTO t VALUES (2, NULL)'],
    };
    const [db = new Uint8Array(), shm, wal] = await contents(spec);
    expect(await queryBytes(db, 'SELECT text FROM t')).toEqual([{ text: 'grüße' }]);
    expect(await queryBytes(db, 'SELECT text FROM t', wal)).toEqual([{ text: 'new' }, { text: null }]);
    expect(shm).toHaveLength(32_768);
  });

  test('has everything in its WAL beside one empty page', async () => {
    const [db = new Uint8Array(), , wal] = await contents({ ...base, wal: 'all' });
    expect(db).toHaveLength(4096);
    expect(await queryBytes(db, 'SELECT name FROM sqlite_schema')).toEqual([]);
    expect(await queryBytes(db, 'SELECT text FROM t', wal)).toEqual([{ text: 'grüße' }]);
  });

  test.each([512, 1024, 65_536])('has pages of %i bytes', async (pageSize) => {
    for (const wal of ['none', 'all'] as const) {
      const [db = new Uint8Array(), , log] = await contents({ ...base, pageSize, wal });
      expect(Buffer.from(db).readUInt16BE(16)).toBe(pageSize === 65_536 ? 1 : pageSize);
      expect(await queryBytes(db, 'SELECT text FROM t', log)).toEqual([{ text: 'grüße' }]);
    }
  });

  test('has the owner, the class and the damage of the spec on its main file', async () => {
    const files = await databaseFiles({ ...base, wal: 'all', userId: 0, protectionClass: 1, damage: ['flags-zero'] });
    expect(files.map(({ userId, protectionClass, damage }) => [userId, protectionClass, damage])).toEqual([
      [0, 1, ['flags-zero']],
      [0, 1, undefined],
      [0, 1, undefined],
    ]);
  });

  test.each<[string, Partial<DatabaseSpec>]>([
    ['walSql without a WAL', { walSql: 'SELECT 1' }],
    ['a partial WAL without walSql', { wal: 'some' }],
    ['a page size that does not exist', { pageSize: 1000 }],
  ])('refuses %s', async (_title, change) => {
    await expect(databaseFiles({ ...base, ...change })).rejects.toThrow(RangeError);
  });

  test('fails with the error of SQLite for SQL that is wrong', async () => {
    await expect(databaseFiles({ ...base, sql: 'CREATE TABEL t' })).rejects.toMatchObject({
      code: 'DATABASE_QUERY_FAILED',
    });
  });
});
