import type { ByteSource } from '../../core/byte-source.js';
import { bufferView } from '../format/pack-format.js';
import { readExactly, type PackReadOptions } from './read-exactly.js';
import { Turns } from './turns.js';

const windowBytes = 1024 * 1024;
/** How often a scan may look at each byte on average; crafted packs could make it look at each one thousands of times. */
const looks = 4;

/** A part of a pack that is read from front to back in large pieces, with a bound on the work. */
export class ScanWindow {
  readonly size: number;
  readonly #source: ByteSource;
  readonly #options: PackReadOptions;
  readonly #turns: Turns;
  #bytes: Buffer = Buffer.alloc(0);
  #offset = 0;
  #budget: number;

  constructor(source: ByteSource, options: PackReadOptions) {
    this.size = source.size;
    this.#source = source;
    this.#options = options;
    this.#turns = new Turns(options.signal);
    this.#budget = looks * source.size + 64 * windowBytes;
  }

  /** Whether so much was looked at that the pack must be a crafted one. */
  get exhausted(): boolean {
    return this.#budget < 0;
  }

  /** Counts `bytes` that were searched or whose checksum was made. */
  spend(bytes: number): void {
    this.#budget -= bytes;
  }

  /** Up to `length` bytes at `offset`, fewer at the end of the pack, none when exhausted; valid until the next call. */
  async view(offset: number, length: number): Promise<Buffer> {
    const end = Math.min(offset + length, this.size);
    if (this.exhausted || offset >= end) return Buffer.alloc(0);
    if (offset < this.#offset || end > this.#offset + this.#bytes.length) {
      const wanted = Math.min(Math.max(windowBytes, end - offset), this.size - offset);
      this.#bytes = bufferView(await readExactly(this.#source, offset, wanted, this.#options));
      this.#offset = offset;
    }
    if (this.#turns.due) await this.#turns.take();
    return this.#bytes.subarray(offset - this.#offset, end - this.#offset);
  }
}
