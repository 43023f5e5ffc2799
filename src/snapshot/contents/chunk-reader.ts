import { promisify } from 'node:util';
import {
  brotliDecompress,
  brotliDecompressSync,
  crc32,
  inflateRaw,
  inflateRawSync,
  type BrotliOptions,
  type ZlibOptions,
} from 'node:zlib';
import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { releaseBytes } from '../../core/release-bytes.js';
import {
  chunkBytes,
  chunkHeadBytes,
  crcBytes,
  packCodecs,
  packCorrupt,
  type PackCodec,
  type PackEntry,
} from '../format/pack-format.js';
import type { ChunkOpener } from './chunk-seal.js';
import { readChunkTable, type ChunkTable } from './chunk-table.js';
import { readExactly, readExactlySync, type PackReadOptions } from './read-exactly.js';

/** Options of everything that opens an entry. */
export interface OpenEntryOptions extends PackReadOptions {
  /** Opens the chunks of a sealed entry. */
  readonly opener?: ChunkOpener | undefined;
  /** Decoded bytes that are kept in memory; 2 MiB by default, at least one chunk of 128 KiB. */
  readonly cacheBytes?: number | undefined;
}

const defaultCacheBytes = 2 * 1024 * 1024;
/** By codec, in the calling thread and in the thread pool. */
const decompressors = {
  [packCodecs.brotli]: { now: brotliDecompressSync, apart: promisify(brotliDecompress) },
  [packCodecs.deflate]: { now: inflateRawSync, apart: promisify(inflateRaw) },
};

/** Random access to the raw data of one entry; keeps the chunks that were used last. */
export class ChunkReader {
  readonly entry: PackEntry;
  readonly #source: ByteSource;
  readonly #table: ChunkTable;
  readonly #opener: ChunkOpener | undefined;
  readonly #part: string | undefined;
  readonly #capacity: number;
  /** By number of the chunk; the one that was used last is the last one. */
  readonly #cache = new Map<number, Uint8Array>();
  /** What was read last, where that works without waiting. */
  #stored = Buffer.alloc(0);

  private constructor(source: ByteSource, entry: PackEntry, table: ChunkTable, options: OpenEntryOptions) {
    this.entry = entry;
    this.#source = source;
    this.#table = table;
    this.#opener = options.opener;
    this.#part = options.part;
    this.#capacity = Math.max(1, Math.floor((options.cacheBytes ?? defaultCacheBytes) / chunkBytes));
  }

  /** Reads the chunk table. @throws {@link SnapshotError} `SNAPSHOT_CORRUPT` */
  static async open(source: ByteSource, entry: PackEntry, options: OpenEntryOptions): Promise<ChunkReader> {
    return new ChunkReader(source, entry, await readChunkTable(source, entry, options), options);
  }

  /** Number of chunks. */
  get count(): number {
    return this.#table.count;
  }

  /** Whether {@link ChunkReader.fillSync} works. */
  get sync(): boolean {
    return this.#source.readSync !== undefined;
  }

  /** Fills `target` with the raw data at `position`, which must have that much. */
  async fill(position: number, target: Uint8Array, options?: AbortOptions): Promise<void> {
    for (let done = 0; done < target.length;) {
      const index = Math.floor((position + done) / chunkBytes);
      let chunk = this.#cached(index);
      if (chunk === undefined) {
        const stored = this.sync ? this.#readSync(index) : await this.#read(index, options);
        // Another call may have had it meanwhile. From here on without waiting: what is kept may be let go by the next call.
        chunk = this.#cached(index) ?? this.#keep(index, this.#decode(index, stored));
      }
      done += copyChunk(chunk, position + done, target, done);
    }
  }

  /** {@link ChunkReader.fill} without waiting. */
  fillSync(position: number, target: Uint8Array): void {
    for (let done = 0; done < target.length;) {
      const index = Math.floor((position + done) / chunkBytes);
      const chunk = this.#cached(index) ?? this.#keep(index, this.#decode(index, this.#readSync(index)));
      done += copyChunk(chunk, position + done, target, done);
    }
  }

  /** Fills as much of `target` as the cache has without a gap, and gives its number of bytes. */
  fillCached(position: number, target: Uint8Array): number {
    let done = 0;
    while (done < target.length) {
      const chunk = this.#cached(Math.floor((position + done) / chunkBytes));
      if (chunk === undefined) break;
      done += copyChunk(chunk, position + done, target, done);
    }
    return done;
  }

