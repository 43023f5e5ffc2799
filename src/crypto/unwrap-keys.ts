import { createDecipheriv } from 'node:crypto';

/** Length of a wrapped key of 32 bytes, the only ones that are unwrapped here. */
const wrappedBytes = 40;
/** Parts of the key, of 8 bytes each; every one is decrypted in each of six rounds. */
const parts = 4;
const rounds = 6;
/** A cipher block has a check value of two words of 32 bits and one part of the key, of two words. */
const blockBytes = 16;
const blockWords = 4;
/** Both words of the initial value of RFC 3394 §2.2.3.1. */
const initialWord = 0xa6a6a6a6;

/**
 * Unwraps many keys of 32 bytes with one key, as `unwrapKey` does for one. The 24 decryptions of a key depend on
 * one another, those of different keys do not: so each step is one call of the cipher over a block of every key. A call costs
 * far more than a block, and OpenSSL's own key wrap does not use the processor's AES.
 *
 * @param kek - the key-encryption key, 32 bytes
 * @param wrapped - 40 bytes each
 * @returns for each the key; `undefined` where the integrity check fails or the length is another one
 * @see https://www.rfc-editor.org/rfc/rfc3394#section-2.2.2
 */
export function unwrapKeys(kek: Uint8Array, wrapped: readonly Uint8Array[]): (Uint8Array | undefined)[] {
  const count = wrapped.length;
  const blocks = new Uint8Array(count * blockBytes);
  const words = new Uint32Array(blocks.buffer);
  const keys = new Uint8Array(count * parts * 8);
  const keyWords = new Uint32Array(keys.buffer);
  for (const [index, one] of wrapped.entries()) {
    if (one.length !== wrappedBytes) continue;
    blocks.set(one.subarray(0, 8), index * blockBytes);
    keys.set(one.subarray(8), index * parts * 8);
  }
  const decipher = createDecipheriv('aes-256-ecb', kek, null).setAutoPadding(false);
  for (let step = rounds * parts; step > 0; step -= 1) {
    const part = ((step - 1) % parts) * 2;
    for (let index = 0; index < count; index += 1) {
      const last = index * blockBytes + 7;
      blocks[last] = (blocks[last] ?? 0) ^ step;
      copyWords(keyWords, index * parts * 2 + part, words, index * blockWords + 2);
    }
    blocks.set(decipher.update(blocks));
    for (let index = 0; index < count; index += 1) {
      copyWords(words, index * blockWords + 2, keyWords, index * parts * 2 + part);
    }
  }
  return wrapped.map(({ length }, index) => {
    const isWhole = words[index * blockWords] === initialWord && words[index * blockWords + 1] === initialWord;
    return isWhole && length === wrappedBytes ? keys.slice(index * parts * 8, (index + 1) * parts * 8) : undefined;
  });
}

/** Copies the two words of a part. */
function copyWords(from: Uint32Array, at: number, to: Uint32Array, target: number): void {
  to[target] = from[at] ?? 0;
  to[target + 1] = from[at + 1] ?? 0;
}
