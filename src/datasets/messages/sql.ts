/**
 * A time column as nanoseconds, to sort and to compare: the same column holds seconds in rows from before iOS 11, which
 * migrated databases keep. NULL stays NULL.
 */
export function nanosecondsSql(column: string): string {
  return `CASE WHEN ${column} > 1000000000000 OR ${column} < -1000000000000 THEN ${column} ELSE ${column} * 1000000000 END`;
}

/** Most values of one `IN` list; SQLite's own limit is far above. */
const listLength = 500;

/** Splits ids into lists for `IN`, with the placeholders for each. */
export function* inLists(ids: Iterable<number>): Generator<{ ids: number[]; placeholders: string }, void, undefined> {
  const all = [...ids];
  for (let start = 0; start < all.length; start += listLength) {
    const part = all.slice(start, start + listLength);
    yield { ids: part, placeholders: part.map(() => '?').join(', ') };
  }
}