  /**
   * The raw bytes of chunk `index`, decompressed by the thread pool and not kept: for who goes through an entry once and has
   * other work meanwhile. To set this up takes the calling thread 0.1 ms, in which it decompresses 16 KiB by itself.
   */
  async decodeApart(index: number, options?: AbortOptions): Promise<Uint8Array> {
    const known = this.#cached(index);
    if (known !== undefined) return new Uint8Array(known);
    const stored = await this.#read(index, options);
    const { bytes, codec } = this.#check(index, stored);
    if (codec === packCodecs.raw) return this.#whole(index, bytes);
    let raw: Uint8Array;
    try {
      raw = await decompressors[codec].apart(bytes, this.#decoding(index));
    } catch (error) {
      throw this.#damaged(index, error);
    }
    return this.#whole(index, raw);
  }

  /** The raw bytes of chunk `index`, decompressed at once and not kept, in memory of their own. */
  decodeSync(index: number): Uint8Array {
    return this.#decode(index, this.#readSync(index));
  }

  /** Forgets the decoded chunks. */
  clear(): void {
    for (const chunk of this.#cache.values()) releaseBytes(chunk);
    this.#cache.clear();
    releaseBytes(this.#stored);
    this.#stored = Buffer.alloc(0);
  }

  #cached(index: number): Uint8Array | undefined {
    const chunk = this.#cache.get(index);
    if (chunk === undefined) return undefined;
    this.#cache.delete(index);
    this.#cache.set(index, chunk);
    return chunk;
  }

  async #read(index: number, options: AbortOptions | undefined): Promise<Buffer> {
    const start = this.#table.offset(index) + crcBytes;
    const length = this.#table.offset(index + 1) - start;
    return await readExactly(this.#source, start, length, { signal: options?.signal, part: this.#part });
  }

  /** What was stored of a chunk, valid until the next one is read. */
  #readSync(index: number): Buffer {
    const start = this.#table.offset(index) + crcBytes;
    const length = this.#table.offset(index + 1) - start;
    if (this.#stored.length < length) {
      releaseBytes(this.#stored);
      this.#stored = Buffer.allocUnsafeSlow(length);
    }
    const stored = this.#stored.subarray(0, length);
    readExactlySync(this.#source, start, stored, this.#part);
    return stored;
  }

  /** Keeps a chunk, and lets go of the one that has not been used for the longest time. */
  #keep(index: number, chunk: Uint8Array): Uint8Array {
    if (this.#cache.size >= this.#capacity) {
      for (const [oldest, bytes] of this.#cache) {
        this.#cache.delete(oldest);
        releaseBytes(bytes);
        break;
      }
    }
    this.#cache.set(index, chunk);
    return chunk;
  }

  /** The raw bytes of a chunk, in memory of their own. */
  #decode(index: number, stored: Buffer): Uint8Array {
    const { bytes, codec } = this.#check(index, stored);
    if (codec === packCodecs.raw) return new Uint8Array(this.#whole(index, bytes));
    let raw: Uint8Array;
    try {
      raw = decompressors[codec].now(bytes, this.#decoding(index));
    } catch (error) {
      throw this.#damaged(index, error);
    }
    return this.#whole(index, raw);
  }

  /** What was stored of a chunk, its seal opened. `stored` begins with the length and codec, which the checksum covers. */
  #check(index: number, stored: Buffer): { bytes: Uint8Array; codec: PackCodec } {
    const head = this.#table.head(index);
    if (head === undefined || crc32(stored) !== head.checksum) throw this.#damaged(index);
    const { codec } = head;
    const sealed = stored.subarray(chunkHeadBytes - crcBytes);
    try {
      return { bytes: this.#opener?.open(sealed, { index, codec }) ?? sealed, codec };
    } catch (error) {
      throw this.#damaged(index, error);
    }
  }

  /**
   * zlib does not take less than 64 bytes as the size of its output, and gets a second buffer of that size, which nobody frees but
   * the garbage collector, where the first one is filled to its end.
   */
  #decoding(index: number): BrotliOptions & ZlibOptions {
    const raw = this.#table.rawLength(index);
    return { maxOutputLength: raw, chunkSize: Math.max(64, raw + 1) };
  }

  #whole(index: number, bytes: Uint8Array): Uint8Array {
    if (bytes.length !== this.#table.rawLength(index)) throw this.#damaged(index);
    return bytes;
  }

  #damaged(index: number, cause?: unknown): Error {
    return packCorrupt(this.#part, `Chunk ${index} of the entry at ${this.entry.offset} is damaged`, cause);
  }
}

/** Copies what a chunk has from `position` of the data on; the number of bytes. */
function copyChunk(chunk: Uint8Array, position: number, target: Uint8Array, at: number): number {
  const within = position % chunkBytes;
  const length = Math.min(chunk.length - within, target.length - at);
  target.set(chunk.subarray(within, within + length), at);
  return length;
}
