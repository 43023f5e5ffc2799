import type { AbortOptions } from '../../core/abort.js';
import type { SqliteSources } from '../driver.js';
import { DatabaseImage } from './database-image.js';
import { isSyncSource } from './read-ahead.js';
import { readWalIndex } from './wal.js';

/** Joins a database and its WAL into one image. */
export async function openImage(sources: SqliteSources, options: AbortOptions = {}): Promise<DatabaseImage> {
  options.signal?.throwIfAborted();
  const index = sources.wal && (await readWalIndex(sources.wal, options));
  if (!isSyncSource(sources.db)) throw new Error('not yet');
  if (index === undefined || sources.wal === undefined) return new DatabaseImage(sources.db);
  if (!isSyncSource(sources.wal)) throw new Error('not yet');
  return new DatabaseImage(sources.db, { source: sources.wal, index });
}
