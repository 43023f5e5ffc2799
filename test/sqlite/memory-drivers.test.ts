import { expect, test } from 'vitest';
import { memorySource } from '../../src/core/byte-source.js';
import { nodeSqliteDriver } from '../../src/sqlite/node-sqlite.js';
import { sqlJsDriver } from '../../src/sqlite/sql-js.js';
import { databaseBytes, numbers } from '../../src/testing/suites/sqlite-driver/support.js';
import { slowSource } from './support.js';

test.each([memorySource, slowSource])(
  'sqlJsDriver() refuses a database that is larger than its limit',
  async (source) => {
    const driver = sqlJsDriver({ memoryBytes: 4096 });
    const bytes = await databaseBytes(numbers(1_000));
    await expect(driver.open({ db: source(bytes) })).rejects.toMatchObject({ code: 'DATABASE_TOO_LARGE' });
  },
);

test('a database whose header states more pages than memory has is refused, not allocated', async () => {
  const bytes = await databaseBytes(numbers(1));
  new DataView(bytes.buffer).setUint32(28, 0xffff_fffe);
  const open = sqlJsDriver().open({ db: memorySource(bytes) });
  await expect(open).rejects.toMatchObject({ code: 'DATABASE_TOO_LARGE' });
});

test('limits are positive numbers', () => {
  expect(() => sqlJsDriver({ memoryBytes: 0 })).toThrow(RangeError);
  expect(() => nodeSqliteDriver({ memoryBytes: -1 })).toThrow(RangeError);
});
