import { crc32 } from 'node:zlib';
import { SnapshotError } from '../../core/errors.js';
import { hashBytes } from './table.js';
import { getU64, putU64 } from './u64.js';

/** What an entry of a pack is. Readers skip kinds that they do not know. */
export const packKinds = { content: 0, delta: 1, sealedDelta: 2 } as const;

/** How a chunk is stored. Brotli is read, and no longer written: what it saves, it takes twice as long to decompress. */
export const packCodecs = { raw: 0, brotli: 1, deflate: 2 } as const;

/** One of {@link packCodecs}. */
export type PackCodec = (typeof packCodecs)[keyof typeof packCodecs];

/** Raw bytes of each chunk but the last of an entry. */
export const chunkBytes = 128 * 1024;
/** Bytes that sealing may add to a chunk. */
export const sealBytes = 256;
/** Bytes before each chunk, and of its row in the chunk table: checksum, length and codec. */
export const chunkHeadBytes = 8;
/** Bytes of one extent at the beginning of a delta's data. */
export const extentBytes = 16;
/** Bytes at the start of a pack. */
export const packHeaderBytes = 8;
/** Bytes of an entry's header without what only deltas have and without the checksum. */
export const entryFixedBytes = 56;
/** Bytes that only deltas have: hash and size of the base, number of extents. */
export const entryDeltaBytes = 44;
/** Bytes of a checksum: CRC-32 as in zlib. */
export const crcBytes = 4;

/** Bounds on what a pack may claim. */
export const packLimits = {
  /** Bytes of a content: sums of these stay exact. */
  contentBytes: 2 ** 48,
  /** Bytes of an entry's header. */
  headerBytes: 4096,
  /** Extents of one delta: 64 MiB of memory. A file that needs more is kept whole. */
  extents: 2 ** 22,
  /** Entries of one pack. */
  entries: 2 ** 18,
  /** Bytes of the directory, which is held in memory. */
  directoryBytes: 64 * 1024 * 1024,
} as const;

/** What a delta is laid over. */
export interface DeltaBase {
  /** SHA-256 of the base. */
  readonly hash: Uint8Array;
  /** Its size in bytes. */
  readonly size: number;
  /** Number of extents that the delta replaces. */
  readonly extents: number;
}

/** What the header of an entry says. */
export interface PackEntryHeader {
  /** One of {@link packKinds}, or one that this release does not know. */
  readonly kind: number;
  /** SHA-256 of the content that the entry gives. */
  readonly target: Uint8Array;
  /** Size of that content in bytes. */
  readonly size: number;
  /** Raw bytes of the entry's data: the content, or extents and the bytes that they replace. */
  readonly dataBytes: number;
  /** With deltas only. */
  readonly base: DeltaBase | undefined;
  /** What the kind keeps besides, e.g. wrapped keys. */
  readonly extra: Uint8Array;
}

/** An entry and where it lies in its pack. */
export interface PackEntry extends PackEntryHeader {
  /** Offset of its header in bytes. */
  readonly offset: number;
  /** Bytes of its header. */
  readonly headerBytes: number;
  /** Bytes of the whole entry. */
  readonly length: number;
}

/** Whether entries of this kind have a base and extents. */
export function isDeltaKind(kind: number): boolean {
  return kind === packKinds.delta || kind === packKinds.sealedDelta;
}

/** Number of chunks that hold `dataBytes` raw bytes. */
export function chunkCount(dataBytes: number): number {
  return Math.ceil(dataBytes / chunkBytes);
}

/** The error for bytes of a pack that cannot be what was written. */
export function packCorrupt(part: string | undefined, message: string, cause?: unknown): SnapshotError {
  return new SnapshotError('SNAPSHOT_CORRUPT', part === undefined ? message : `${part}: ${message}`, { part, cause });
}

