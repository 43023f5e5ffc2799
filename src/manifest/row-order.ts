import type { AbortOptions } from '../core/abort.js';
import type { SqliteDatabase, SqliteValue } from '../sqlite/driver.js';
import { queryIntegers } from '../sqlite/query-integers.js';
import { singleNumber } from './single-number.js';
import { domainNames } from './domain-names.js';
import type { FilesName } from './files-table.js';
import type { RowFilter } from './manifest.js';
import {
  allOf,
  domainCondition,
  domainMatches,
  pathCondition,
  pathMatches,
  usable,
  type SqlCondition,
} from './row-filter.js';

/** Up to this many rows, SQLite sorts them itself; it would hold 100 bytes or more a row. */
const sortedRows = 20_000;
/** Row ids in one batch. The first ones are fewer, since callers may want but one row. */
const firstBatchIds = 64;
const largestBatchIds = 512;

/** Ids of rows, in order. */
type RowIds = readonly (number | bigint)[];

/**
 * Ids of the rows that a filter lets through, but for its `kind`, in binary order of domain and path, in batches. Content is
 * not touched, nor are the records.
 *
 * Many rows are put in order without a sort: the index over domains tells the domain of each row, and the index over paths
 * gives all rows in order of their path; filling them into their domain's part of an array gives both. That takes 8 bytes
 * a row, where a sort of one million paths would take 100 MB.
 */
export async function orderRowIds(
  db: SqliteDatabase,
  { files, filter }: { files: FilesName; filter: RowFilter },
  options: AbortOptions,
): Promise<Iterable<RowIds>> {
  const byDomain = domainCondition(filter);
  const byPath = pathCondition(filter);
  const where = [byDomain, byPath];
  if (!files.isIndexed) return await sorted(db, { files, filter, where }, options);
  const table = await readRange(db, options);
  const inDomains = byDomain === undefined ? table.count : await countRows(db, byDomain, options);
  if (inDomains <= sortedRows) return await sorted(db, { files, filter, where }, options);
  if (byPath !== undefined && (await countRows(db, byPath, options)) <= sortedRows) {
    return await sorted(db, { files, filter, where: [domainCondition(filter, '+domain'), byPath] }, options);
  }
  if (table.isDense) return await distributed(db, { files, filter, range: table, inDomains }, options);
  return await sorted(db, { files, filter, where }, options);
}

async function countRows(
  db: SqliteDatabase,
  condition: SqlCondition | undefined,
  options: AbortOptions,
): Promise<number> {
  const { sql, params } = allOf([condition]);
  return await singleNumber(db, `SELECT count(*) FROM Files WHERE ${sql}`, { ...options, params });
}

/** Lets SQLite sort. */
async function sorted(
  db: SqliteDatabase,
  { files, filter, where }: { files: FilesName; filter: RowFilter; where: readonly (SqlCondition | undefined)[] },
  options: AbortOptions,
): Promise<Iterable<RowIds>> {
  const { sql, params } = allOf([usable, ...where]);
  const columns = filter.glob === undefined ? 'rowid' : 'rowid, domain, relativePath';
  const query = `SELECT ${columns} FROM ${files.name} WHERE ${sql} ORDER BY domain, relativePath, rowid`;
  const ids: (number | bigint)[] = [];
  for await (const batch of db.queryBatches(query, params, options)) {
    for (const [id, domain, path] of batch) {
      if (filter.glob === undefined || pathMatches(filter, String(domain), String(path))) ids.push(asRowId(id));
    }
  }
  return inBatches(ids.length, (at, end) => ids.slice(at, end));
}

/** Batches that begin small, since callers may want but one row. */
function* inBatches(count: number, slice: (at: number, end: number) => RowIds): Generator<RowIds, void, undefined> {
  let size = firstBatchIds;
  for (let at = 0; at < count; at += size) {
    if (at > 0) size = Math.min(2 * size, largestBatchIds);
    yield slice(at, Math.min(at + size, count));
  }
}

