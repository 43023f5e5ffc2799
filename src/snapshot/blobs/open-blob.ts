import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { blobSource } from './blob-source.js';
import type { BlobStore } from './blob-store.js';

/** A blob for random access; `undefined` where there is none. The caller closes the source. */
export async function openBlob(blobs: BlobStore, key: string, options?: AbortOptions): Promise<ByteSource | undefined> {
  if (blobs.open !== undefined) return await blobs.open(key, options);
  const info = await blobs.head(key, options);
  return info && blobSource(blobs, info);
}