/** The same memory as a `Buffer`, whose methods read numbers. */
export function bufferView(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The first bytes of a pack. */
export function encodePackHeader(): Buffer {
  const bytes = Buffer.alloc(packHeaderBytes);
  bytes.write('IBKP', 0, 'latin1');
  bytes.writeUInt32LE(packFormat, 4);
  return bytes;
}

/** The format that is written, and the only one that is read. */
export const packFormat = 1;
/** First bytes of a pack. */
export const packMagic = 'IBKP';
/** First bytes of an entry. */
export const entryMagic = 'IBKE';

/** The bytes of an entry's header, with its checksum. */
export function encodeEntryHeader(header: PackEntryHeader): Buffer {
  const { base, extra } = header;
  const extraAt = entryFixedBytes + (base === undefined ? 0 : entryDeltaBytes);
  const length = extraAt + extra.length + crcBytes;
  if (header.size > packLimits.contentBytes) throw new RangeError(`a content of ${header.size} bytes is too large`);
  if (length > packLimits.headerBytes) throw new RangeError(`extra has ${extra.length} bytes, too many for a header`);
  const bytes = Buffer.alloc(length);
  bytes.write(entryMagic, 0, 'latin1');
  bytes.writeUInt8(header.kind, 4);
  bytes.writeUInt16LE(length, 6);
  bytes.set(header.target, 8);
  putU64(bytes, header.size, 40);
  putU64(bytes, header.dataBytes, 48);
  if (base !== undefined) {
    bytes.set(base.hash, 56);
    putU64(bytes, base.size, 88);
    bytes.writeUInt32LE(base.extents, 96);
  }
  bytes.set(extra, extraAt);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, length - crcBytes)), length - crcBytes);
  return bytes;
}

/** Length that the first 8 bytes of an entry's header state; `undefined` where it cannot be one. */
export function entryHeaderLength(bytes: Buffer): number | undefined {
  if (bytes.length < 8 || bytes.toString('latin1', 0, 4) !== entryMagic) return undefined;
  const length = bytes.readUInt16LE(6);
  return length >= entryFixedBytes + crcBytes && length <= packLimits.headerBytes ? length : undefined;
}

/** Reads the header at the start of `bytes`, which may go on behind it; `undefined` where there is no valid one. */
export function decodeEntryHeader(bytes: Buffer): PackEntryHeader | undefined {
  const length = entryHeaderLength(bytes);
  if (length === undefined || length > bytes.length || bytes.readUInt8(5) !== 0) return undefined;
  const end = length - crcBytes;
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) return undefined;
  const kind = bytes.readUInt8(4);
  const size = getU64(bytes, 40);
  const dataBytes = getU64(bytes, 48);
  // A delta has its extents besides; unknown kinds may have as much.
  if (size > packLimits.contentBytes || dataBytes > 2 * packLimits.contentBytes) return undefined;
  if (kind === packKinds.content && dataBytes !== size) return undefined;
  const base = isDeltaKind(kind) ? decodeBase(bytes, { end, size, dataBytes }) : undefined;
  if (isDeltaKind(kind) && base === undefined) return undefined;
  const extraAt = entryFixedBytes + (base === undefined ? 0 : entryDeltaBytes);
  return {
    kind,
    target: copyOf(bytes, 8, hashBytes),
    size,
    dataBytes,
    base,
    extra: copyOf(bytes, extraAt, end - extraAt),
  };
}

function decodeBase(bytes: Buffer, header: { end: number; size: number; dataBytes: number }): DeltaBase | undefined {
  if (header.end < entryFixedBytes + entryDeltaBytes) return undefined;
  const size = getU64(bytes, 88);
  const extents = bytes.readUInt32LE(96);
  const replaced = header.dataBytes - extents * extentBytes;
  if (size > packLimits.contentBytes || extents > packLimits.extents) return undefined;
  if (replaced < extents || replaced > header.size) return undefined;
  return { hash: copyOf(bytes, 56, hashBytes), size, extents };
}

function copyOf(bytes: Buffer, at: number, length: number): Uint8Array {
  return new Uint8Array(bytes.subarray(at, at + length));
}
