/**
 * Contents of encrypted backups under AES-256-CBC with an initialization vector of zeros, seen decrypted and made again. Padding is
 * part of what is seen, and bytes behind the last whole block are seen as they are: so both ways exactly undo one another for any
 * bytes and any key.
 *
 * @packageDocumentation
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { plainView } from '../../core/bytes.js';
import { releaseBytes } from '../../core/release-bytes.js';
import { packCorrupt } from '../format/pack-format.js';
import { randomSource } from './random-source.js';

const algorithm = 'aes-256-cbc';
const block = 16;

/** Bytes between two places at which encryption can be taken up again. */
const stepBytes = 64 * 1024;

const zeroVector = Buffer.alloc(block);

/** `stored` decrypted, as large as it. The result closes it. */
export function decryptedView(stored: ByteSource, key: Uint8Array): ByteSource {
  const { size } = stored;
  const whole = size - (size % block);
  /** Where to begin, so that the block before tells the vector. */
  const before = (start: number): number => Math.max(0, start - (start % block) - block);
  const end = (to: number): number => (to <= whole ? Math.min(whole, to + ((block - (to % block)) % block)) : size);
  const open = (cipher: Buffer, from: number, start: number, to: number): Buffer => {
    const blocks = cipher.subarray(0, Math.min(cipher.length, Math.max(0, whole - from)));
    // What comes of the block that is only the vector is cut off.
    const plain = createDecipheriv(algorithm, key, zeroVector).setAutoPadding(false).update(blocks);
    const tail = cipher.subarray(blocks.length);
    const all = tail.length === 0 ? plain : Buffer.concat([plain, tail]);
    return all.subarray(start - from, to - from);
  };
  let scratch = Buffer.alloc(0);
  return randomSource(
    {
      size,
      async read(start, to, options) {
        const from = before(start);
        const cipher = await stored.read(from, end(to) - from, options);
        if (cipher.length !== end(to) - from) throw packCorrupt(undefined, 'An encrypted content ended early');
        return plainView(open(Buffer.from(cipher.buffer, cipher.byteOffset, cipher.length), from, start, to));
      },
      readSync:
        stored.readSync === undefined
          ? undefined
          : (start, target) => {
              const to = start + target.length;
              const from = before(start);
              const length = end(to) - from;
              if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(length);
              const cipher = scratch.subarray(0, length);
              if (stored.readSync?.(from, cipher) !== length)
                throw packCorrupt(undefined, 'An encrypted content ended early');
              const plain = open(cipher, from, start, to);
              target.set(plain);
              releaseBytes(plain);
            },
      release() {
        releaseBytes(scratch);
        scratch = Buffer.alloc(0);
      },
    },
    [stored],
  );
}

/**
 * `plain` encrypted: undoes {@link decryptedView}. A block of ciphertext depends on all that comes before it, so that the first read
 * far into the content encrypts everything up to there; then vectors for every 64 KiB are known, and reads are cheap. The
 * result closes `plain`.
 */
export function encryptedView(plain: ByteSource, key: Uint8Array): ByteSource {
  const view = new EncryptedView(plain, key);
  return randomSource(
    {
      size: plain.size,
      read: async (start, end, options) => await view.read(start, end, options),
      readSync:
        plain.readSync === undefined
          ? undefined
          : (start, target) => {
              view.readSync(start, target);
            },
      release: () => {
        view.release();
      },
    },
    [plain],
  );
}

class EncryptedView {
  readonly #plain: ByteSource;
  readonly #key: Uint8Array;
  /** Bytes that are whole blocks. */
  readonly #whole: number;
  /** The vector of each step, one after another. */
  #vectors = Buffer.alloc(64 * block);
  /** Steps whose vector is known. */
  #known = 1;
  /** Ciphertext that was made last, for reads that are smaller than a step, and where it begins. */
  #last = Buffer.alloc(0);
  #lastStart = 0;

  constructor(plain: ByteSource, key: Uint8Array) {
    this.#plain = plain;
    this.#key = key;
    this.#whole = plain.size - (plain.size % block);
  }

  async read(start: number, end: number, options: AbortOptions | undefined): Promise<Uint8Array> {
    const target = Buffer.allocUnsafeSlow(end - start);
    this.#give(start, target);
    for (const range of this.#missing(start, end)) {
      const bytes = await this.#plain.read(range.start, range.end - range.start, options);
      this.#seal(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), range);
      releaseBytes(bytes);
      this.#give(start, target);
    }
    return plainView(target);
  }

  readSync(start: number, target: Uint8Array): void {
    this.#give(start, target);
    for (const range of this.#missing(start, start + target.length)) {
      const bytes = Buffer.allocUnsafeSlow(range.end - range.start);
      const length = this.#plain.readSync?.(range.start, bytes) ?? 0;
      this.#seal(bytes.subarray(0, length), range);
      releaseBytes(bytes);
      this.#give(start, target);
    }
  }

  release(): void {
    releaseBytes(this.#last);
    this.#last = Buffer.alloc(0);
    this.#lastStart = 0;
  }

  /** What has to be encrypted, in order, to have the bytes from `start` to `end`: from the last vector that is known. */
  *#missing(start: number, end: number): Generator<{ start: number; end: number }, void, undefined> {
    let at = start;
    if (start >= this.#lastStart && start < this.#lastStart + this.#last.length)
      at = this.#lastStart + this.#last.length;
    if (at >= end) return;
    let from = Math.min(Math.floor(at / stepBytes), this.#known - 1) * stepBytes;
    while (from < end) {
      // Up to a step's end, so that the vector there becomes known; large, so that setting a cipher up does not count.
      const to = Math.min(
        (Math.floor(Math.min(end - 1, from + 16 * stepBytes - 1) / stepBytes) + 1) * stepBytes,
        this.#plain.size,
      );
      yield { start: from, end: to };
      from = to;
    }
  }

  #seal(plain: Buffer, { start, end }: { start: number; end: number }): void {
    if (plain.length !== end - start) throw packCorrupt(undefined, 'A decrypted content ended early');
    const step = start / stepBytes;
    const vector = this.#vectors.subarray(step * block, (step + 1) * block);
    const blocks = plain.subarray(0, Math.max(0, Math.min(end, this.#whole) - start));
    const cipher = createCipheriv(algorithm, this.#key, vector).setAutoPadding(false).update(blocks);
    for (let next = step + 1; next * stepBytes <= start + cipher.length; next += 1) {
      const at = next * stepBytes - start;
      if (next >= this.#known) this.#learn(next, cipher.subarray(at - block, at));
    }
    releaseBytes(this.#last);
    this.#last = blocks.length === plain.length ? cipher : Buffer.concat([cipher, plain.subarray(blocks.length)]);
    this.#lastStart = start;
  }

  #learn(step: number, vector: Buffer): void {
    const at = step * block;
    if (at + block > this.#vectors.length) {
      const larger = Buffer.alloc(2 * this.#vectors.length);
      larger.set(this.#vectors);
      this.#vectors = larger;
    }
    this.#vectors.set(vector, at);
    this.#known = step + 1;
  }

  /** Copies what was made last into the part of `target` that it has. */
  #give(start: number, target: Uint8Array): void {
    const from = Math.max(start, this.#lastStart);
    const to = Math.min(start + target.length, this.#lastStart + this.#last.length);
    if (to > from) target.set(this.#last.subarray(from - this.#lastStart, to - this.#lastStart), from - start);
  }
}
