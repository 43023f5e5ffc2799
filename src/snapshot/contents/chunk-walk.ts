import { crc32 } from 'node:zlib';
import { ByteWriter } from '../../core/byte-writer.js';
import { decodeChunkHead, rawLength } from '../format/chunk-head.js';
import { chunkCount, chunkHeadBytes, crcBytes, sealBytes } from '../format/pack-format.js';
import type { ScanWindow } from './scan-window.js';

/** What a walk over the chunks of an entry has found. */
export interface ChunkWalk {
  /** The chunk table; `undefined` where a chunk is damaged or cut off. */
  readonly rows: Uint8Array | undefined;
  /** The first byte behind the chunks, or of the one that is damaged. */
  readonly end: number;
}

/** Goes from chunk to chunk by their heads and checks each. */
export async function walkChunks(window: ScanWindow, offset: number, dataBytes: number): Promise<ChunkWalk> {
  const count = chunkCount(dataBytes);
  const rows = new ByteWriter();
  let end = offset;
  for (let index = 0; index < count; index += 1) {
    const raw = rawLength(dataBytes, index);
    const bytes = await window.view(end, chunkHeadBytes + raw + sealBytes);
    const head = bytes.length < chunkHeadBytes ? undefined : decodeChunkHead(bytes, 0, raw);
    const length = chunkHeadBytes + (head?.length ?? 0);
    if (head === undefined || length > bytes.length) return { rows: undefined, end };
    window.spend(length);
    if (crc32(bytes.subarray(crcBytes, length)) !== head.checksum) return { rows: undefined, end };
    rows.bytes(bytes.subarray(0, chunkHeadBytes));
    end += length;
  }
  return { rows: rows.finish(), end };
}
