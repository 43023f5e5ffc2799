import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../src/core/byte-source.js';
import { isBackupKitError } from '../../src/core/errors.js';
import { readWalIndex } from '../../src/sqlite/image/wal.js';
import { loadEngine } from '../../src/sqlite/paged/engine.js';
import { pagedDriver } from '../../src/sqlite/paged/paged-driver.js';
import { salvageTable } from '../../src/sqlite/salvage.js';
import { createDatabase } from '../../src/sqlite/writable.js';
import { databaseBytes, numbers } from '../../src/testing/suites/sqlite-driver/support.js';
import { utf16Database } from '../../src/testing/suites/utf16-database.js';
import { rowsOf } from './support.js';

const mostRows = 20_000;
const driver = pagedDriver({ stepLimitMs: 1_000 });

interface Edit {
  at: number;
  bytes: Uint8Array;
}

/** Places where structure lies are hit far more often than chance would. */
const edits = fc.array(
  fc.record({
    at: fc.oneof(
      fc.nat(120),
      fc.nat(100_000),
      fc.nat(20).map((page) => page * 512 + 4),
    ),
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 8 }),
      fc.constantFrom(Uint8Array.of(0xff, 0xff, 0xff, 0xff), Uint8Array.of(0, 0, 0, 0), Uint8Array.of(0, 0, 0, 1)),
    ),
  }),
  { minLength: 1, maxLength: 12 },
);

function edited(original: Uint8Array, changes: readonly Edit[]): Uint8Array {
  const copy = original.slice();
  for (const { at, bytes } of changes) {
    const offset = at % copy.length;
    copy.set(bytes.subarray(0, copy.length - offset), offset);
  }
  return copy;
}

/** Opens and reads everything; gives whether it ended with a value or one of our errors. */
async function readAll(db: Uint8Array, wal?: Uint8Array): Promise<true> {
  try {
    const opened = await driver.open({ db: memorySource(db), wal: wal && memorySource(wal) });
    try {
      for (const table of ['numbers', 'notes', 'blobs']) {
        for (const sql of [`SELECT * FROM ${table}`, `SELECT count(*) FROM ${table} WHERE id > 3`]) {
          await orDatabaseError(async () => {
            let rows = 0;
            for await (const batch of opened.queryBatches(sql)) if ((rows += batch.length) > mostRows) break;
          });
        }
      }
      await orDatabaseError(async () => {
        let rows = 0;
        for await (const _ of salvageTable(opened, { table: 'numbers', columns: ['id'] }))
          if ((rows += 1) > mostRows) break;
      });
      await orDatabaseError(async () => {
        await opened.tables();
      });
    } finally {
      await opened.close();
    }
  } catch (error) {
    expectDatabaseError(error);
  }
  return true;
}

async function orDatabaseError(work: () => Promise<void>): Promise<void> {
  await work().catch(expectDatabaseError);
}

function expectDatabaseError(error: unknown): void {
  if (!isBackupKitError(error, 'DATABASE_CORRUPT', 'DATABASE_QUERY_FAILED', 'DATABASE_TOO_LARGE')) throw error;
}

describe('hostile databases', async () => {
  const plain = await databaseBytes(
    (db) => {
      numbers(120)(db);
      db.exec('CREATE TABLE blobs (id INTEGER PRIMARY KEY, b BLOB); CREATE INDEX i ON numbers (label)');
      db.runMany(
        'INSERT INTO blobs VALUES (?, ?)',
        Array.from({ length: 8 }, (_unused, id) => [id, new Uint8Array(id * 300)]),
      );
    },
    { pageSize: 512, autoVacuum: 'incremental' },
  );

  test('any change of a database gives rows or a DatabaseError, and leaves the engine and other databases whole', async () => {
    const other = await driver.open({ db: memorySource(plain) });
    const engine = await loadEngine();
    await fc.assert(
      fc.asyncProperty(edits, async (changes) => await readAll(edited(plain, changes))),
      { numRuns: 100 },
    );
    expect(engine.retired).toBe(false);
    expect(engine.files.size).toBe(1);
    expect(await rowsOf(other, 'SELECT count(*) FROM numbers')).toEqual([[120]]);
    await other.close();
  });

  test('any end of a database gives rows or a DatabaseError', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(plain.length), async (length) => await readAll(plain.subarray(0, length))),
      { numRuns: 40 },
    );
    expect((await loadEngine()).files.size).toBe(0);
  });

  test('any change of a UTF-16 database gives rows or a DatabaseError', async () => {
    const utf16 = utf16Database(['plain', 'Grüße', 'x'.repeat(200)], 'utf-16le');
    await fc.assert(
      fc.asyncProperty(edits, async (changes) => await readAll(edited(utf16, changes))),
      { numRuns: 200 },
    );
    expect((await loadEngine()).files.size).toBe(0);
  });

  test('any change of a -wal, with and without right checksums, gives rows or a DatabaseError', async () => {
    const made = await createDatabase({ pageSize: 512 });
    numbers(40)(made);
    made.checkpoint();
    made.exec("INSERT INTO numbers (label) SELECT label || 'x' FROM numbers");
    const { db, wal } = made.serializeWithWal();
    made.close();
    await fc.assert(
      fc.asyncProperty(edits, fc.nat(wal.length), async (changes, length) => {
        const changed = edited(wal, changes);
        await readWalIndex(memorySource(changed.subarray(0, length)));
        return await readAll(db, changed);
      }),
      { numRuns: 100 },
    );
    expect((await loadEngine()).files.size).toBe(0);
  });

  test.each([1, 2])('a tree on page %i that leads to itself ends with a DatabaseError', async (rootPage) => {
    const bytes = await databaseBytes(numbers(400), { pageSize: 512 });
    tangle(bytes, { pageSize: 512, rootPage, depth: 12, children: 60 });
    const limited = pagedDriver({ stepLimitMs: 200 });
    const read = async (): Promise<unknown> => {
      const db = await limited.open({ db: memorySource(bytes) });
      try {
        return await rowsOf(db, "SELECT count(1) FROM numbers WHERE label <> ''");
      } finally {
        await db.close();
      }
    };
    await expect(read()).rejects.toSatisfy((error) =>
      isBackupKitError(error, 'DATABASE_CORRUPT', 'DATABASE_QUERY_FAILED'),
    );
  });
});

/** Makes a tree of which each page has the next one as all of its children: 60 pages have more rows than can be counted. */
function tangle(
  bytes: Uint8Array,
  { pageSize, rootPage, depth, children }: { pageSize: number; rootPage: number; depth: number; children: number },
): void {
  const view = new DataView(bytes.buffer);
  for (let level = 0; level < depth; level++) {
    const pageNumber = level === 0 ? rootPage : level + 2;
    const page = (pageNumber - 1) * pageSize;
    const header = page + (pageNumber === 1 ? 100 : 0);
    const isLeaf = level === depth - 1;
    const count = pageNumber === 1 ? 40 : children;
    bytes.fill(0, header, page + pageSize);
    bytes[header] = isLeaf ? 13 : 5;
    view.setUint16(header + 3, count);
    view.setUint16(header + 5, pageSize - count * 5);
    if (!isLeaf) view.setUint32(header + 8, level + 3);
    for (let cell = 0; cell < count; cell++) {
      const at = pageSize - (cell + 1) * 5;
      view.setUint16(header + (isLeaf ? 8 : 12) + cell * 2, at);
      if (isLeaf) {
        bytes.set([2, cell + 1, 2, 8], page + at);
      } else {
        view.setUint32(page + at, level + 3);
        bytes[page + at + 4] = cell + 1;
      }
    }
  }
}
