import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { fileSource, memorySource } from '../../src/core/byte-source.js';
import { loadEngine, preloadSqlite } from '../../src/sqlite/paged/engine.js';
import { pagedDriver } from '../../src/sqlite/paged/paged-driver.js';
import { createDatabase } from '../../src/sqlite/writable.js';
import { databaseBytes, numbers } from '../../src/testing/suites/sqlite-driver/support.js';
import { utf16Database } from '../../src/testing/suites/utf16-database.js';
import { rowsOf, slowSource } from './support.js';

const count = 'SELECT count(*) FROM numbers';

describe('the engine', () => {
  test('loads without a trace: no globals, no listeners, no network, no output', async () => {
    vi.resetModules();
    const fresh = await import('../../src/sqlite/paged/engine.js');
    const state = (): unknown => [
      Object.getOwnPropertyNames(globalThis).filter((name) => name !== 'WebAssembly'),
      process.eventNames().map((name) => process.listenerCount(name)),
    ];
    const fetched = vi.spyOn(globalThis, 'fetch');
    const printed = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) => vi.spyOn(console, name));
    const before = state();
    await fresh.preloadSqlite();
    expect(state()).toEqual(before);
    expect(fetched).not.toHaveBeenCalled();
    for (const print of printed) expect(print).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  test('knows local time as the system does', async () => {
    const zone = process.env['TZ'];
    onTestFinished(() => {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    });
    const db = await pagedDriver().open({ db: memorySource(await databaseBytes(numbers(3))) });
    for (const name of ['America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC']) {
      process.env['TZ'] = name;
      for (const seconds of [0, 86_399, 1_700_000_000, 1_720_000_000, 1_709_164_800]) {
        const at = new Date(seconds * 1000);
        const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString();
        const [row] = await rowsOf(db, "SELECT datetime(?, 'unixepoch', 'localtime')", [seconds]);
        expect(row, `${name} ${seconds}`).toEqual([local.slice(0, 19).replace('T', ' ')]);
      }
    }
    await db.close();
  });

  test('has randomness and the time of its host', async () => {
    const db = await pagedDriver().open({ db: memorySource(await databaseBytes(numbers(3))) });
    const [row] = await rowsOf(db, 'SELECT hex(randomblob(16)), julianday() > 2460000');
    expect(row?.[0]).toMatch(/^[0-9A-F]{32}$/);
    expect(row?.[1]).toBe(1);
    await db.close();
  });

  test('is one for the whole process', async () => {
    await preloadSqlite();
    expect(await loadEngine()).toBe(await loadEngine());
  });

  test('is replaced where it breaks down, and open databases go on with the new one', async () => {
    const db = await pagedDriver().open({ db: memorySource(await databaseBytes(numbers(3))) });
    const engine = await loadEngine();
    expect(() =>
      engine.run(() => {
        throw new WebAssembly.RuntimeError('unreachable');
      }),
    ).toThrow(expect.objectContaining({ code: 'DATABASE_CORRUPT' }));
    expect(await loadEngine()).not.toBe(engine);
    expect(await rowsOf(db, count)).toEqual([[3]]);
    await db.close();
  });

  test('does not grow with the number of databases that were opened', async () => {
    const bytes = await databaseBytes(numbers(2_000));
    const cycle = async (): Promise<number> => {
      for (let i = 0; i < 30; i++) {
        const db = await pagedDriver().open({ db: memorySource(bytes) });
        expect(await rowsOf(db, `${count} WHERE label <> ''`)).toEqual([[2_000]]);
        await db.close();
      }
      return (await loadEngine()).bytes.length;
    };
    const after = await cycle();
    expect(await cycle()).toBe(after);
    expect((await loadEngine()).files.size).toBe(0);
  });

  test('does not grow with the number of queries that were left or failed', async () => {
    const db = await pagedDriver().open({ db: memorySource(await databaseBytes(numbers(2_000))) });
    const cycle = async (): Promise<number> => {
      for (let i = 0; i < 300; i++) {
        for await (const _ of db.query(`SELECT *, ? FROM numbers`, ['x'.repeat(10_000)])) break;
        await expect(rowsOf(db, 'SELECT missing_column FROM numbers')).rejects.toThrow('no such column');
        await expect(rowsOf(db, 'SELECT ?', [1, 2])).rejects.toThrow(RangeError);
      }
      return (await loadEngine()).bytes.length;
    };
    const after = await cycle();
    expect(await cycle()).toBe(after);
    await db.close();
  });
});

