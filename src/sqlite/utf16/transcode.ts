import { yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import { DatabaseError, isBackupKitError } from '../../core/errors.js';
import type { SqliteValue } from '../driver.js';
import type { DatabaseImage } from '../image/database-image.js';
import type { Connection } from '../paged/connection.js';
import type { Statement } from '../paged/statement.js';
import { resultCode } from '../sqlite-errors.js';
import { readBtree, type BtreeEntry } from './btree.js';

interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly table: string;
  readonly rootPage: number;
  readonly sql: string | null;
}

const rowsBetweenYields = 2_000;

/**
 * Copies a database whose text is UTF-16 into `target`, an empty one in memory: the engine is built without UTF-16.
 * Tables that SQLite manages itself are not copied, but for `sqlite_sequence`.
 *
 * @throws {@link DatabaseError} with code `DATABASE_CORRUPT` where any of it is damaged.
 */
export async function transcode(image: DatabaseImage, target: Connection, options: AbortOptions): Promise<void> {
  try {
    const schema = [...readBtree(image, 1)].map(schemaObject);
    target.execute('PRAGMA ignore_check_constraints = 1; BEGIN');
    const tables = schema.filter(({ type, rootPage }) => type === 'table' && rootPage > 0);
    for (const table of tables) {
      if (!table.name.startsWith('sqlite_') && table.sql !== null) target.execute(table.sql);
    }
    for (const table of tables) {
      if (!table.name.startsWith('sqlite_')) await copyRows(image, target, table, options);
    }
    const sequence = tables.find(({ name }) => name === 'sqlite_sequence');
    if (sequence !== undefined) {
      // The copied rows have left numbers of their own.
      target.execute('DELETE FROM sqlite_sequence');
      await copyRows(image, target, sequence, options);
    }
    target.execute('COMMIT');
    for (const object of schema) {
      if (object.type === 'index' && object.sql !== null) createIndex(target, object.sql);
    }
    declare(
      target,
      schema.filter(({ rootPage }) => rootPage === 0),
    );
  } catch (error) {
    if (!isBackupKitError(error, 'FORMAT_INVALID')) throw error;
    throw new DatabaseError('DATABASE_CORRUPT', `The database is damaged (${error.message})`, {
      cause: error,
      sqliteCode: resultCode.corrupt,
    });
  }
}

function schemaObject({ values: [type, name, table, rootPage, sql] }: BtreeEntry): SchemaObject {
  return {
    type: String(type),
    name: String(name),
    table: String(table),
    rootPage: Number(rootPage),
    sql: typeof sql === 'string' ? sql : null,
  };
}

async function copyRows(
  image: DatabaseImage,
  target: Connection,
  { name, sql, rootPage }: SchemaObject,
  { signal }: AbortOptions,
): Promise<void> {
  const { columns, rowidName, rowidColumn } = tableLayout(target, name, sql ?? '');
  const stored = columns.filter(({ isStored }) => isStored);
  // Rows that are older than a column lack it at their end: SQLite then gives its default, and so does leaving it out.
  const inserts = new Map<number, Statement>();
  const insertFor = (present: typeof stored): Statement => {
    const names = present.filter(({ isGenerated }) => !isGenerated).map((column) => column.name);
    const insert = prepareInsert(target, name, rowidName === undefined ? names : [rowidName, ...names]);
    inserts.set(present.length, insert);
    return insert;
  };
  let count = 0;
  try {
    for (const { rowid, values } of readBtree(image, rootPage)) {
      const present = stored.slice(0, values.length);
      const row = present.flatMap(({ isGenerated, name: column }, index) =>
        isGenerated ? [] : [column === rowidColumn ? (rowid ?? null) : (values[index] ?? null)],
      );
      const insert = inserts.get(present.length) ?? insertFor(present);
      target.run(insert, rowidName === undefined ? row : [rowid ?? null, ...row]);
      count += 1;
      if (count % rowsBetweenYields === 0) await yieldToEventLoop(signal);
    }
  } finally {
    for (const insert of inserts.values()) insert.finalize();
  }
}

interface TableLayout {
  /** In the order in which a record has them. */
  readonly columns: readonly { readonly name: string; readonly isStored: boolean; readonly isGenerated: boolean }[];
  /** The column that is the rowid, whose stored value is NULL. */
  readonly rowidColumn: string | undefined;
  /** A name for the rowid, where the table has one that is not a column. */
  readonly rowidName: string | undefined;
}

function tableLayout(target: Connection, table: string, sql: string): TableLayout {
  const info = all(target, 'SELECT name, type, pk, hidden FROM pragma_table_xinfo(?)', table).map(
    ([name, type, pk, hidden]) => ({
      name: String(name),
      isInteger: String(type).toUpperCase() === 'INTEGER',
      isKey: pk !== 0,
      isStored: hidden !== 2,
      isGenerated: hidden === 2 || hidden === 3,
    }),
  );
  const [[withoutRowid] = []] = all(
    target,
    "SELECT wr FROM pragma_table_list WHERE name = ? AND schema = 'main'",
    table,
  );
  if (withoutRowid === 1) {
    const order = all(
      target,
      `SELECT x.name FROM pragma_index_list(?) AS l, pragma_index_xinfo(l.name) AS x WHERE l.origin = 'pk' ORDER BY x.seqno`,
      table,
    );
    const columns = order.flatMap(([name]) => info.filter((column) => column.name === name));
    return { columns, rowidColumn: undefined, rowidName: undefined };
  }
  const keys = info.filter(({ isKey }) => isKey);
  // A quirk that SQLite keeps: https://www.sqlite.org/lang_createtable.html#rowids_and_the_integer_primary_key
  const isDescending = /integer\s+primary\s+key\s+desc/i.test(sql);
  const rowidColumn = keys.length === 1 && keys[0]?.isInteger === true && !isDescending ? keys[0].name : undefined;
  const taken = new Set(info.map(({ name }) => name.toLowerCase()));
  const rowidName =
    rowidColumn === undefined ? ['rowid', 'oid', '_rowid_'].find((name) => !taken.has(name)) : undefined;
  return { columns: info, rowidColumn, rowidName };
}

function all(target: Connection, sql: string, param: string): SqliteValue[][] {
  const cursor = target.open(sql, [param]);
  const rows: SqliteValue[][] = [];
  for (let row = cursor.next(); row !== undefined; row = cursor.next()) rows.push(row);
  cursor.close();
  return rows;
}

function prepareInsert(target: Connection, table: string, columns: readonly string[]): Statement {
  const list = columns.map(quoted).join(', ');
  return target.prepare(`INSERT INTO ${quoted(table)} (${list}) VALUES (${columns.map(() => '?').join(', ')})`);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** An index only makes lookups faster; one over an unknown collation or function cannot be made and is not needed. */
function createIndex(target: Connection, sql: string): void {
  try {
    target.execute(sql);
  } catch (error) {
    if (!isBackupKitError(error, 'DATABASE_QUERY_FAILED')) throw error;
  }
}

/** Views, triggers and virtual tables have no pages; their declaration may name what is not there, so it is not run. */
function declare(target: Connection, objects: readonly SchemaObject[]): void {
  target.execute('PRAGMA writable_schema = 1');
  const insert = target.prepare(
    'INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, 0, ?)',
  );
  try {
    for (const { type, name, table, sql } of objects) target.run(insert, [type, name, table, sql]);
  } finally {
    insert.finalize();
  }
  target.execute('PRAGMA writable_schema = RESET');
}
