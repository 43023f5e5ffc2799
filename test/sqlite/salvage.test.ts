import { describe, expect, test } from 'vitest';
import { memorySource } from '../../src/core/byte-source.js';
import type { SqliteDatabase } from '../../src/sqlite/driver.js';
import { pagedDriver } from '../../src/sqlite/paged/paged-driver.js';
import { salvageTable, type SalvagedRow, type TableDamage } from '../../src/sqlite/salvage.js';
import { databaseBytes, numbers } from '../../src/testing/suites/sqlite-driver/support.js';

const pageSize = 4096;
const total = 5_000;

/** Overwrites the pages that hold the rows with these ids, and nothing else. */
async function damagedAt(...ids: number[]): Promise<Uint8Array> {
  const bytes = await databaseBytes((db) => {
    numbers(total)(db);
    db.exec('CREATE INDEX by_label ON numbers (label)');
  });
  const buffer = Buffer.from(bytes.buffer);
  for (const id of ids) {
    const at = buffer.indexOf(`number ${id} `);
    bytes.fill(0xee, at - (at % pageSize), at - (at % pageSize) + pageSize);
  }
  return bytes;
}

async function salvage(bytes: Uint8Array): Promise<{ rows: SalvagedRow[]; damage: TableDamage[] }> {
  const db: SqliteDatabase = await pagedDriver().open({ db: memorySource(bytes) });
  try {
    const rows: SalvagedRow[] = [];
    const damage: TableDamage[] = [];
    const options = { table: 'numbers', columns: ['label', 'id'], onDamage: (one: TableDamage) => damage.push(one) };
    for await (const row of salvageTable(db, options)) rows.push(row);
    return { rows, damage };
  } finally {
    await db.close();
  }
}

describe('salvageTable()', () => {
  test('gives all rows of a sound table as they are', async () => {
    const { rows, damage } = await salvage(await damagedAt());
    expect(rows).toHaveLength(total);
    expect(rows.some(({ recovered }) => recovered)).toBe(false);
    expect(rows[41]).toEqual({ rowid: 42n, values: ['number 42 '.padEnd(50, '.'), 42], recovered: false });
    expect(damage).toEqual([]);
  });

  test.each([
    ['in the middle', [2_500]],
    ['at the start', [1]],
    ['at the end', [total]],
    ['in several places', [1, 700, 900, 4_000, total]],
    ['one after another', [2_000, 2_060, 2_120, 2_180]],
  ])('passes over damaged pages %s and gives all other rows', async (_where, ids) => {
    const { rows, damage } = await salvage(await damagedAt(...ids));
    const given = new Set(rows.map(({ rowid }) => Number(rowid)));
    expect(given.size).toBe(rows.length);
    // A page holds about 65 of these rows.
    expect(given.size).toBeGreaterThan(total - ids.length * 75);
    for (const id of ids) expect(given.has(id)).toBe(false);
    expect(rows.every(({ rowid, values }) => values[1] === Number(rowid))).toBe(true);
    const firstGap = Math.min(...ids);
    expect(rows.every(({ rowid, recovered }) => recovered === rowid > firstGap)).toBe(true);
    for (const { after, before, error } of damage) {
      expect(error).toMatchObject({ code: 'DATABASE_CORRUPT' });
      expect((after ?? 0n) < (before ?? 2n ** 63n)).toBe(true);
    }
    const missing = Array.from({ length: total }, (_unused, index) => index + 1).filter((id) => !given.has(id));
    expect(
      missing.every((id) =>
        damage.some(({ after, before }) => id > (after ?? 0n) && id < (before ?? BigInt(total) + 1n)),
      ),
    ).toBe(true);
  });

  test('reads the table where only an index is damaged', async () => {
    const bytes = await databaseBytes((db) => {
      numbers(total)(db);
      db.exec('CREATE TABLE end (a); CREATE INDEX by_label ON numbers (label)');
    });
    bytes.fill(0xee, bytes.length - 10 * pageSize);
    expect((await salvage(bytes)).rows).toHaveLength(total);
  });

  test('fails where the table is missing, with what SQLite says', async () => {
    const db = await pagedDriver().open({ db: memorySource(await databaseBytes(numbers(1))) });
    const rows = salvageTable(db, { table: 'nowhere', columns: ['a'] });
    await expect(rows.next()).rejects.toMatchObject({ code: 'DATABASE_QUERY_FAILED' });
    await db.close();
  });

  test('stops with the reason of an abort', async () => {
    const db = await pagedDriver().open({ db: memorySource(await damagedAt(100)) });
    const reason = new Error('stop');
    const rows = salvageTable(db, { table: 'numbers', columns: ['id'], signal: AbortSignal.abort(reason) });
    await expect(rows.next()).rejects.toBe(reason);
    await db.close();
  });
});
