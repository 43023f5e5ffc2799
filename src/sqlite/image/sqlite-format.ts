/** Facts of SQLite's file format that this layer needs. Source: https://www.sqlite.org/fileformat2.html */
export const sqliteFormat = {
  /** The first bytes of every database. */
  magic: 'SQLite format 3\0',
  /** Bytes of the header at the start of page 1. */
  headerBytes: 100,
  /** Offset of the page size, 16 bits big-endian, where 1 means 65,536. */
  pageSizeOffset: 16,
  /** Offsets of the write and read versions: 1 for rollback journals, 2 for WAL. */
  writeVersionOffset: 18,
  readVersionOffset: 19,
  /** Offset of the change counter, of the size in pages, and of the change counter for which that size is valid. */
  changeCounterOffset: 24,
  pageCountOffset: 28,
  versionValidForOffset: 92,
  /** Offset of the text encoding: 1 UTF-8, 2 UTF-16LE, 3 UTF-16BE. */
  textEncodingOffset: 56,
} as const;

/** Whether `size` can be the size of a page: a power of two from 512 to 65,536. */
export function isPageSize(size: number): boolean {
  return size >= 512 && size <= 65_536 && (size & (size - 1)) === 0;
}

/** The page size that a header states, in bytes; `undefined` where it is none. */
export function headerPageSize(header: Uint8Array): number | undefined {
  const { pageSizeOffset: at } = sqliteFormat;
  if (header.length < at + 2) return undefined;
  const stated = ((header[at] ?? 0) << 8) | (header[at + 1] ?? 0);
  const size = stated === 1 ? 65_536 : stated;
  return isPageSize(size) ? size : undefined;
}