describe('pagedDriver()', () => {
  test('leaves no file beside the database, which says that it is in WAL mode', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'paged-'));
    onTestFinished(async () => {
      await rm(folder, { recursive: true });
    });
    await writeFile(join(folder, 'Manifest.db'), await databaseBytes(numbers(5_000), { walHeader: true }));
    const source = await fileSource(join(folder, 'Manifest.db'));
    const db = await pagedDriver().open({ db: source });
    expect(await rowsOf(db, 'SELECT id FROM numbers ORDER BY label')).toHaveLength(5_000);
    expect(await readdir(folder)).toEqual(['Manifest.db']);
    await db.close();
    await source.close();
    expect(await readdir(folder)).toEqual(['Manifest.db']);
  });

  test('ends a query that gives no row for too long, and stays usable', async () => {
    const db = await pagedDriver({ stepLimitMs: 20 }).open({ db: memorySource(await databaseBytes(numbers(1))) });
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
    await expect(rowsOf(db, endless)).rejects.toMatchObject({ code: 'DATABASE_QUERY_FAILED', sqliteCode: 9 });
    expect(await rowsOf(db, count)).toEqual([[1]]);
    await db.close();
  });

  test.each([
    "ATTACH ':memory:' AS other",
    "VACUUM INTO '/tmp/x.db'",
    'CREATE TEMP TABLE t (a)',
    'PRAGMA journal_mode = WAL; --',
  ])('refuses or ignores %s', async (sql) => {
    const db = await pagedDriver().open({ db: memorySource(await databaseBytes(numbers(1))) });
    const rows = await rowsOf(db, sql).catch((error: unknown) => error);
    expect(rows).toSatisfy(
      (value) => Array.isArray(value) || (value as { code: string }).code === 'DATABASE_QUERY_FAILED',
    );
    expect(await rowsOf(db, "SELECT name FROM pragma_database_list WHERE name <> 'temp'")).toEqual([['main']]);
    expect(await rowsOf(db, 'SELECT count(*) FROM sqlite_temp_master')).toEqual([[0]]);
    await db.close();
  });

  test('keeps a byte order mark at the start of a text', async () => {
    const bytes = await databaseBytes((db) => {
      db.exec('CREATE TABLE t (a TEXT)');
      db.run('INSERT INTO t VALUES (?)', ['\uFEFFmark']);
    });
    const db = await pagedDriver().open({ db: memorySource(bytes) });
    expect(await rowsOf(db, 'SELECT a FROM t')).toEqual([['\uFEFFmark']]);
    await db.close();
  });

  test('copies a slow source that is too large for memory to a sealed file, which is gone afterwards', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealed-'));
    vi.stubEnv('TMPDIR', folder);
    onTestFinished(async () => {
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true });
    });
    const made = await createDatabase();
    numbers(3_000)(made);
    const { db: main, wal } = made.serializeWithWal();
    made.close();
    const db = await pagedDriver({ memoryBytes: 1_000 }).open({ db: slowSource(main), wal: slowSource(wal) });
    expect(await rowsOf(db, `${count} WHERE length(label) = 50`)).toEqual([[3_000]]);
    await db.close();
    expect(await readdir(folder)).toEqual([]);
  });

  test('refuses a slow source that is too large for memory where no file may be made', async () => {
    const driver = pagedDriver({ memoryBytes: 1_000, largeSources: 'refuse' });
    const bytes = await databaseBytes(numbers(100));
    await expect(driver.open({ db: slowSource(bytes) })).rejects.toMatchObject({ code: 'DATABASE_TOO_LARGE' });
    const db = await driver.open({ db: memorySource(bytes) });
    await db.close();
  });

  test('refuses a UTF-16 database that is larger than its copy may be', async () => {
    const driver = pagedDriver({ transcodeBytes: 1_000 });
    const open = driver.open({ db: memorySource(utf16Database(['a'], 'utf-16le')) });
    await expect(open).rejects.toMatchObject({ code: 'DATABASE_TOO_LARGE' });
  });

  test.each(['cacheBytes', 'stepLimitMs', 'memoryBytes', 'transcodeBytes'])(
    'takes no %s that is not positive',
    (name) => {
      expect(() => pagedDriver({ [name]: 0 })).toThrow(RangeError);
      expect(() => pagedDriver({ [name]: Number.NaN })).toThrow(RangeError);
    },
  );
});
