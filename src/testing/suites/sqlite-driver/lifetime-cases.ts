import assert from 'node:assert/strict';
import { memorySource } from '../../../core/byte-source.js';
import type { SqliteDriver } from '../../../sqlite/driver.js';
import type { ConformanceCase } from '../conformance-case.js';
import { assertCode, databaseBytes, numbers, rowsOf, withDatabase } from './support.js';

/** Queries can be mixed, left, aborted and closed over. */
export function lifetimeCases(driver: SqliteDriver): readonly ConformanceCase[] {
  const reason = new Error('stop');
  return [
    {
      title: 'queries of one database and of several run side by side',
      async run() {
        const small = await databaseBytes(numbers(50));
        const large = await databaseBytes(numbers(5_000));
        await withDatabase(driver, small, async (one) => {
          await withDatabase(driver, large, async (other) => {
            const sql = 'SELECT id FROM numbers ORDER BY id';
            const readers = [one.query(sql), other.query(sql), other.query(`${sql} DESC`)].map((rows) =>
              rows[Symbol.asyncIterator](),
            );
            const seen: unknown[] = [];
            for (let i = 0; i < 3; i++) {
              for (const reader of readers) seen.push((await reader.next()).value?.['id']);
            }
            assert.deepEqual(seen, [1, 1, 5_000, 2, 2, 4_999, 3, 3, 4_998]);
            for (const reader of readers) await reader.return?.();
          });
        });
      },
    },
    {
      title: 'leaving a query early ends it and leaves the others alone',
      async run() {
        await withDatabase(driver, await databaseBytes(numbers(5_000)), async (db) => {
          for await (const row of db.query('SELECT id FROM numbers')) {
            assert.equal(row['id'], 1);
            break;
          }
          assert.equal((await rowsOf(db, 'SELECT id FROM numbers')).length, 5_000);
        });
      },
    },
    {
      title: 'a signal that is aborted already rejects with its reason before anything is read',
      async run() {
        const signal = AbortSignal.abort(reason);
        const unread = { ...memorySource(new Uint8Array(0)), read: unexpected, readSync: unexpected };
        await assert.rejects(driver.open({ db: unread }, { signal }), reason);
        await withDatabase(driver, await databaseBytes(numbers(1)), async (db) => {
          const query = db.query('SELECT 1', [], { signal })[Symbol.asyncIterator]();
          await assert.rejects(query.next(), reason);
          await assert.rejects(db.columns('numbers', { signal }), reason);
          await assert.rejects(db.tables({ signal }), reason);
        });
      },
    },
    {
      title: 'an abort midway rejects with its reason, and the database stays usable',
      async run() {
        await withDatabase(driver, await databaseBytes(numbers(5_000)), async (db) => {
          const controller = new AbortController();
          let count = 0;
          await assert.rejects(async () => {
            for await (const _ of db.query('SELECT id FROM numbers', [], { signal: controller.signal })) {
              count += 1;
              if (count === 10) controller.abort(reason);
            }
          }, reason);
          assert.equal(count, 10);
          assert.deepEqual(await rowsOf(db, 'SELECT count(*) FROM numbers'), [[5_000]]);
        });
      },
    },
    {
      title: 'timers run while a long query is read',
      async run() {
        await withDatabase(driver, await databaseBytes(numbers(5_000)), async (db) => {
          const controller = new AbortController();
          setTimeout(() => {
            controller.abort(reason);
          }, 30);
          const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n';
          await assert.rejects(async () => {
            for await (const batch of db.queryBatches(endless, [], { signal: controller.signal }))
              assert.ok(batch.length > 0);
          }, reason);
        });
      },
    },
    {
      title: 'close() can be called again, ends queries under way, and everything later fails with DATABASE_CLOSED',
      async run() {
        const db = await driver.open({ db: memorySource(await databaseBytes(numbers(5_000))) });
        const rows = db.query('SELECT id FROM numbers')[Symbol.asyncIterator]();
        await rows.next();
        await Promise.all([db.close(), db.close()]);
        await db.close();
        await assertCode(rows.next(), 'DATABASE_CLOSED');
        await assertCode(rowsOf(db, 'SELECT 1'), 'DATABASE_CLOSED');
        await assertCode(db.columns('numbers'), 'DATABASE_CLOSED');
        await assertCode(db.tables(), 'DATABASE_CLOSED');
      },
    },
    {
      title: 'nothing is read before the first row is asked for',
      async run() {
        await withDatabase(driver, await databaseBytes(numbers(1)), async (db) => {
          const rows = db.query('SELECT * FROM nowhere')[Symbol.asyncIterator]();
          await rows.return?.();
        });
      },
    },
  ];
}

function unexpected(): never {
  throw new assert.AssertionError({ message: 'The source was read' });
}
