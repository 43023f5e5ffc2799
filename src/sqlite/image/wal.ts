import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { yieldToEventLoop } from '../../core/abort.js';
import { isPageSize } from './sqlite-format.js';

/** Facts of the WAL format. Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
export const walFormat = {
  /** Magic number where checksums read 32-bit words in little-endian order; in big-endian order it is one more. */
  magicLittleEndian: 0x377f0682,
  magicBigEndian: 0x377f0683,
  version: 3_007_000,
  headerBytes: 32,
  frameHeaderBytes: 24,
} as const;

/** What is committed in a `-wal` file. */
export interface WalIndex {
  /** Page size in bytes, which goes before that of the main file. */
  readonly pageSize: number;
  /** Size of the database in pages as of the last commit. */
  readonly pageCount: number;
  /** Offset in the file of the newest committed content of each page, by page number, which starts at 1. */
  readonly pageOffsets: ReadonlyMap<number, number>;
}

/** A checksum of the WAL: two 32-bit sums. */
export type WalChecksum = readonly [number, number];

/** Goes on with a checksum over `bytes`, whose length is a multiple of 8. */
export function walChecksum(bytes: Uint8Array, littleEndian: boolean, seed: WalChecksum = [0, 0]): WalChecksum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let [first, second] = seed;
  for (let offset = 0; offset < bytes.length; offset += 8) {
    first = (first + view.getUint32(offset, littleEndian) + second) >>> 0;
    second = (second + view.getUint32(offset + 4, littleEndian) + first) >>> 0;
  }
  return [first, second];
}

/** How many bytes of frames are checked between two turns of the event loop. */
const bytesBetweenYields = 8 * 1024 * 1024;

/**
 * Finds what is committed in a `-wal` file, as SQLite's recovery does: frames count up to the last commit frame before
 * the first one whose salt or checksum is wrong. `undefined` where nothing is committed, as in an empty, foreign or
 * stale file.
 */
export async function readWalIndex(wal: ByteSource, options: AbortOptions = {}): Promise<WalIndex | undefined> {
  const header = await wal.read(0, walFormat.headerBytes, options);
  if (header.length < walFormat.headerBytes) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const magic = view.getUint32(0);
  const littleEndian = magic === walFormat.magicLittleEndian;
  if (!littleEndian && magic !== walFormat.magicBigEndian) return undefined;
  const pageSize = view.getUint32(8);
  if (view.getUint32(4) !== walFormat.version || !isPageSize(pageSize)) return undefined;
  let checksum = walChecksum(header.subarray(0, 24), littleEndian);
  if (checksum[0] !== view.getUint32(24) || checksum[1] !== view.getUint32(28)) return undefined;

  const frameBytes = walFormat.frameHeaderBytes + pageSize;
  const framesAtOnce = Math.max(1, Math.floor((256 * 1024) / frameBytes));
  const pageOffsets = new Map<number, number>();
  const uncommitted = new Map<number, number>();
  let pageCount = 0;
  let unyielded = 0;
  for (let offset: number = walFormat.headerBytes; ;) {
    const chunk = await wal.read(offset, framesAtOnce * frameBytes, options);
    const frames = Math.floor(chunk.length / frameBytes);
    for (let i = 0; i < frames; i++, offset += frameBytes) {
      const frame = chunk.subarray(i * frameBytes, (i + 1) * frameBytes);
      const frameView = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
      const pageNumber = frameView.getUint32(0);
      const saltsAgree =
        frameView.getUint32(8) === view.getUint32(16) && frameView.getUint32(12) === view.getUint32(20);
      if (pageNumber === 0 || !saltsAgree) return committed();
      checksum = walChecksum(frame.subarray(0, 8), littleEndian, checksum);
      checksum = walChecksum(frame.subarray(walFormat.frameHeaderBytes), littleEndian, checksum);
      if (checksum[0] !== frameView.getUint32(16) || checksum[1] !== frameView.getUint32(20)) return committed();
      uncommitted.set(pageNumber, offset + walFormat.frameHeaderBytes);
      const sizeAfterCommit = frameView.getUint32(4);
      if (sizeAfterCommit === 0) continue;
      pageCount = sizeAfterCommit;
      for (const [page, at] of uncommitted) pageOffsets.set(page, at);
      uncommitted.clear();
    }
    if (frames < framesAtOnce) return committed();
    unyielded += chunk.length;
    if (unyielded >= bytesBetweenYields) {
      unyielded = 0;
      await yieldToEventLoop(options.signal);
    }
  }

  function committed(): WalIndex | undefined {
    return pageCount === 0 ? undefined : { pageSize, pageCount, pageOffsets };
  }
}
