import { describe, expect, test } from 'vitest';
import { isNodeSqliteAvailable, nodeSqliteDriver } from '../../src/sqlite/node-sqlite.js';
import { pagedDriver } from '../../src/sqlite/paged/paged-driver.js';
import { sqlJsDriver } from '../../src/sqlite/sql-js.js';
import { sqliteDriverSuite } from '../../src/testing/suites/sqlite-driver.js';

describe.each([pagedDriver(), sqlJsDriver()])('driver $name', (driver) => {
  test.each(sqliteDriverSuite(driver))('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

const nodeSqlite = isNodeSqliteAvailable();
const driver = nodeSqliteDriver();
describe.skipIf(!nodeSqlite)(
  nodeSqlite ? 'driver node:sqlite' : `driver node:sqlite [not in Node.js ${process.versions.node}]`,
  () => {
    test.each(sqliteDriverSuite(driver))('$title', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  },
);
