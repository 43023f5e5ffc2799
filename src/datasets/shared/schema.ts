import type { AbortOptions } from '../../core/abort.js';
import type { SqliteDatabase } from '../../sqlite/driver.js';

/** A part of a schema that came with some release: a feature whose columns are there together or not at all. */
export interface SchemaUnit {
  /** Name of the feature, e.g. `replies`. */
  readonly name: string;
  /** Table that has the columns. */
  readonly table: string;
  /** All of these columns must exist; none means that the table alone tells. */
  readonly columns: readonly string[];
}

/** The tables and columns that a database really has. What to read is decided by it and never by a version number. */
export interface Schema {
  /** Whether there is such a table, or such a column in it. Names are compared without regard to case, as SQLite does. */
  has(table: string, column?: string): boolean;
  /**
   * A select list that NULL-fills columns that are not there, so that one statement fits every release:
   * `select('message', 'm', ['text', 'date_edited'])` may give `m."text" AS "text", NULL AS "date_edited"`.
   */
  select(table: string, alias: string, columns: readonly string[]): string;
  /** Names of those units that are not there, in the order given. */
  missing(units: readonly SchemaUnit[]): readonly string[];
}

/** Reads the columns of `tables`. Only these are looked at: full-text tables with private tokenizers must not be touched. */
export async function readSchema(
  db: SqliteDatabase,
  tables: readonly string[],
  options?: AbortOptions,
): Promise<Schema> {
  const found = new Map<string, ReadonlySet<string>>();
  for (const table of tables) {
    const columns = await db.columns(table, options);
    found.set(table.toLowerCase(), new Set(columns.map((column) => column.toLowerCase())));
  }
  const has = (table: string, column?: string): boolean => {
    const columns = found.get(table.toLowerCase());
    if (columns === undefined) throw new RangeError(`Table ${table} was not asked for`);
    return column === undefined
      ? columns.size > 0
      : columns.has(column.toLowerCase()) || (columns.size > 0 && column === 'ROWID');
  };
  return {
    has,
    select: (table, alias, columns) =>
      columns
        .map((column) => `${has(table, column) ? `${alias}.${quoteName(column)}` : 'NULL'} AS ${quoteName(column)}`)
        .join(', '),
    missing: (units) =>
      units
        .filter(({ table, columns }) => !has(table) || columns.some((column) => !has(table, column)))
        .map(({ name }) => name),
  };
}

/** A table or column name as an SQL identifier. */
export function quoteName(name: string): string {
  return name === 'ROWID' ? 'ROWID' : `"${name.replaceAll('"', '""')}"`;
}
