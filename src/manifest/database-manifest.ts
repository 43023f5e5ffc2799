import type { AbortOptions } from '../core/abort.js';
import { hexDecode, utf8Encode } from '../core/bytes.js';
import { ManifestError } from '../core/errors.js';
import type { SqliteDatabase, SqliteValue } from '../sqlite/driver.js';
import { asText, DatabaseRow, type DecodeRecord } from './database-row.js';
import { domainNames } from './domain-names.js';
import { FilesTable, type FilesName } from './files-table.js';
import {
  flagsOfKind,
  kindOfRow,
  storedId,
  type Manifest,
  type ManifestRow,
  type RowFilter,
  type StoredId,
} from './manifest.js';
import { allOf, domainCondition, pathCondition, pathMatches, usable, type SqlCondition } from './row-filter.js';
import { orderRowIds } from './row-order.js';
import { singleNumber } from './single-number.js';

const columnNames = ['fileID', 'domain', 'relativePath', 'flags', 'file'] as const;
/** Without these nothing can be found. */
const neededColumns = ['fileid', 'domain', 'relativepath'];

/** What was learned of a database when it was opened. */
interface Schema {
  /** The five columns in order, `NULL` in place of absent ones. */
  readonly columns: string;
  /** Whether rows can be named by a row id: they cannot in views and `WITHOUT ROWID` tables. */
  readonly hasRowIds: boolean;
  readonly hasFlags: boolean;
}

/** A Manifest.db. Everything is read with cursors when it is asked for; see {@link orderRowIds} for what a list needs. */
export class DatabaseManifest implements Manifest {
  readonly kind = 'database';
  readonly #db: SqliteDatabase;
  readonly #files: FilesTable;
  readonly #decode: DecodeRecord;
  readonly #schema: Schema;

  private constructor(db: SqliteDatabase, decode: DecodeRecord, schema: Schema) {
    this.#db = db;
    this.#files = new FilesTable(db, schema.hasRowIds);
    this.#decode = decode;
    this.#schema = schema;
  }

  /**
   * Looks at the schema, of which other tools write simpler ones: columns are read by name, and indexes are not needed.
   *
   * @param db - becomes the manifest's own
   * @param decode - gives the archive in a `file` column
   * @throws {@link ManifestError} `MANIFEST_CORRUPT` where there is no usable table of files
   */
  static async open(db: SqliteDatabase, decode: DecodeRecord, options: AbortOptions): Promise<DatabaseManifest> {
    const present = new Set((await db.columns('Files', options)).map((name) => name.toLowerCase()));
    if (present.size === 0) throw new ManifestError('MANIFEST_CORRUPT', 'Manifest.db has no table Files');
    const missing = neededColumns.filter((name) => !present.has(name));
    if (missing.length > 0) {
      throw new ManifestError('MANIFEST_CORRUPT', `The table Files of Manifest.db has no column ${missing.join(', ')}`);
    }
    return new DatabaseManifest(db, decode, {
      columns: columnNames.map((name) => (present.has(name.toLowerCase()) ? `f.${name}` : 'NULL')).join(', '),
      hasFlags: present.has('flags'),
      hasRowIds: await hasRowIds(db, options),
    });
  }

  async *rows(filter: RowFilter, options: AbortOptions): AsyncGenerator<readonly ManifestRow[], void, undefined> {
    for await (const batch of this.#fetch(filter, this.#kindCondition(filter), options)) {
      const rows = filter.kind === undefined ? batch : batch.filter((row) => kindOfRow(row) === filter.kind);
      if (rows.length > 0) yield rows;
    }
  }

