import assert from 'node:assert/strict';
import { memorySource, type ByteSource } from '../../../core/byte-source.js';
import { concatBytes } from '../../../core/bytes.js';
import { IoError } from '../../../core/errors.js';
import type { SqliteDriver } from '../../../sqlite/driver.js';
import type { ConformanceCase } from '../conformance-case.js';
import { assertCode, databaseBytes, numbers, rowsOf, withDatabase } from './support.js';

const count = 'SELECT count(*) FROM numbers';

/** Databases are read from all kinds of sources, whatever their header says. */
export function sourceCases(driver: SqliteDriver): readonly ConformanceCase[] {
  return [
    ...[512, 1024, 4096, 32_768, 65_536].map((pageSize) => ({
      title: `a database with pages of ${pageSize} bytes is read`,
      async run() {
        const bytes = await databaseBytes(numbers(3_000), { pageSize, autoVacuum: 'incremental' });
        await withDatabase(driver, bytes, async (db) => {
          assert.deepEqual(await rowsOf(db, `${count} WHERE length(label) = 50`), [[3_000]]);
        });
      },
    })),
    {
      title: 'a database whose header says WAL mode is read without a -wal',
      async run() {
        const bytes = await databaseBytes(numbers(10), { walHeader: true });
        await withDatabase(driver, bytes, async (db) => {
          assert.deepEqual(await rowsOf(db, count), [[10]]);
        });
        assert.deepEqual([...bytes.subarray(18, 20)], [2, 2]);
      },
    },
    {
      title: 'padding after the last page is ignored',
      async run() {
        const bytes = concatBytes([await databaseBytes(numbers(500)), new Uint8Array(16).fill(16)]);
        await withDatabase(driver, bytes, async (db) => {
          assert.deepEqual(await rowsOf(db, count), [[500]]);
        });
      },
    },
    {
      title: 'no bytes at all are a database without tables',
      async run() {
        await withDatabase(driver, new Uint8Array(0), async (db) => {
          assert.deepEqual(await db.tables(), []);
        });
      },
    },
    {
      title: 'sources that cannot be read synchronously are read too',
      async run() {
        const source = memorySource(await databaseBytes(numbers(500)));
        delete source.readSync;
        await withDatabase(driver, { db: source }, async (db) => {
          assert.deepEqual(await rowsOf(db, count), [[500]]);
        });
      },
    },
    {
      title: 'sources are left open',
      async run() {
        let closed = 0;
        const source: ByteSource = {
          ...memorySource(await databaseBytes(numbers(1))),
          async close() {
            closed += 1;
          },
        };
        await withDatabase(driver, { db: source }, async (db) => await rowsOf(db, count));
        assert.equal(closed, 0);
      },
    },
    {
      title: 'an error of the source is thrown as it is',
      async run() {
        const bytes = await databaseBytes(numbers(20_000));
        const failure = new IoError('IO_FAILED', 'The cable was pulled', { path: 'sms.db' });
        const intact = memorySource(bytes);
        const failing = (end: number): never | undefined => {
          if (end > bytes.length / 2) throw failure;
          return undefined;
        };
        const source: ByteSource = {
          ...intact,
          async read(offset, length, options) {
            failing(offset + length);
            return await intact.read(offset, length, options);
          },
          readSync(offset, target) {
            failing(offset + target.length);
            return intact.readSync?.(offset, target) ?? 0;
          },
        };
        await assert.rejects(
          withDatabase(driver, { db: source }, async (db) => await rowsOf(db, 'SELECT * FROM numbers')),
          (error) => error === failure,
        );
      },
    },
    {
      title: 'bytes that are no database fail with DATABASE_CORRUPT',
      async run() {
        const text = new TextEncoder().encode('This is not a database. '.repeat(1_000));
        const cut = (await databaseBytes(numbers(1))).subarray(0, 60);
        for (const bytes of [text, cut, Uint8Array.of(1)])
          await assertCode(driver.open({ db: memorySource(bytes) }), 'DATABASE_CORRUPT');
      },
    },
  ];
}
