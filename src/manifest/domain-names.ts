import type { AbortOptions } from '../core/abort.js';
import type { SqliteDatabase } from '../sqlite/driver.js';
import { asText } from './database-row.js';
import type { FilesName } from './files-table.js';
import { singleNumber } from './single-number.js';

/** Names of all domains of a Manifest.db, in binary order. */
export async function domainNames(db: SqliteDatabase, files: FilesName, options: AbortOptions): Promise<string[]> {
  // With an index, one search a name takes the place of a walk through all rows.
  const sql =
    files.isIndexed && (await domainIsIndexed(db, options))
      ? `WITH RECURSIVE names(name) AS (
         SELECT min(domain) FROM Files
         UNION ALL SELECT (SELECT min(domain) FROM Files WHERE domain > name) FROM names WHERE name IS NOT NULL
       ) SELECT name FROM names WHERE name IS NOT NULL`
      : `SELECT DISTINCT domain FROM ${files.name} WHERE domain IS NOT NULL ORDER BY domain`;
  const names: string[] = [];
  for await (const batch of db.queryBatches(sql, [], options)) {
    for (const [name] of batch) names.push(asText(name));
  }
  return names;
}

/** Whether an index serves searches by domain. */
async function domainIsIndexed(db: SqliteDatabase, options: AbortOptions): Promise<boolean> {
  const sql = `SELECT count(*) FROM pragma_index_list('Files') AS list, pragma_index_info(list.name) AS part
    WHERE part.seqno = 0 AND part.name = 'domain' COLLATE NOCASE AND list.partial = 0`;
  return (await singleNumber(db, sql, options)) > 0;
}
