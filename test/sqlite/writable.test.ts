import { describe, expect, test } from 'vitest';
import { memorySource } from '../../src/core/byte-source.js';
import { pagedDriver } from '../../src/sqlite/paged/paged-driver.js';
import { createDatabase, type WritableDatabase } from '../../src/sqlite/writable.js';
import { rowsOf } from './support.js';

async function read(files: { db: Uint8Array; wal?: Uint8Array }, sql: string): Promise<unknown[]> {
  const wal = files.wal && memorySource(files.wal);
  const db = await pagedDriver().open({ db: memorySource(files.db), wal });
  try {
    return await rowsOf(db, sql);
  } finally {
    await db.close();
  }
}

const table = (db: WritableDatabase): void => {
  db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, a)');
};

describe('createDatabase()', () => {
  test('gives a sound file with the header that was asked for', async () => {
    const db = await createDatabase({
      pageSize: 1024,
      autoVacuum: 'incremental',
      userVersion: 2,
      applicationId: -5,
      walHeader: true,
    });
    table(db);
    db.run('INSERT INTO t (a) VALUES (?)', ['x'.repeat(5_000)]);
    const bytes = db.serialize();
    db.close();
    expect([...bytes.subarray(18, 20)]).toEqual([2, 2]);
    expect(bytes.length % 1024).toBe(0);
    expect(
      await read(
        { db: bytes },
        'SELECT * FROM pragma_page_size, pragma_auto_vacuum, pragma_user_version, pragma_application_id, pragma_integrity_check',
      ),
    ).toEqual([[1024, 2, 2, -5, 'ok']]);
  });

  test('without tables is a file of one page', async () => {
    const db = await createDatabase({ pageSize: 512 });
    expect(db.serialize()).toHaveLength(512);
    db.close();
  });

  test.each([{ pageSize: 1000 }, { pageSize: 256 }, { userVersion: 2 ** 31 }, { applicationId: 0.5 }])(
    'does not take %o',
    async (options) => {
      await expect(createDatabase(options)).rejects.toThrow(RangeError);
    },
  );
});

describe('a writable database', () => {
  test('runMany() writes all rows or none', async () => {
    const db = await createDatabase();
    table(db);
    const rows = function* (): Generator<[number]> {
      yield [1];
      yield [2];
      yield [1];
    };
    expect(() => {
      db.runMany('INSERT INTO t (id) VALUES (?)', rows());
    }).toThrow(expect.objectContaining({ code: 'DATABASE_QUERY_FAILED', sqliteCode: 1555 }));
    db.runMany('INSERT INTO t (id) VALUES (?)', [[7]]);
    expect(await read({ db: db.serialize() }, 'SELECT id FROM t')).toEqual([[7]]);
    db.close();
  });

  test('runs more statements than it keeps compiled', async () => {
    const db = await createDatabase();
    table(db);
    for (let i = 0; i < 100; i++) db.run(`INSERT INTO t (a) VALUES (${i})`);
    expect(await read({ db: db.serialize() }, 'SELECT count(*), sum(a) FROM t')).toEqual([[100, 4950]]);
    db.close();
  });

  test('puts what was written after checkpoint() into the -wal alone', async () => {
    const db = await createDatabase();
    table(db);
    db.run('INSERT INTO t (a) VALUES (?)', ['in the main file']);
    db.checkpoint();
    db.run('INSERT INTO t (a) VALUES (?)', ['in the -wal']);
    const files = db.serializeWithWal();
    db.close();
    expect(await read({ db: files.db }, 'SELECT a FROM t')).toEqual([['in the main file']]);
    expect(await read(files, 'SELECT a FROM t')).toEqual([['in the main file'], ['in the -wal']]);
    expect([...files.db.subarray(18, 20)]).toEqual([2, 2]);
  });

  test('without checkpoint() has one empty page as main file', async () => {
    const db = await createDatabase({ autoVacuum: 'incremental' });
    table(db);
    const files = db.serializeWithWal();
    db.close();
    expect(files.db).toHaveLength(4096);
    expect(await read({ db: files.db }, 'SELECT name FROM sqlite_master')).toEqual([]);
    expect(await read(files, 'SELECT name FROM sqlite_master')).toEqual([['t']]);
  });

  test('has a -wal without frames where nothing was changed', async () => {
    const db = await createDatabase();
    table(db);
    db.checkpoint();
    const files = db.serializeWithWal();
    db.close();
    expect(files.wal).toHaveLength(32);
    expect(await read(files, 'SELECT name FROM sqlite_master')).toEqual([['t']]);
  });

  test('can be closed again, and fails with DATABASE_CLOSED afterwards', async () => {
    const db = await createDatabase();
    table(db);
    db.run('INSERT INTO t (a) VALUES (1)');
    db.close();
    db.close();
    for (const call of [
      () => {
        db.exec('SELECT 1');
      },
      () => {
        db.run('SELECT 1');
      },
      () => db.serialize(),
      () => db.serializeWithWal(),
    ])
      expect(call).toThrow(expect.objectContaining({ code: 'DATABASE_CLOSED' }));
  });
});
