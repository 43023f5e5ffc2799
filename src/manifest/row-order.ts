import type { AbortOptions } from '../core/abort.js';
import type { SqliteDatabase, SqliteValue } from '../sqlite/driver.js';
import { singleNumber } from './single-number.js';
import { domainNames } from './domain-names.js';
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
const largestBatchIds = 256;

/** Ids of rows, in order. */
type RowIds = readonly (number | bigint)[];

/**
 * Ids of the rows that a filter lets through, but for its `kind`, in binary order of domain and path. Content is not
 * touched, nor are the records.
 *
 * Many rows are put in order without a sort: the index over domains tells the domain of each row, and the index over paths
 * gives all rows in order of their path; filling them into their domain's part of an array gives both. That takes 8 bytes
 * a row, where a sort of one million paths would take 100 MB.
 */
export async function* orderedRowIds(
  db: SqliteDatabase,
  filter: RowFilter,
  options: AbortOptions,
): AsyncGenerator<RowIds, void, undefined> {
  const byDomain = domainCondition(filter);
  const byPath = pathCondition(filter);
  const table = await readRange(db, options);
  const inDomains = byDomain === undefined ? table.count : await countRows(db, byDomain, options);
  if (inDomains <= sortedRows) yield* sorted(db, { filter, where: [byDomain, byPath] }, options);
  else if (byPath !== undefined && (await countRows(db, byPath, options)) <= sortedRows) {
    yield* sorted(db, { filter, where: [domainCondition(filter, '+domain'), byPath] }, options);
  } else if (table.isDense) yield* distributed(db, { filter, range: table, inDomains }, options);
  else yield* sorted(db, { filter, where: [byDomain, byPath] }, options);
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
async function* sorted(
  db: SqliteDatabase,
  { filter, where }: { filter: RowFilter; where: readonly (SqlCondition | undefined)[] },
  options: AbortOptions,
): AsyncGenerator<RowIds, void, undefined> {
  const { sql, params } = allOf([usable, ...where]);
  const columns = filter.glob === undefined ? 'rowid' : 'rowid, domain, relativePath';
  const query = `SELECT ${columns} FROM Files WHERE ${sql} ORDER BY domain, relativePath, rowid`;
  for await (const batch of db.queryBatches(query, params, options)) {
    const ids: (number | bigint)[] = [];
    for (const [id, domain, path] of batch) {
      if (filter.glob === undefined || pathMatches(filter, String(domain), String(path))) ids.push(asRowId(id));
    }
    if (ids.length > 0) yield ids;
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
  for await (const [row] of db.queryBatches('SELECT min(rowid), max(rowid), count(*) FROM Files', [], options)) {
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

async function* distributed(
  db: SqliteDatabase,
  { filter, range, inDomains }: { filter: RowFilter; range: RowIdRange; inDomains: number },
  options: AbortOptions,
): AsyncGenerator<RowIds, void, undefined> {
  /** For each row, 1 more than the index of its domain's part; 0 where the filter leaves the domain out. */
  const partOfRow = new Uint32Array(range.size);
  const parts = await readDomains(db, { filter, range, partOfRow }, options);
  const order = new Uint32Array(inDomains);
  const fill = (row: number, path?: string): void => {
    const part = parts[(partOfRow[row] ?? 0) - 1];
    if (part !== undefined && (path === undefined || pathMatches(filter, part.domain, path))) order[part.end++] = row;
  };
  const { sql, params } = allOf([{ sql: 'relativePath IS NOT NULL', params: [] }, pathCondition(filter)]);
  const columns = filter.glob === undefined ? 'rowid' : 'rowid, relativePath';
  const query = `SELECT ${columns} FROM Files WHERE ${sql} ORDER BY relativePath`;
  for await (const batch of db.queryBatches(query, params, options)) {
    for (const [id, path] of batch) fill(Number(id) - range.first, filter.glob && String(path));
  }
  let batchIds = firstBatchIds;
  for (const { start, end } of parts) {
    for (let at = start; at < end;) {
      const next = Math.min(at + batchIds, end);
      yield Array.from(order.subarray(at, next), (row) => row + range.first);
      at = next;
      batchIds = Math.min(2 * batchIds, largestBatchIds);
    }
  }
}

/** Notes the part of each row whose domain passes the filter. Parts come in order of their domains. */
async function readDomains(
  db: SqliteDatabase,
  { filter, range, partOfRow }: { filter: RowFilter; range: RowIdRange; partOfRow: Uint32Array },
  options: AbortOptions,
): Promise<DomainPart[]> {
  const parts: DomainPart[] = [];
  let start = 0;
  for (const domain of await domainNames(db, options)) {
    if (!domainMatches(filter, domain)) continue;
    parts.push({ domain, start, end: start });
    for await (const batch of db.queryBatches('SELECT rowid FROM Files WHERE domain = ?', [domain], options)) {
      for (const [id] of batch) partOfRow[Number(id) - range.first] = parts.length;
      start += batch.length;
    }
  }
  return parts;
}

const asRowId = (value: SqliteValue | undefined): number | bigint =>
  typeof value === 'bigint' ? value : Number(value);
