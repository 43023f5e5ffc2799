import { resolveRange, streamByReads, type ByteSource } from '../../core/byte-source.js';
import { concatBytes } from '../../core/bytes.js';
import { SnapshotError } from '../../core/errors.js';
import type { BlobInfo, BlobStore } from './blob-store.js';

/** Random access to a blob by ranges of it, each a request of its own. */
export function blobSource(blobs: BlobStore, { key, size }: BlobInfo): ByteSource {
  const source: ByteSource = {
    size,
    async read(offset, length, options) {
      const { start, end } = resolveRange({ offset, length }, size);
      if (start === end) return new Uint8Array(0);
      const content = await blobs.get(key, { offset: start, length: end - start }, options);
      if (content === undefined)
        throw new SnapshotError('SNAPSHOT_CORRUPT', `${key} has gone while it was read`, { part: key });
      const parts: Uint8Array[] = [];
      for await (const part of content) parts.push(part);
      return concatBytes(parts);
    },
    stream: (range, options) => streamByReads(source, range, options),
    async close() {},
  };
  return source;
}
