import type { SqliteValue } from '../sqlite/driver.js';
import type { RowFilter } from './manifest.js';

/** Whether a domain meets the conditions on domains. */
export function domainMatches({ domains, domainPrefix }: RowFilter, domain: string): boolean {
  return (domains?.includes(domain) ?? true) && domain.startsWith(domainPrefix ?? '');
}

/** Whether a path meets the conditions on paths, in a domain that meets those on domains. */
export function pathMatches({ pathPrefix, glob }: RowFilter, domain: string, path: string): boolean {
  if (pathPrefix !== undefined && path !== pathPrefix && !path.startsWith(`${pathPrefix}/`)) return false;
  if (glob === undefined) return true;
  return glob.pattern.matches(glob.over === 'path' ? path : absolutePath(domain, path));
}

/** `/domain/path`, and `/domain` for the root of a domain. */
export function absolutePath(domain: string, path: string): string {
  return path === '' ? `/${domain}` : `/${domain}/${path}`;
}

/** A condition in SQL with its parameters. */
export interface SqlCondition {
  readonly sql: string;
  readonly params: readonly SqliteValue[];
}

/** Conditions that must all hold; always true where there are none. */
export function allOf(conditions: readonly (SqlCondition | undefined)[]): SqlCondition {
  const given = conditions.filter((condition): condition is SqlCondition => condition !== undefined);
  return {
    sql: given.length === 0 ? '1' : given.map(({ sql }) => `(${sql})`).join(' AND '),
    params: given.flatMap(({ params }) => params),
  };
}

/** Rows that are entries at all: placeholders of an interrupted run have neither domain nor path. */
export const usable: SqlCondition = { sql: 'domain IS NOT NULL AND relativePath IS NOT NULL', params: [] };

/**
 * The conditions on domains; `undefined` where all match. `column` is `+domain` to keep SQLite from using the index over
 * domains.
 */
export function domainCondition(
  { domains, domainPrefix, glob }: RowFilter,
  column: 'domain' | '+domain' = 'domain',
): SqlCondition | undefined {
  const conditions: SqlCondition[] = [];
  if (domains !== undefined) {
    conditions.push({ sql: `${column} IN (${domains.map(() => '?').join(', ')})`, params: domains });
  }
  for (const prefix of [domainPrefix, glob?.over === 'domain-and-path' ? globDomain(glob.pattern.literalPrefix) : '']) {
    const range = prefixRange(column, prefix ?? '');
    if (range !== undefined) conditions.push(range);
  }
  return conditions.length === 0 ? undefined : allOf(conditions);
}

/** What the domain begins with, by the literal start of a glob over `/domain/path`. */
function globDomain(literalPrefix: string): string {
  return literalPrefix.split('/')[1] ?? '';
}

/**
 * The conditions on paths as ranges, which an index can serve, as `LIKE` and `GLOB` with parameters cannot; `undefined`
 * where all match. Of a glob it is the literal start only: {@link pathMatches} decides.
 */
export function pathCondition({ pathPrefix, glob }: RowFilter): SqlCondition | undefined {
  const conditions: SqlCondition[] = [];
  if (pathPrefix !== undefined) {
    // `0` follows `/` in binary order: the range has the path itself, what is below, and what the second part takes out.
    conditions.push({
      sql: 'relativePath >= ? AND relativePath < ? AND (relativePath = ? OR relativePath >= ?)',
      params: [pathPrefix, `${pathPrefix}0`, pathPrefix, `${pathPrefix}/`],
    });
  }
  if (glob?.over === 'path') {
    const range = prefixRange('relativePath', glob.pattern.literalPrefix);
    if (range !== undefined) conditions.push(range);
  }
  return conditions.length === 0 ? undefined : allOf(conditions);
}

/** Values of `column` that begin with `prefix`; `undefined` for all of them. */
function prefixRange(column: string, prefix: string): SqlCondition | undefined {
  if (prefix === '') return undefined;
  const end = successor(prefix);
  if (end === undefined) return { sql: `${column} >= ?`, params: [prefix] };
  return { sql: `${column} >= ? AND ${column} < ?`, params: [prefix, end] };
}

/** The least text, in binary order of UTF-8, that is greater than all texts that begin with `prefix`. */
export function successor(prefix: string): string | undefined {
  const chars = Array.from(prefix);
  for (let last = chars.pop(); last !== undefined; last = chars.pop()) {
    const code = last.codePointAt(0) ?? 0;
    // The code points between D7FF and E000 are halves of surrogate pairs, which no text has.
    if (code < 0x10ffff) return chars.join('') + String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1);
  }
  return undefined;
}