/** Row ids of a table. */
interface RowIdRange {
  readonly count: number;
  /** Least row id, and the distance from it to behind the greatest one; without meaning where it is not dense. */
  readonly first: number;
  readonly size: number;
  /** Whether an array over the range takes no more than a few bytes a row. */
  readonly isDense: boolean;
}

async function readRange(db: SqliteDatabase, options: AbortOptions): Promise<RowIdRange> {
  // Each on its own, so that the first two are single searches.
  const sql = `SELECT (SELECT min(rowid) FROM Files), (SELECT max(rowid) FROM Files), (SELECT count(1) FROM Files)`;
  for await (const [row] of db.queryBatches(sql, [], options)) {
    const [first, last] = row ?? [];
    const count = Number(row?.[2]);
    if (typeof first !== 'number' || typeof last !== 'number') break;
    const size = last - first + 1;
    return { count, first, size, isDense: first >= 0 && size <= 8 * count };
  }
  return { count: 0, first: 0, size: 0, isDense: false };
}

/** One domain's part of the array of all rows. */
interface DomainPart {
  readonly domain: string;
  readonly start: number;
  /** Index behind the last row that was filled in. */
  end: number;
}

async function distributed(
  db: SqliteDatabase,
  { files, filter, range, inDomains }: { files: FilesName; filter: RowFilter; range: RowIdRange; inDomains: number },
  options: AbortOptions,
): Promise<Iterable<RowIds>> {
  /** For each row, 1 more than the index of its domain's part; 0 where the filter leaves the domain out. */
  const partOfRow = new Uint32Array(range.size);
  const parts = await readDomains(db, { files, filter, range, partOfRow }, options);
  const order = new Uint32Array(inDomains);
  const fill = (row: number, path?: string): void => {
    const part = parts[(partOfRow[row] ?? 0) - 1];
    if (part !== undefined && (path === undefined || pathMatches(filter, part.domain, path))) order[part.end++] = row;
  };
  const { sql, params } = allOf([{ sql: 'relativePath IS NOT NULL', params: [] }, pathCondition(filter)]);
  const rest = `FROM Files WHERE ${sql} ORDER BY relativePath`;
  if (filter.glob === undefined) {
    for await (const ids of queryIntegers(db, `SELECT rowid ${rest}`, { ...options, params })) {
      for (const id of ids) fill(id - range.first);
    }
  } else {
    for await (const batch of db.queryBatches(`SELECT rowid, relativePath ${rest}`, params, options)) {
      for (const [id, path] of batch) fill(Number(id) - range.first, String(path));
    }
  }
  // What was left out of a domain's part leaves a gap behind it.
  let count = 0;
  for (const { start, end } of parts) {
    order.copyWithin(count, start, end);
    count += end - start;
  }
  return inBatches(count, (at, end) => {
    const ids: number[] = [];
    for (let place = at; place < end; place += 1) ids.push((order[place] ?? 0) + range.first);
    return ids;
  });
}

/** Notes the part of each row whose domain passes the filter. Parts come in order of their domains. */
async function readDomains(
  db: SqliteDatabase,
  {
    files,
    filter,
    range,
    partOfRow,
  }: { files: FilesName; filter: RowFilter; range: RowIdRange; partOfRow: Uint32Array },
  options: AbortOptions,
): Promise<DomainPart[]> {
  const parts: DomainPart[] = [];
  let start = 0;
  for (const domain of await domainNames(db, files, options)) {
    if (!domainMatches(filter, domain)) continue;
    parts.push({ domain, start, end: start });
    const query = 'SELECT rowid FROM Files WHERE domain = ?';
    for await (const ids of queryIntegers(db, query, { ...options, params: [domain] })) {
      for (const id of ids) partOfRow[id - range.first] = parts.length;
      start += ids.length;
    }
  }
  return parts;
}

const asRowId = (value: SqliteValue | undefined): number | bigint =>
  typeof value === 'bigint' ? value : Number(value);
