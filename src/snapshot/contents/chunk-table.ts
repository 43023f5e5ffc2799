import { crc32 } from 'node:zlib';
import type { ByteSource } from '../../core/byte-source.js';
import { decodeChunkHead, rawLength, type ChunkHead } from '../format/chunk-head.js';
import { smallestEntry } from '../format/pack-directory.js';
import {
  bufferView,
  chunkCount,
  chunkHeadBytes,
  crcBytes,
  packCorrupt,
  type PackEntry,
} from '../format/pack-format.js';
import { walkChunks } from './chunk-walk.js';
import { readTable, type PackReadOptions } from './read-exactly.js';
import { ScanWindow } from './scan-window.js';

/** The chunks of an entry: what the table at its end says. */
export class ChunkTable {
  /** Number of chunks. */
  readonly count: number;
  readonly #rows: Buffer;
  /** Offset of each chunk's head in the pack; one more tells the end. */
  readonly #offsets: Float64Array;
  readonly #dataBytes: number;

  private constructor(rows: Buffer, offsets: Float64Array, dataBytes: number) {
    this.count = offsets.length - 1;
    this.#rows = rows;
    this.#offsets = offsets;
    this.#dataBytes = dataBytes;
  }

  /** `undefined` where the rows do not add up to the length of the entry. */
  static decode(table: Uint8Array, entry: PackEntry): ChunkTable | undefined {
    const rows = bufferView(table);
    const count = rows.length / chunkHeadBytes;
    const offsets = new Float64Array(count + 1);
    let offset = entry.offset + entry.headerBytes;
    offsets[0] = offset;
    for (let index = 0; index < count; index += 1) {
      const head = decodeChunkHead(rows, index * chunkHeadBytes, rawLength(entry.dataBytes, index));
      if (head === undefined) return undefined;
      offset += chunkHeadBytes + head.length;
      offsets[index + 1] = offset;
    }
    if (offset + rows.length + crcBytes !== entry.offset + entry.length) return undefined;
    return new ChunkTable(rows, offsets, entry.dataBytes);
  }

  /** Offset in the pack of the head of chunk `index`. */
  offset(index: number): number {
    return this.#offsets[index] ?? 0;
  }

  /** Raw bytes of chunk `index`. */
  rawLength(index: number): number {
    return rawLength(this.#dataBytes, index);
  }

  /** What the table says of chunk `index`. */
  head(index: number): ChunkHead | undefined {
    return decodeChunkHead(this.#rows, index * chunkHeadBytes, this.rawLength(index));
  }
}

/**
 * Reads the chunk table of an entry, or makes it from the heads of its chunks where it is damaged.
 *
 * @throws {@link SnapshotError} `SNAPSHOT_CORRUPT` where neither succeeds
 */
export async function readChunkTable(
  source: ByteSource,
  entry: PackEntry,
  options: PackReadOptions,
): Promise<ChunkTable> {
  if (entry.length < smallestEntry(entry, entry.headerBytes))
    throw packCorrupt(options.part, `The entry at ${entry.offset} is too short for its data`);
  const length = chunkCount(entry.dataBytes) * chunkHeadBytes + crcBytes;
  const bytes = await readTable(source, entry.offset + entry.length - length, length, options);
  const rows = bytes.subarray(0, length - crcBytes);
  const intact = crc32(rows) === bytes.readUInt32LE(rows.length);
  const table = intact ? ChunkTable.decode(rows, entry) : await tableByWalk(source, entry, options);
  if (table === undefined)
    throw packCorrupt(options.part, `The chunk table of the entry at ${entry.offset} is damaged`);
  return table;
}

async function tableByWalk(
  source: ByteSource,
  entry: PackEntry,
  options: PackReadOptions,
): Promise<ChunkTable | undefined> {
  const window = new ScanWindow(source, options);
  const walk = await walkChunks(window, entry.offset + entry.headerBytes, entry.dataBytes);
  return walk.rows === undefined ? undefined : ChunkTable.decode(walk.rows, entry);
}
