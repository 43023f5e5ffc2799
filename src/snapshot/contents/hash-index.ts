import { randomFillSync } from 'node:crypto';
import { plainView } from '../../core/bytes.js';
import { hashBytes } from '../format/table.js';

const words = hashBytes / 4;
/** Keys in one segment. Keys lie in segments, so that a full table neither copies them nor reserves twice their memory. */
const segmentKeys = 2 ** 15;
const segmentShift = 15;
const smallestSlots = 1024;
/** Slots that an expectation gets at most: 64 MiB. More are made when the keys have really come. */
const largestFirstSlots = 2 ** 24;
/** Slots are doubled when more than this share of them is taken. */
const fullness = 0.7;

/**
 * A table from hashes of 32 bytes to unsigned 32-bit numbers, of at most 48 bytes a key however many there are. Keys keep the
 * order in which they were added. Which slot a key gets depends on a random seed, so that nobody can make keys that collide.
 */
export class HashIndex {
  /** Position of each key plus one; 0 for a free slot. */
  #slots: Uint32Array;
  readonly #keys: Int32Array[] = [];
  readonly #values: Uint32Array[] = [];
  readonly #seed: Int32Array;
  /** The key that is looked for, as words. */
  readonly #key = new Int32Array(words);
  #size = 0;

  /**
   * @param expected - about how many keys will come, which saves sorting them in again and again
   * @param seed - eight random words; others only for tests
   */
  constructor(expected = 0, seed: Int32Array = randomFillSync(new Int32Array(words))) {
    this.#seed = seed;
    let slots = smallestSlots;
    while (slots * fullness < expected && slots < largestFirstSlots) slots *= 2;
    this.#slots = new Uint32Array(slots);
  }

  /** Number of keys. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of memory. */
  get memoryBytes(): number {
    return 4 * this.#slots.length + this.#keys.length * segmentKeys * (hashBytes + 4);
  }

  /**
   * Adds a key, unless it is there already: whether it was new. The value of one that is there stays.
   *
   * @param bytes - the key is the 32 bytes at `at`
   * @param value - from 0 to 2^32 - 1
   */
  add(bytes: Uint8Array, value: number, at = 0): boolean {
    const slot = this.#find(bytes, at);
    if ((this.#slots[slot] ?? 0) !== 0) return false;
    this.#append(value);
    this.#slots[slot] = this.#size;
    if (this.#size > this.#slots.length * fullness) this.#rehash();
    return true;
  }

  /** Adds a key or gives it another value. */
  set(bytes: Uint8Array, value: number, at = 0): void {
    if (this.add(bytes, value, at)) return;
    const position = (this.#slots[this.#find(bytes, at)] ?? 0) - 1;
    const segment = this.#values[position >>> segmentShift];
    if (segment !== undefined) segment[position & (segmentKeys - 1)] = value;
  }

  /** The value of the key at `at`; `undefined` where it is not there. */
  get(bytes: Uint8Array, at = 0): number | undefined {
    const position = this.#slots[this.#find(bytes, at)] ?? 0;
    return position === 0 ? undefined : this.#valueAt(position - 1);
  }

  /** Whether the key at `at` is there. */
  has(bytes: Uint8Array, at = 0): boolean {
    return (this.#slots[this.#find(bytes, at)] ?? 0) !== 0;
  }

  /** All keys, each the caller's own, and their values, in the order in which they were added. */
  *entries(): Generator<[key: Uint8Array, value: number], void, undefined> {
    for (let position = 0; position < this.#size; position += 1) {
      const segment = this.#keys[position >>> segmentShift];
      if (segment === undefined) return;
      const first = (position & (segmentKeys - 1)) * words;
      const key = Buffer.alloc(hashBytes);
      for (let i = 0; i < words; i += 1) key.writeInt32LE(segment[first + i] ?? 0, 4 * i);
      yield [plainView(key), this.#valueAt(position)];
    }
  }

  #valueAt(position: number): number {
    return this.#values[position >>> segmentShift]?.[position & (segmentKeys - 1)] ?? 0;
  }

  /** The slot of a key: the one that has it, or the free one that it would get. The key is in `#key` afterwards. */
  #find(bytes: Uint8Array, at: number): number {
    if (at < 0 || at + hashBytes > bytes.length) throw new RangeError(`${bytes.length} bytes have no key at ${at}`);
    // By hand: for 32 bytes a view and a call of `set` cost more than all the rest.
    const key = this.#key;
    for (let i = 0, from = at; i < words; i += 1, from += 4) {
      const low = (bytes[from] ?? 0) | ((bytes[from + 1] ?? 0) << 8);
      key[i] = low | ((bytes[from + 2] ?? 0) << 16) | ((bytes[from + 3] ?? 0) << 24);
    }
    const mask = this.#slots.length - 1;
    let slot = this.#hash(key, 0) & mask;
    for (;;) {
      const position = this.#slots[slot] ?? 0;
      if (position === 0 || this.#holds(position - 1)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** Whether the key at `position` is the one in `#key`. */
  #holds(position: number): boolean {
    const segment = this.#keys[position >>> segmentShift];
    const first = (position & (segmentKeys - 1)) * words;
    const key = this.#key;
    if (segment === undefined) return false;
    for (let i = 0; i < words; i += 1) if (segment[first + i] !== key[i]) return false;
    return true;
  }

  /**
   * Each step maps words one to one, so that keys that differ in one word never become equal whatever the seed is: a factor that is
   * even would lose their upper bits.
   */
  #hash(key: Int32Array, first: number): number {
    const seed = this.#seed;
    let hash = seed[0] ?? 0;
    for (let i = 0; i < words; i += 1) {
      hash = Math.imul(hash ^ (key[first + i] ?? 0), (seed[i] ?? 0) | 1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash, 0x85ebca6b);
    return (hash ^ (hash >>> 13)) >>> 0;
  }

  #append(value: number): void {
    const index = this.#size & (segmentKeys - 1);
    if (index === 0) {
      this.#keys.push(new Int32Array(segmentKeys * words));
      this.#values.push(new Uint32Array(segmentKeys));
    }
    const keys = this.#keys.at(-1);
    if (keys !== undefined) for (let i = 0; i < words; i += 1) keys[index * words + i] = this.#key[i] ?? 0;
    const values = this.#values.at(-1);
    if (values !== undefined) values[index] = value;
    this.#size += 1;
  }

  #rehash(): void {
    const slots = new Uint32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let position = 0; position < this.#size; position += 1) {
      const segment = this.#keys[position >>> segmentShift];
      if (segment === undefined) break;
      let slot = this.#hash(segment, (position & (segmentKeys - 1)) * words) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = position + 1;
    }
    this.#slots = slots;
  }
}
