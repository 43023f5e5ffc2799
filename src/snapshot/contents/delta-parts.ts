import type { ByteSource } from '../../core/byte-source.js';
import { SnapshotError } from '../../core/errors.js';
import { uninitialisedBytes } from '../../core/bytes.js';
import {
  chunkBytes,
  extentBytes,
  isDeltaKind,
  packCorrupt,
  packKinds,
  type DeltaBase,
  type PackEntry,
} from '../format/pack-format.js';
import { ChunkReader, type OpenEntryOptions } from './chunk-reader.js';
import { decodeExtents, type Extents } from './extents.js';

/** A delta that is open: what it replaces, and with what. */
export interface DeltaParts {
  readonly entry: PackEntry;
  /** What it is laid over. */
  readonly base: DeltaBase;
  readonly extents: Extents;
  /** Gives the raw data of the entry; the bytes of the extents begin at {@link DeltaParts.dataOffset}. */
  readonly reader: ChunkReader;
  /** Where the bytes of the extents begin in the raw data. */
  readonly dataOffset: number;
}

/**
 * Opens a delta without its base.
 *
 * @param pack - the bytes of the pack; must stay open
 * @throws {@link SnapshotError} `SNAPSHOT_CORRUPT`; `SNAPSHOT_SECRET_REQUIRED` where it is sealed and no opener was given
 */
export async function openDeltaParts(
  pack: ByteSource,
  entry: PackEntry,
  options: OpenEntryOptions = {},
): Promise<DeltaParts> {
  const { base, kind, size, dataBytes } = entry;
  if (base === undefined || !isDeltaKind(kind))
    throw packCorrupt(options.part, `The entry at ${entry.offset} is no delta`);
  if (kind === packKinds.sealedDelta && options.opener === undefined) {
    throw new SnapshotError(
      'SNAPSHOT_SECRET_REQUIRED',
      'A content is kept as a sealed difference, and no key was given',
      {
        part: options.part,
      },
    );
  }
  const reader = await ChunkReader.open(pack, entry, options);
  const dataOffset = base.extents * extentBytes;
  const table = uninitialisedBytes(dataOffset);
  if (reader.sync && dataOffset <= chunkBytes) reader.fillSync(0, table);
  else await reader.fill(0, table, options);
  const extents = decodeExtents(table, { size, baseSize: base.size, bytes: dataBytes - dataOffset });
  if (extents === undefined) throw packCorrupt(options.part, `The extents of the delta at ${entry.offset} are damaged`);
  return { entry, base, extents, reader, dataOffset };
}
