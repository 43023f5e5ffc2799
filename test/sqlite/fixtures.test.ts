import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileSource, type ByteSource } from '../../src/core/byte-source.js';
import { pagedDriver } from '../../src/sqlite/paged/paged-driver.js';
import { sqlJsDriver } from '../../src/sqlite/sql-js.js';
import { describeWithFixtures } from '../support/shared-fixtures.js';
import { rowsOf } from './support.js';

describeWithFixtures('databases that others have made', (fixtures) => {
  const read = async (
    driverName: 'paged' | 'sql.js',
    sql: string,
    db: string,
    wal?: string,
  ): Promise<(readonly unknown[])[]> => {
    const sources: ByteSource[] = [];
    const open = async (path: string): Promise<ByteSource> => {
      const source = await fileSource(join(fixtures, path));
      sources.push(source);
      return source;
    };
    const driver = driverName === 'paged' ? pagedDriver() : sqlJsDriver();
    const opened = await driver.open({ db: await open(db), wal: wal === undefined ? undefined : await open(wal) });
    try {
      return await rowsOf(opened, sql);
    } finally {
      await opened.close();
      for (const source of sources) await source.close();
    }
  };

  test.each(['paged', 'sql.js'] as const)('a WAL that SQLite has written is applied by %s', async (driver) => {
    const db = 'backups/plain-edge/70/700b503ef0d844ae1b85f56a826e3811ded1b31b';
    const wal = 'backups/plain-edge/05/05b9243cf183bce168a5f47b79f51aa8d3080c24';
    expect(await read(driver, 'SELECT x FROM t', db, wal)).toEqual([['checkpointed'], ['only in the wal']]);
    expect(await read(driver, 'SELECT x FROM t', db)).toEqual([['checkpointed']]);
  });

  test.each(['paged', 'sql.js'] as const)(
    'a real manifest with padding after its last page is read by %s',
    async (driver) => {
      const counts = await read(driver, 'SELECT flags, count(*) FROM Files GROUP BY 1', 'real/ios-14.3/Manifest.db');
      expect(counts).toEqual([
        [1, 1_089],
        [2, 2_618],
        [4, 14],
      ]);
    },
  );

  test('all tables of app databases have the rows that they should', async () => {
    const expected = JSON.parse(
      readFileSync(join(fixtures, 'datasets/expected/ios-backup-parser-rows.json'), 'utf8'),
    ) as Record<string, Record<string, unknown[]>>;
    const counts: [string, number][] = [];
    const wanted: [string, number][] = [];
    for (const [file, tables] of Object.entries(expected)) {
      for (const [table, rows] of Object.entries(tables)) {
        if (!Array.isArray(rows)) continue;
        const sql = `SELECT count(*) FROM "${table}"`;
        const [count] = (await read('paged', sql, `datasets/ios-backup-parser/${file}`)).flat();
        counts.push([`${file} ${table}`, Number(count)]);
        wanted.push([`${file} ${table}`, rows.length]);
      }
    }
    expect(counts).toEqual(wanted);
    expect(counts.length).toBeGreaterThan(30);
  });
});
