import { hexEncode } from '../../../core/bytes.js';
import type { RawValue } from '../types.js';

/** A value as an SQL literal. Text with a NUL character is written as bytes, because SQL text ends at it. */
export function sqlLiteral(value: RawValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') {
    return value.includes('\0')
      ? `CAST(${sqlLiteral(new TextEncoder().encode(value))} AS TEXT)`
      : `'${value.replaceAll("'", "''")}'`;
  }
  if (typeof value === 'object') return `x'${hexEncode(value)}'`;
  return Number.isFinite(Number(value)) ? String(value) : 'NULL';
}

/** An `INSERT` of one row; columns that are `undefined` are left to their defaults. */
export function insertSql(table: string, row: Readonly<Record<string, RawValue | undefined>>): string {
  const columns = Object.entries(row).filter((entry): entry is [string, RawValue] => entry[1] !== undefined);
  const names = columns.map(([name]) => `"${name.replaceAll('"', '""')}"`);
  const values = columns.map(([, value]) => sqlLiteral(value));
  return `INSERT INTO ${table} (${names.join(', ')}) VALUES (${values.join(', ')})`;
}
