import { createHash } from 'node:crypto';
import { SnapshotError } from '../../core/errors.js';
import {
  bufferView,
  chunkCount,
  chunkHeadBytes,
  crcBytes,
  decodeEntryHeader,
  entryHeaderLength,
  packFormat,
  packHeaderBytes,
  packLimits,
  type PackEntry,
  type PackEntryHeader,
} from './pack-format.js';
import { getU64, putU64 } from './u64.js';

/** Bytes at the end of a pack. */
export const footerBytes = 56;
/** Bytes of a row in the directory before the header of the entry. */
export const rowBytes = 16;

const endMagic = 'IBKZ';
const hashAt = 20;
const magicAt = 52;

/** Where the directory of a pack lies, by its footer. */
export interface PackFooter {
  /** Offset of the directory in bytes. */
  readonly offset: number;
  /** Its length in bytes. */
  readonly length: number;
  /** Number of entries. */
  readonly count: number;
  /** Format of the pack. */
  readonly format: number;
  /** SHA-256 over the directory and the fields before. */
  readonly hash: Uint8Array;
  /** These fields, as they stand in the footer. */
  readonly fields: Uint8Array;
}

/** The bytes before the header in an entry's row of the directory. */
export function encodeRow(offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(rowBytes);
  putU64(bytes, offset, 0);
  putU64(bytes, length, 8);
  return bytes;
}

/** The last bytes of a pack. */
export function encodeFooter(directory: Uint8Array, offset: number, count: number): Buffer {
  const bytes = Buffer.alloc(footerBytes);
  putU64(bytes, offset, 0);
  bytes.writeUInt32LE(directory.length, 8);
  bytes.writeUInt32LE(count, 12);
  bytes.writeUInt32LE(packFormat, 16);
  bytes.set(directoryHash(directory, bytes.subarray(0, hashAt)), hashAt);
  bytes.write(endMagic, magicAt, 'latin1');
  return bytes;
}

/** Reads the last bytes of a pack of `size` bytes; `undefined` where they are no footer. */
export function decodeFooter(tail: Uint8Array, size: number): PackFooter | undefined {
  if (tail.length < footerBytes) return undefined;
  const bytes = bufferView(tail.subarray(tail.length - footerBytes));
  if (bytes.toString('latin1', magicAt) !== endMagic) return undefined;
  const offset = getU64(bytes, 0);
  const length = bytes.readUInt32LE(8);
  const count = bytes.readUInt32LE(12);
  if (offset < packHeaderBytes || offset + length + footerBytes !== size) return undefined;
  const format = bytes.readUInt32LE(16);
  if (length > packLimits.directoryBytes || count > packLimits.entries) return undefined;
  return { offset, length, count, format, hash: bytes.subarray(hashAt, magicAt), fields: bytes.subarray(0, hashAt) };
}

/** The error for a pack of a later format. */
export function unsupportedFormat(format: number, part: string | undefined): SnapshotError {
  return new SnapshotError(
    'SNAPSHOT_FORMAT_UNSUPPORTED',
    `A pack has format ${format}, this release reads ${packFormat}`,
    { part },
  );
}

/**
 * The entries that a directory lists, in the order of their offsets; `undefined` where it is damaged.
 *
 * @throws {@link SnapshotError} `SNAPSHOT_FORMAT_UNSUPPORTED`
 */
export function decodeDirectory(
  directory: Uint8Array,
  footer: PackFooter,
  part: string | undefined,
): PackEntry[] | undefined {
  const entries: PackEntry[] = [];
  const isWhole = walkDirectory(directory, footer, { part, visit: (entry) => entries.push(entry) });
  return isWhole ? entries : undefined;
}

/**
 * Goes through the entries that a directory lists, in the order of their offsets: whether it is whole.
 *
 * @throws {@link SnapshotError} `SNAPSHOT_FORMAT_UNSUPPORTED`
 */
export function walkDirectory(
  directory: Uint8Array,
  footer: PackFooter,
  { part, visit }: { part: string | undefined; visit?: (entry: PackEntry) => void },
): boolean {
  if (Buffer.compare(directoryHash(directory, footer.fields), footer.hash) !== 0) return false;
  // Only now: before the hash is compared, another format may be a damaged byte.
  if (footer.format !== packFormat) throw unsupportedFormat(footer.format, part);
  const bytes = bufferView(directory);
  let count = 0;
  let free = packHeaderBytes;
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < rowBytes) return false;
    const offset = getU64(bytes, at);
    const length = getU64(bytes, at + 8);
    const rest = bytes.subarray(at + rowBytes);
    const headerBytes = entryHeaderLength(rest);
    const header = decodeEntryHeader(rest);
    if (headerBytes === undefined || header === undefined) return false;
    if (offset < free || offset + length > footer.offset) return false;
    if (length < smallestEntry(header, headerBytes)) return false;
    visit?.({ ...header, offset, headerBytes, length });
    count += 1;
    free = offset + length;
    at += rowBytes + headerBytes;
  }
  return count === footer.count;
}

/** Fewest bytes that an entry with this header can have: each chunk has at least one. */
export function smallestEntry(header: PackEntryHeader, headerBytes: number): number {
  return headerBytes + chunkCount(header.dataBytes) * (2 * chunkHeadBytes + 1) + crcBytes;
}

function directoryHash(directory: Uint8Array, fields: Uint8Array): Uint8Array {
  return createHash('sha256').update(directory).update(fields).digest();
}
