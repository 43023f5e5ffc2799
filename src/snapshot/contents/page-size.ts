import { latin1Decode } from '../../core/bytes.js';

/** Bytes at the start of a content that tell its page size. */
export const pageHeaderBytes = 18;

const defaultPageBytes = 4096;
const smallestPageBytes = 512;

/** The page size of a database by the first bytes of its header; 4096 for everything else. */
export function pageSizeOf(header: Uint8Array): number {
  if (header.length < pageHeaderBytes || latin1Decode(header.subarray(0, 16)) !== 'SQLite format 3\0')
    return defaultPageBytes;
  const stated = (header[16] ?? 0) * 256 + (header[17] ?? 0);
  const size = stated === 1 ? 65_536 : stated;
  const isPower = size >= smallestPageBytes && (size & (size - 1)) === 0;
  return isPower ? size : defaultPageBytes;
}
