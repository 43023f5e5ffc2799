import { chunkBytes, crcBytes, packCodecs, sealBytes, type PackCodec } from './pack-format.js';

/** A chunk, as its head and its row of the table describe it. */
export interface ChunkHead {
  /** Checksum over what follows it in the pack: length, codec and stored bytes. */
  readonly checksum: number;
  /** Stored bytes. */
  readonly length: number;
  /** One of {@link packCodecs}. */
  readonly codec: PackCodec;
}

/** Raw bytes of a chunk of an entry. */
export function rawLength(dataBytes: number, index: number): number {
  return Math.min(chunkBytes, dataBytes - index * chunkBytes);
}

/** Reads the head of a chunk of `raw` bytes; `undefined` where it cannot be one. */
export function decodeChunkHead(bytes: Buffer, at: number, raw: number): ChunkHead | undefined {
  const length = bytes.readUIntLE(at + crcBytes, 3);
  const codec = bytes.readUInt8(at + crcBytes + 3);
  if (length === 0 || length > raw + sealBytes) return undefined;
  if (!isPackCodec(codec)) return undefined;
  return { checksum: bytes.readUInt32LE(at), length, codec };
}

function isPackCodec(codec: number): codec is PackCodec {
  return codec === packCodecs.raw || codec === packCodecs.brotli || codec === packCodecs.deflate;
}
