import assert from 'node:assert/strict';
import { memorySource } from '../../../core/byte-source.js';
import { concatBytes } from '../../../core/bytes.js';
import type { SqliteDriver, SqliteValue } from '../../../sqlite/driver.js';
import { walCommitBetween, writeWal, type WriteWalOptions } from '../../../sqlite/image/write-wal.js';
import { createDatabase, type WritableDatabase } from '../../../sqlite/writable.js';
import type { ConformanceCase } from '../conformance-case.js';
import { numbers, rowsOf, withDatabase } from './support.js';

const pageSize = 4096;
const frameBytes = 24 + pageSize;

/** States of a database, each after one more transaction, and the WAL that leads from the first to the last. */
async function history(
  options: Partial<WriteWalOptions>,
  ...steps: ((db: WritableDatabase) => void)[]
): Promise<{ states: Uint8Array[]; wal: Uint8Array }> {
  const db = await createDatabase({ walHeader: true });
  const states = steps.map((step) => {
    step(db);
    return db.serialize();
  });
  db.close();
  const commits = states.slice(1).flatMap((state, index) => {
    const commit = walCommitBetween(states[index] ?? new Uint8Array(0), state, pageSize);
    return commit === undefined ? [] : [commit];
  });
  return { states, wal: writeWal(commits, { pageSize, ...options }) };
}

const add = (label: string) => (db: WritableDatabase) => {
  db.run('INSERT INTO numbers (label) VALUES (?)', [label]);
};

/** What is committed in the `-wal`, and only that, lies over the main file. */
export function walCases(driver: SqliteDriver): readonly ConformanceCase[] {
  const labels = async (db: Uint8Array, wal: Uint8Array): Promise<SqliteValue[]> =>
    await withDatabase(driver, { db: memorySource(db), wal: memorySource(wal) }, async (opened) =>
      (await rowsOf(opened, 'SELECT label FROM numbers ORDER BY id')).map(([label]) => label ?? null),
    );
  return [
    ...[true, false].map((littleEndian) => ({
      title: `a -wal with ${littleEndian ? 'little' : 'big'}-endian checksums is applied`,
      async run() {
        const { states, wal } = await history({ littleEndian }, numbers(0), add('first'), add('second'));
        assert.deepEqual(await labels(states[0] ?? wal, wal), ['first', 'second']);
      },
    })),
    {
      title: 'a main file of one empty page, or of no bytes, is made whole by its -wal',
      async run() {
        const db = await createDatabase({ autoVacuum: 'incremental' });
        numbers(5_000)(db);
        const { db: main, wal } = db.serializeWithWal();
        db.close();
        assert.equal(main.length, 4096);
        assert.equal((await labels(main, wal)).length, 5_000);
        const all = await history({}, () => undefined, numbers(1));
        const whole = writeWal([{ pages: pagesOf(all.states[1]), pageCount: 2 }], { pageSize });
        assert.equal((await labels(new Uint8Array(0), whole)).length, 1);
      },
    },
    {
      title: 'the page size of the -wal goes before that of the main file',
      async run() {
        const { states } = await history({}, numbers(3));
        const wal = writeWal([{ pages: pagesOf(states[0]), pageCount: 2 }], { pageSize });
        const other = new Uint8Array(1024);
        other.set((states[0] ?? wal).subarray(0, 100));
        new DataView(other.buffer).setUint16(16, 1024);
        assert.equal((await labels(other, wal)).length, 3);
      },
    },
    {
      title: 'a transaction without its commit frame, or with a damaged one, is left out',
      async run() {
        const { states, wal } = await history({}, numbers(0), add('first'), add('second'));
        const [base = wal] = states;
        assert.deepEqual(await labels(base, wal.subarray(0, wal.length - frameBytes)), ['first']);
        assert.deepEqual(await labels(base, wal.subarray(0, wal.length - 1)), ['first']);
        const damaged = wal.slice();
        damaged[wal.length - 1] = 0xff ^ (damaged[wal.length - 1] ?? 0);
        assert.deepEqual(await labels(base, damaged), ['first']);
        assert.deepEqual(await labels(base, concatBytes([wal, new Uint8Array(frameBytes)])), ['first', 'second']);
      },
    },
    {
      title: 'frames that an earlier use of the -wal has left behind are ignored',
      async run() {
        const earlier = await history({ salts: [1, 2] }, numbers(0), add('gone'), add('gone too'));
        const current = await history({ salts: [2, 9] }, numbers(0), add('here'));
        const wal = concatBytes([current.wal, earlier.wal.subarray(current.wal.length)]);
        assert.deepEqual(await labels(current.states[0] ?? wal, wal), ['here']);
      },
    },
    {
      title: 'a -wal that is empty, reset or not one at all is ignored',
      async run() {
        const { states, wal } = await history({}, numbers(1), add('first'));
        const [base = wal] = states;
        const reset = wal.slice();
        reset.fill(0, 0, 32);
        for (const other of [new Uint8Array(0), wal.subarray(0, 32), reset, new Uint8Array(10_000).fill(7)])
          assert.equal((await labels(base, other)).length, 1);
      },
    },
    {
      title: 'a database that shrinks in its -wal has the size of the last commit',
      async run() {
        const { states, wal } = await history({}, numbers(5_000), (db) => {
          db.exec('DELETE FROM numbers WHERE id > 2; VACUUM');
        });
        assert.equal((await labels(states[0] ?? wal, wal)).length, 2);
      },
    },
  ];
}

function pagesOf(database: Uint8Array = new Uint8Array(0)): [number, Uint8Array][] {
  return Array.from({ length: database.length / pageSize }, (_unused, index) => [
    index + 1,
    database.subarray(index * pageSize, (index + 1) * pageSize),
  ]);
}