  async find(domain: string, paths: readonly string[], options: AbortOptions): Promise<ManifestRow | undefined> {
    // The plus keeps SQLite off the index over domains, which may lead through all files of an app or all photos.
    const sql = ({ asF }: FilesName): string =>
      `SELECT ${this.#schema.columns} FROM ${asF} WHERE relativePath = ? AND +domain = ?`;
    for (const path of paths) {
      let found: readonly SqliteValue[] | undefined;
      for await (const batch of this.#files.query(sql, [path, domain], options)) found = batch.at(-1) ?? found;
      if (found !== undefined) return new DatabaseRow(found, this.#decode);
    }
    return undefined;
  }

  async findById(fileId: string, options: AbortOptions): Promise<ManifestRow | undefined> {
    const ids = [fileId, fileId.toUpperCase(), hexDecode(fileId), utf8Encode(fileId), utf8Encode(fileId.toUpperCase())];
    const sql = ({ asF }: FilesName): string => `SELECT ${this.#schema.columns} FROM ${asF}
      WHERE fileID IN (?, ?, ?, ?, ?) AND ${usable.sql}`;
    for await (const [values] of this.#files.query(
      sql,
      ids.map((id) => id ?? null),
      options,
    )) {
      if (values !== undefined) return new DatabaseRow(values, this.#decode);
    }
    return undefined;
  }

  async sample(count: number, options: AbortOptions): Promise<readonly ManifestRow[]> {
    const { columns, hasFlags } = this.#schema;
    const sql = ({ asF }: FilesName): string =>
      `SELECT ${columns} FROM ${asF} WHERE ${hasFlags ? 'flags = 1' : '1'} LIMIT ?`;
    const rows: ManifestRow[] = [];
    for await (const batch of this.#files.query(sql, [count], options)) {
      for (const values of batch) rows.push(new DatabaseRow(values, this.#decode));
    }
    return rows;
  }

  async count(filter: RowFilter, options: AbortOptions): Promise<number> {
    if (filter.glob === undefined && (filter.kind === undefined || this.#schema.hasFlags)) {
      const conditions = [usable, domainCondition(filter), pathCondition(filter)];
      if (filter.kind === undefined) return await this.#countWhere(conditions, options);
      const certain = { sql: '(flags & 7) = ?', params: [flagsOfKind(filter.kind)] };
      // Where the flags do not tell the kind, the record does.
      const uncertain = this.#countRead(this.#fetch(filter, uncertainKind, options), filter);
      return (await this.#countWhere([...conditions, certain], options)) + (await uncertain);
    }
    return await this.#countRead(this.#fetch(filter, this.#kindCondition(filter), options), filter);
  }

  async domains(options: AbortOptions): Promise<readonly string[]> {
    return await this.#files.read(async (files) => await domainNames(this.#db, files, options));
  }

  async *children(domain: string, folder: string, options: AbortOptions): AsyncGenerator<string, void, undefined> {
    const prefix = folder === '' ? '' : `${folder}/`;
    const end = folder === '' ? undefined : `${folder}0`;
    const isSmall = await this.#hasFewRows(domain, options);
    const seen = new Set<string>();
    let jumps = !isSmall;
    for (let from: string | undefined = prefix; from !== undefined;) {
      const { where, params } = childrenCondition({ domain, from, end, isSmall });
      const sql = (files: FilesName): string => {
        // Without indexes every jump would read the whole table again.
        jumps = !isSmall && files.isIndexed;
        return `SELECT relativePath FROM ${files.name} WHERE ${where} ORDER BY relativePath`;
      };
      from = undefined;
      let repeated = 0;
      scan: for await (const batch of this.#files.query(sql, params, options)) {
        for (const [value] of batch) {
          const [name = ''] = asText(value).slice(prefix.length).split('/', 1);
          if (!seen.has(name)) {
            seen.add(name);
            repeated = 0;
            yield name;
          } else if (++repeated > rowsBeforeJump && jumps && !name.includes(replacementCharacter)) {
            // The rows below a name end before the name with `0`, which follows `/`, at its end.
            from = `${prefix}${name}0`;
            break scan;
          }
        }
      }
    }
  }

  async *unusableRows(options: AbortOptions): AsyncGenerator<StoredId, void, undefined> {
    for (const column of ['domain', 'domain IS NOT NULL AND relativePath']) {
      const sql = ({ name }: FilesName): string => `SELECT fileID FROM ${name} WHERE ${column} IS NULL`;
      for await (const batch of this.#files.query(sql, [], options)) {
        for (const [id] of batch) yield storedId(id);
      }
    }
  }

  async close(): Promise<void> {
    await this.#db.close();
  }

  /** Rows that pass a filter but perhaps for its kind, in order. */
  async *#fetch(
    filter: RowFilter,
    condition: SqlCondition | undefined,
    options: AbortOptions,
  ): AsyncGenerator<readonly ManifestRow[], void, undefined> {
    const { columns, hasRowIds } = this.#schema;
    const where = allOf([condition]);
    if (!hasRowIds) {
      yield* this.#fetchSorted(filter, condition, options);
      return;
    }
    const order = await this.#files.read(async (files) => await orderRowIds(this.#db, { files, filter }, options));
    for (const ids of order) {
      const { from, params, places } = placedRows(ids);
      const sql = `SELECT ${columns}, ${from} AND ${where.sql}`;
      const rows: (ManifestRow | undefined)[] = ids.map(() => undefined);
      for await (const batch of this.#db.queryBatches(sql, [...params, ...where.params], options)) {
        for (const values of batch) {
          const place = places[Number(values[5])] ?? -1;
          if (place >= 0) rows[place] = new DatabaseRow(values, this.#decode);
        }
      }
      const found = rows.filter((row): row is ManifestRow => row !== undefined);
      if (found.length > 0) yield found;
    }
  }

  /** The same where rows have no ids: SQLite sorts them whole. */
  async *#fetchSorted(
    filter: RowFilter,
    condition: SqlCondition | undefined,
    options: AbortOptions,
  ): AsyncGenerator<readonly ManifestRow[], void, undefined> {
    const where = allOf([usable, domainCondition(filter), pathCondition(filter), condition]);
    const sql = `SELECT ${this.#schema.columns} FROM Files AS f WHERE ${where.sql} ORDER BY domain, relativePath`;
    for await (const batch of this.#db.queryBatches(sql, where.params, options)) {
      const rows = batch.map((values) => new DatabaseRow(values, this.#decode));
      const matching = rows.filter(({ domain, relativePath }) => pathMatches(filter, domain, relativePath));
      if (matching.length > 0) yield matching;
    }
  }

  /** Leaves out rows whose flags say clearly that they are of another kind. */
  #kindCondition({ kind }: RowFilter): SqlCondition | undefined {
    if (kind === undefined || !this.#schema.hasFlags) return undefined;
    return { sql: `(flags & 7) = ? OR ${uncertainKind.sql}`, params: [flagsOfKind(kind)] };
  }

  async #countRead(batches: AsyncIterable<readonly ManifestRow[]>, { kind }: RowFilter): Promise<number> {
    let count = 0;
    for await (const batch of batches) {
      count += kind === undefined ? batch.length : batch.filter((row) => kindOfRow(row) === kind).length;
    }
    return count;
  }

  async #countWhere(conditions: readonly (SqlCondition | undefined)[], options: AbortOptions): Promise<number> {
    const { sql, params } = allOf(conditions);
    return await this.#files.read(
      async ({ name }) =>
        await singleNumber(this.#db, `SELECT count(*) FROM ${name} WHERE ${sql}`, { params, ...options }),
    );
  }

  async #hasFewRows(domain: string, options: AbortOptions): Promise<boolean> {
    const params = [domain, fewRows];
    const count = await this.#files.read(
      async ({ name }) =>
        await singleNumber(this.#db, `SELECT count(*) FROM (SELECT 1 FROM ${name} WHERE domain = ? LIMIT ?)`, {
          params,
          ...options,
        }),
    );
    return count < fewRows;
  }
}

/** Rows between those of a batch that may be read for nothing, in parts of the batch: reading on is cheaper than a search. */
const mostSkipped = 0.25;

/**
 * How to fetch the rows of a batch in the order in which they are stored, so that a page is read once for all of its rows.
 * The number that goes with a row says by way of `places` which of the batch it is.
 */
function placedRows(ids: readonly (number | bigint)[]): {
  from: string;
  params: readonly SqliteValue[];
  places: ArrayLike<number>;
} {
  let first = Infinity;
  let last = -Infinity;
  for (const id of ids) {
    if (id < first) first = Number(id);
    if (id > last) last = Number(id);
  }
  const span = last - first + 1;
  if (Number.isSafeInteger(first) && Number.isSafeInteger(last) && span <= ids.length * (1 + mostSkipped)) {
    const places = new Int16Array(span).fill(-1);
    for (let place = 0; place < ids.length; place += 1) places[Number(ids[place]) - first] = place;
    return { from: `f.rowid - ? FROM Files AS f WHERE f.rowid BETWEEN ? AND ?`, params: [first, first, last], places };
  }
  const places = [...ids.keys()].sort((a, b) => compareIds(ids[a], ids[b]));
  return {
    from: 'id.key FROM json_each(?) AS id CROSS JOIN Files AS f ON f.rowid = id.value WHERE 1',
    params: [`[${places.map((place) => ids[place]).join(',')}]`],
    places,
  };
}

const compareIds = (a: number | bigint = 0, b: number | bigint = 0): number => (a < b ? -1 : a > b ? 1 : 0);

/** Rows whose flags name no kind, or several. */
const uncertainKind: SqlCondition = { sql: 'flags IS NULL OR (flags & 7) NOT IN (1, 2, 4)', params: [] };

/** A domain with fewer rows is read whole to find what is in one folder, by the index over domains. */
const fewRows = 4096;
/** Stands for bytes that are not UTF-8: the text of such a name cannot be used to find the way behind it. */
const replacementCharacter = '\uFFFD';
/** Rows of one name after which `children` jumps behind that name instead of reading on. */
const rowsBeforeJump = 64;

/** Paths from `from` to before `end`, in order. The plus keeps SQLite from using the index of the other column. */
function childrenCondition(range: { domain: string; from: string; end: string | undefined; isSmall: boolean }): {
  where: string;
  params: readonly SqliteValue[];
} {
  const [domain, path] = range.isSmall ? ['domain', '+relativePath'] : ['+domain', 'relativePath'];
  const end = range.end === undefined ? [] : [{ sql: `${path} < ?`, params: [range.end] }];
  const { sql, params } = allOf([
    { sql: `${domain} = ?`, params: [range.domain] },
    { sql: `${path} >= ?`, params: [range.from] },
    ...end,
  ]);
  return { where: sql, params };
}

/** Whether rows can be named by row ids. */
async function hasRowIds(db: SqliteDatabase, options: AbortOptions): Promise<boolean> {
  const sql = `SELECT count(*) FROM sqlite_master
    WHERE type = 'table' AND name = 'Files' COLLATE NOCASE AND sql NOT LIKE '%WITHOUT%ROWID%' AND sql NOT LIKE '%VIRTUAL%TABLE%'`;
  return (await singleNumber(db, sql, options)) > 0;
}
