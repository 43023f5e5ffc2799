import { crc32, deflateRawSync } from 'node:zlib';
import { ByteWriter } from '../../core/byte-writer.js';
import { releaseBytes } from '../../core/release-bytes.js';
import { chunkBytes, chunkHeadBytes, crcBytes, packCodecs, sealBytes } from '../format/pack-format.js';
import type { ChunkSealer } from './chunk-seal.js';

/** What zlib does by itself: more saves a thousandth, and takes half as long again. */
const level = 6;
/** Bytes of the buffers that zlib makes for its output: at least 64, and not many more than it has to say. */
const smallestOutput = 64;
const largestOutput = 64 * 1024;
/** Share of the raw bytes below which the compressed ones are stored. */
const worthwhile = 0.9;
/** Chunks of less are stored as they are: they save a few bytes of a block of the disk. */
const leastBytes = 64;
/** Chunks in a row that did not shrink, after which an entry is taken for incompressible. */
const patience = 3;
/** Chunks that are stored as they are before the next attempt. */
const pause = 15;

/** Cuts the data of one entry into chunks, compresses and seals them, and keeps the chunk table. */
export class ChunkWriter {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #sealer: ChunkSealer | undefined;
  readonly #raw: Buffer;
  #filled = 0;
  #count = 0;
  #table = new ByteWriter();
  #misses = 0;
  #skip = 0;

  /**
   * @param write - takes bytes that are valid until it returns
   * @param scratch - {@link chunkBytes} bytes that nobody else uses meanwhile
   */
  constructor(write: (bytes: Uint8Array) => void, scratch: Buffer, sealer?: ChunkSealer) {
    this.#write = write;
    this.#raw = scratch;
    this.#sealer = sealer;
  }

  /** Raw bytes so far. */
  get length(): number {
    return this.#count * chunkBytes + this.#filled;
  }

  /** Appends raw bytes. */
  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const part = Math.min(bytes.length - at, chunkBytes - this.#filled);
      this.#raw.set(bytes.subarray(at, at + part), this.#filled);
      this.#filled += part;
      at += part;
      if (this.#filled === chunkBytes) this.#flush();
    }
  }

  /** Writes the last chunk and the chunk table. */
  finish(): void {
    if (this.#filled > 0) this.#flush();
    const table = this.#table.finish();
    const check = Buffer.alloc(crcBytes);
    check.writeUInt32LE(crc32(table));
    this.#write(table);
    this.#write(check);
  }

  #flush(): void {
    const raw = this.#raw.subarray(0, this.#filled);
    const packed = this.#compress(raw);
    const codec = packed === undefined ? packCodecs.raw : packCodecs.deflate;
    const place = { index: this.#count, codec };
    const stored = this.#sealer?.seal(packed ?? raw, place) ?? packed ?? raw;
    if (stored.length === 0 || stored.length > raw.length + sealBytes)
      throw new RangeError(`a sealed chunk has ${stored.length} bytes`);
    const head = Buffer.alloc(chunkHeadBytes);
    head.writeUInt32LE(stored.length + codec * 2 ** 24, crcBytes);
    head.writeUInt32LE(crc32(stored, crc32(head.subarray(crcBytes))), 0);
    this.#write(head);
    this.#write(stored);
    if (packed !== undefined) releaseBytes(packed);
    this.#table.bytes(head);
    this.#count += 1;
    this.#filled = 0;
  }

  /** The compressed bytes where that is worthwhile. */
  #compress(raw: Buffer): Buffer | undefined {
    if (raw.length < leastBytes) return undefined;
    if (this.#skip > 0) {
      this.#skip -= 1;
      return undefined;
    }
    const chunkSize = Math.max(smallestOutput, Math.min(largestOutput, raw.length));
    const packed = deflateRawSync(raw, { level, chunkSize });
    if (packed.length <= raw.length * worthwhile) {
      this.#misses = 0;
      return packed;
    }
    releaseBytes(packed);
    this.#misses += 1;
    if (this.#misses >= patience) this.#skip = pause;
    return undefined;
  }
}
