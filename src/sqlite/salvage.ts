import type { AbortOptions } from '../core/abort.js';
import { isBackupKitError } from '../core/errors.js';
import type { SqliteDatabase, SqliteValue } from './driver.js';

/** Which part of which table {@link salvageTable} reads. */
export interface SalvageTableOptions extends AbortOptions {
  /** A table with rowids. */
  table: string;
  /** Names of the columns to read. */
  columns: readonly string[];
  /** Called for each run of rows that cannot be read. */
  onDamage?: ((damage: TableDamage) => void) | undefined;
}

/** Rows of a table that cannot be read. */
export interface TableDamage {
  /** Rowid of the last row that was read before them; `undefined` at the start of the table. */
  readonly after: bigint | undefined;
  /** Rowid of the first row that was read after them; `undefined` where none follows. */
  readonly before: bigint | undefined;
  /** The {@link DatabaseError} with code `DATABASE_CORRUPT` that they cause. */
  readonly error: unknown;
}

/** A row of {@link salvageTable}. */
export interface SalvagedRow {
  /** SQLite's rowid, signed 64 bits; rows come in ascending order of it. */
  readonly rowid: bigint;
  /** In the order of the columns that were asked for. */
  readonly values: readonly SqliteValue[];
  /** Whether the table was damaged before this row, so that rows are missing and others may be wrong. */
  readonly recovered: boolean;
}

const maxRowid = 2n ** 63n - 1n;
/** How many rowids are tried before the steps between them get twice as wide. */
const probesPerStride = 32;

/**
 * The rows of a table by rowid, of a damaged one too: where a page cannot be read, the search goes on at the next rowid
 * that can. Runs of readable rows are only passed over where they are short against the damage before them.
 *
 * Reads the table itself, never an index, so it also helps where only an index is damaged.
 *
 * @throws {@link DatabaseError} with code `DATABASE_QUERY_FAILED` where the table has no rowids or a column is missing.
 */
export async function* salvageTable(
  db: SqliteDatabase,
  { table, columns, onDamage, signal }: SalvageTableOptions,
): AsyncGenerator<SalvagedRow, void, undefined> {
  const rowidName = rowidNameBeside(await db.columns(table, { signal }));
  const from = `FROM ${quoted(table)} NOT INDEXED WHERE ${rowidName} >= ? ORDER BY ${rowidName}`;
  const scan = `SELECT ${[rowidName, ...columns.map(quoted)].join(', ')} ${from}`;
  const probe = async (rowid: bigint): Promise<'row' | 'end' | 'damage'> => {
    try {
      for await (const _ of db.queryBatches(`${scan} LIMIT 1`, [rowid], { signal })) return 'row';
      return 'end';
    } catch (error) {
      if (!isBackupKitError(error, 'DATABASE_CORRUPT')) throw error;
      return 'damage';
    }
  };

  let next: bigint | undefined = -(2n ** 63n);
  let last: bigint | undefined;
  let damage: unknown;
  while (next !== undefined) {
    try {
      for await (const batch of db.queryBatches(scan, [next], { signal })) {
        for (const [id, ...values] of batch) {
          const rowid = BigInt(id as number | bigint);
          // A damaged tree can lead back to rows that were given already.
          if (last !== undefined && rowid <= last) continue;
          last = rowid;
          yield { rowid, values, recovered: damage !== undefined };
        }
      }
      return;
    } catch (error) {
      if (!isBackupKitError(error, 'DATABASE_CORRUPT')) throw error;
      damage = error;
    }
    // SQLite hands out positive rowids; where nothing was read, looking for negative ones would take for ever.
    const start: bigint = last === undefined && next < 0n ? 0n : next;
    next = await nextReadable(probe, last !== undefined && last >= start ? last + 1n : start);
    onDamage?.({ after: last, before: next, error: damage });
  }
}

/** The smallest rowid from `start` on, as far as the steps are fine enough to find it, where reading works again. */
async function nextReadable(
  probe: (rowid: bigint) => Promise<'row' | 'end' | 'damage'>,
  start: bigint,
): Promise<bigint | undefined> {
  let failed = start;
  let stride = 1n;
  for (let probes = 1; ; probes++) {
    const rowid: bigint = failed + stride;
    if (rowid > maxRowid) return undefined;
    const found = await probe(rowid);
    if (found === 'end') return undefined;
    if (found === 'row') return await firstBetween(failed, rowid, probe);
    failed = rowid;
    if (probes % probesPerStride === 0) stride *= 2n;
  }
}

async function firstBetween(
  failed: bigint,
  readable: bigint,
  probe: (rowid: bigint) => Promise<'row' | 'end' | 'damage'>,
): Promise<bigint> {
  while (readable - failed > 1n) {
    const middle = (readable + failed) / 2n;
    if ((await probe(middle)) === 'row') readable = middle;
    else failed = middle;
  }
  return readable;
}

function rowidNameBeside(columns: readonly string[]): string {
  const taken = new Set(columns.map((name) => name.toLowerCase()));
  return ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name)) ?? 'rowid';
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
