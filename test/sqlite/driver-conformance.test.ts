import { describe, expect, test } from 'vitest';
import { isNodeSqliteAvailable, nodeSqliteDriver } from '../../src/sqlite/node-sqlite.js';
import { pagedDriver } from '../../src/sqlite/paged/paged-driver.js';
import { sqlJsDriver } from '../../src/sqlite/sql-js.js';
import { sqliteDriverSuite } from '../../src/testing/suites/sqlite-driver.js';

const nodeSqlite = isNodeSqliteAvailable();
const without = nodeSqlite ? '' : ` [Node.js ${process.versions.node} has no node:sqlite with deserialize()]`;

describe.each([pagedDriver(), sqlJsDriver()])('driver $name', (driver) => {
  test.each(sqliteDriverSuite(driver))('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe.skipIf(!nodeSqlite)(`driver node:sqlite${without}`, () => {
  test.each(sqliteDriverSuite(nodeSqliteDriver()))('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe.skipIf(nodeSqlite)('a Node.js without such a node:sqlite', () => {
  test('fails with DATABASE_DRIVER_UNAVAILABLE', async () => {
    const source = { size: 0 } as never;
    await expect(nodeSqliteDriver().open({ db: source })).rejects.toMatchObject({
      code: 'DATABASE_DRIVER_UNAVAILABLE',
    });
  });
});
