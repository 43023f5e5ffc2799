import type { AbortOptions } from '../../core/abort.js';
import { memorySource, readAll, type ByteSource } from '../../core/byte-source.js';
import { DatabaseError } from '../../core/errors.js';
import { ResourceOwner } from '../../core/resource.js';
import type { SqliteSources } from '../driver.js';
import { DatabaseImage } from './database-image.js';
import { isSyncSource, type SyncSource } from './read-ahead.js';
import { sealedCopy } from './sealed-file.js';
import { readWalIndex } from './wal.js';

/** What to do with sources that cannot be read in place. */
export interface CopyOptions extends AbortOptions {
  /** Sources of at most so many bytes are copied into memory. */
  memoryBytes: number;
  /** Where larger ones go. */
  largeSources: 'sealed-file' | 'refuse';
}

/** An image and what it holds open. */
export interface OpenedImage {
  readonly image: DatabaseImage;
  /** Removes copies; the sources themselves stay open. */
  readonly close: () => Promise<void>;
}

/** Joins a database and its WAL into one image, which is read in place, or from copies where that cannot be. */
export async function openImage(sources: SqliteSources, options: CopyOptions): Promise<OpenedImage> {
  options.signal?.throwIfAborted();
  const copies = new ResourceOwner();
  const readable = async (source: ByteSource): Promise<SyncSource> =>
    isSyncSource(source) ? source : copies.attach(await copyOf(source, options));
  try {
    const db = await readable(sources.db);
    const wal = sources.wal && (await readable(sources.wal));
    const index = wal && (await readWalIndex(wal, options));
    const image = new DatabaseImage(db, wal && index && { source: wal, index });
    return {
      image,
      close: async () => {
        await copies.close();
      },
    };
  } catch (error) {
    await copies.close();
    throw error;
  }
}

async function copyOf(source: ByteSource, options: CopyOptions): Promise<SyncSource> {
  const { signal, memoryBytes: limit } = options;
  if (source.size <= limit) {
    const copy = memorySource(await readAll(source, { signal, limit, what: 'The database' }));
    if (isSyncSource(copy)) return copy;
  }
  if (options.largeSources === 'sealed-file') return await sealedCopy(source, { signal });
  throw tooLarge(source.size, limit);
}

/** The error for a database that a driver would have to hold in memory. */
export function tooLarge(bytes: number, limit: number): DatabaseError {
  return new DatabaseError(
    'DATABASE_TOO_LARGE',
    `The database has ${bytes} bytes, more than the ${limit} that the driver may hold in memory; use the default driver or raise the limit`,
  );
}
