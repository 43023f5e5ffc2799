import type { SqliteDriver } from '../../sqlite/driver.js';
import type { ConformanceCase } from './conformance-case.js';
import { damageCases } from './sqlite-driver/damage-cases.js';
import { lifetimeCases } from './sqlite-driver/lifetime-cases.js';
import { sourceCases } from './sqlite-driver/source-cases.js';
import { statementCases } from './sqlite-driver/statement-cases.js';
import { valueCases } from './sqlite-driver/value-cases.js';
import { walCases } from './sqlite-driver/wal-cases.js';

/**
 * What every {@link SqliteDriver} must do, as cases to run in any order with any test framework.
 *
 * @example
 * for (const { title, run } of sqliteDriverSuite(myDriver())) test(title, run);
 */
export function sqliteDriverSuite(driver: SqliteDriver): readonly ConformanceCase[] {
  return [valueCases, statementCases, lifetimeCases, sourceCases, walCases, damageCases].flatMap((cases) =>
    cases(driver),
  );
}
