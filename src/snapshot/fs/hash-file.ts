import { createHash, hash as hashOf } from 'node:crypto';
import { yieldToEventLoop } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { uninitialisedBytes } from '../../core/bytes.js';
import type { StoreFs } from './store-fs.js';

/** Bytes that are read at a time. */
const blockBytes = 1024 * 1024;

/** Computes SHA-256 of many files one after another, with one buffer, and lets others run in between. */
export class FileHasher {
  readonly #fs: StoreFs;
  readonly #signal: AbortSignal | undefined;
  readonly #block = uninitialisedBytes(blockBytes);
  #sinceYield = 0;

  constructor(fs: StoreFs, signal: AbortSignal | undefined) {
    this.#fs = fs;
    this.#signal = signal;
  }

  /** SHA-256 of the file at `path` and the bytes that it had; `undefined` where there is no file. */
  async hash(path: string): Promise<{ hash: Buffer; size: number } | undefined> {
    const source = this.#fs.open(path);
    if (source === undefined) return undefined;
    try {
      return await this.hashSource(source);
    } finally {
      await source.close();
    }
  }

  /** SHA-256 of a source and the bytes that it had. */
  async hashSource(source: ByteSource): Promise<{ hash: Buffer; size: number }> {
    if (source.readSync !== undefined && source.size <= blockBytes) {
      const bytes = this.#block.subarray(0, source.readSync(0, this.#block));
      const whole = { hash: hashOf('sha256', bytes, 'buffer'), size: bytes.length };
      await this.#turn(4096 + bytes.length);
      return whole;
    }
    const hash = createHash('sha256');
    let size = 0;
    for (;;) {
      const read = await this.#read(source, size);
      if (read.length === 0) break;
      hash.update(read);
      size += read.length;
      await this.#turn(read.length);
    }
    await this.#turn(4096);
    return { hash: hash.digest(), size };
  }

  async #read(source: ByteSource, offset: number): Promise<Uint8Array> {
    if (source.readSync === undefined) return await source.read(offset, blockBytes, { signal: this.#signal });
    return this.#block.subarray(0, source.readSync(offset, this.#block));
  }

  /** Every 16 MiB or so. */
  async #turn(bytes: number): Promise<void> {
    this.#sinceYield += bytes;
    if (this.#sinceYield < 16 * blockBytes) return;
    this.#sinceYield = 0;
    await yieldToEventLoop(this.#signal);
  }
}
