import { createCipheriv, createHash, type Cipher } from 'node:crypto';
import { hexEncode, plainView, utf8Encode } from '../../core/bytes.js';

const poolBytes = 4096;

/**
 * Bytes and numbers that look random and depend on the seed alone: the key stream of AES-256 in counter mode, which is fast
 * enough to fill files of any size. Not for real secrets.
 */
export class SeededRandom {
  readonly #key: Uint8Array;
  #stream: Cipher | undefined;
  #pool: Uint8Array = new Uint8Array();
  #used = 0;

  constructor(seed: number | string | Uint8Array) {
    const hash = createHash('sha256');
    hash.update(seed instanceof Uint8Array ? seed : utf8Encode(String(seed)));
    this.#key = hash.digest();
  }

  /** A source of its own for one purpose: what it gives does not depend on what was drawn elsewhere. */
  fork(label: string): SeededRandom {
    const seed = createHash('sha256').update(this.#key).update(utf8Encode(label)).digest();
    return new SeededRandom(seed);
  }

  /** The next `length` bytes. */
  bytes(length: number): Uint8Array {
    const target = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const left = this.#pool.length - this.#used;
      if (left > 0) {
        const take = Math.min(left, length - filled);
        target.set(this.#pool.subarray(this.#used, this.#used + take), filled);
        this.#used += take;
        filled += take;
      } else if (length - filled > poolBytes) {
        target.set(this.#keyStream(length - filled), filled);
        filled = length;
      } else {
        this.#pool = this.#keyStream(poolBytes);
        this.#used = 0;
      }
    }
    return target;
  }

  #keyStream(length: number): Uint8Array {
    this.#stream ??= createCipheriv('aes-256-ctr', this.#key, new Uint8Array(16));
    return plainView(this.#stream.update(new Uint8Array(length)));
  }

  /** An integer from 0 up to, but not including, `limit`, which is at most 2^32. */
  below(limit: number): number {
    const bytes = this.bytes(4);
    return Math.floor((new DataView(bytes.buffer).getUint32(0) / 2 ** 32) * limit);
  }

  /** An integer from `first` to `last`, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    const element = list[this.below(list.length)];
    if (element === undefined) throw new RangeError('Nothing can be picked from an empty list');
    return element;
  }

  /** Lower-case hex digits. */
  hex(digits: number): string {
    return hexEncode(this.bytes(Math.ceil(digits / 2))).slice(0, digits);
  }

  /** Decimal digits. */
  digits(count: number): string {
    return Array.from({ length: count }, () => this.below(10)).join('');
  }

  /** An upper-case version 4 UUID. */
  uuid(): string {
    const bytes = this.bytes(16);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = hexEncode(bytes).toUpperCase();
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
}
