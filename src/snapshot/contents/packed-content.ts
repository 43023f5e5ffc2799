import type { ByteSource } from '../../core/byte-source.js';
import { uninitialisedBytes } from '../../core/bytes.js';
import { packCorrupt, packKinds, type PackEntry } from '../format/pack-format.js';
import { ChunkReader, type OpenEntryOptions } from './chunk-reader.js';
import { randomSource, type RandomBytes } from './random-source.js';

/** Options of {@link openPackedContent}. */
export interface OpenPackedContentOptions extends OpenEntryOptions {
  /** Whether closing the content closes the pack. */
  readonly ownsPack?: boolean | undefined;
}

/**
 * Opens a whole content of a pack. Chunks are checked as they are read, the hash of the content is not.
 *
 * @param pack - the bytes of the pack; must stay open
 * @throws {@link SnapshotError} `SNAPSHOT_CORRUPT`, also by reads
 */
export async function openPackedContent(
  pack: ByteSource,
  entry: PackEntry,
  options: OpenPackedContentOptions = {},
): Promise<ByteSource> {
  if (entry.kind !== packKinds.content)
    throw packCorrupt(options.part, `The entry at ${entry.offset} is no whole content`);
  const reader = await ChunkReader.open(pack, entry, options);
  return randomSource(chunkedBytes(reader, 0), [options.ownsPack === true ? pack : undefined]);
}

/** The raw data of an entry from `first` on. */
export function chunkedBytes(reader: ChunkReader, first: number): RandomBytes {
  return {
    size: reader.entry.dataBytes - first,
    async read(start, end, options) {
      const target = uninitialisedBytes(end - start);
      await reader.fill(first + start, target, options);
      return target;
    },
    readSync: reader.sync
      ? (start, target) => {
          reader.fillSync(first + start, target);
        }
      : undefined,
    release: () => {
      reader.clear();
    },
  };
}
