import { concatBytes, equalBytes } from '../../core/bytes.js';
import { walChecksum, walFormat, type WalChecksum } from './wal.js';

/** One transaction in a WAL. */
export interface WalCommit {
  /** Number (from 1) and content of each page that it changes, in the order in which they are written; at least one. */
  readonly pages: readonly (readonly [number, Uint8Array])[];
  /** Size of the database after it, in pages. */
  readonly pageCount: number;
}

/** Options of {@link writeWal}. */
export interface WriteWalOptions {
  /** In bytes. */
  pageSize: number;
  /** Two 32-bit numbers that tell this WAL from those before it. */
  salts?: readonly [number, number] | undefined;
  /** Order of bytes in words that are summed up, which is that of the machine that wrote it; little-endian by default. */
  littleEndian?: boolean | undefined;
}

const defaultSalts = [0x1f2e3d4c, 0x5b6a7988] as const;

/** The bytes of a `-wal` file with these transactions. Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
export function writeWal(commits: readonly WalCommit[], options: WriteWalOptions): Uint8Array {
  const { pageSize, salts = defaultSalts, littleEndian = true } = options;
  const magic = littleEndian ? walFormat.magicLittleEndian : walFormat.magicBigEndian;
  const start = words(magic, walFormat.version, pageSize, 0, ...salts);
  let checksum: WalChecksum = walChecksum(start, littleEndian);
  const parts = [start, words(...checksum)];
  for (const { pages, pageCount } of commits) {
    for (const [index, [pageNumber, page]] of pages.entries()) {
      const about = words(pageNumber, index === pages.length - 1 ? pageCount : 0);
      checksum = walChecksum(page, littleEndian, walChecksum(about, littleEndian, checksum));
      parts.push(about, words(...salts, ...checksum), page);
    }
  }
  return concatBytes(parts);
}

/** The transaction that makes the database `after` of `before`; `undefined` where nothing differs. */
export function walCommitBetween(before: Uint8Array, after: Uint8Array, pageSize: number): WalCommit | undefined {
  const pages: [number, Uint8Array][] = [];
  for (let offset = 0; offset < after.length; offset += pageSize) {
    const page = after.subarray(offset, offset + pageSize);
    if (!equalBytes(page, before.subarray(offset, offset + pageSize))) pages.push([offset / pageSize + 1, page]);
  }
  return pages.length === 0 ? undefined : { pages, pageCount: after.length / pageSize };
}

/** 32-bit words in big-endian order. */
function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(index * 4, value);
  return bytes;
}
