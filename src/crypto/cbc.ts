/**
 * The content cipher of backups: AES-256-CBC with a key for each file, an initialization vector of zeros, and PKCS#7
 * padding. Format facts and their sources: docs/format/blobs.md.
 *
 * @packageDocumentation
 */
import { createCipheriv, createDecipheriv, type Decipher } from 'node:crypto';
import { concatBytes, plainView } from '../core/bytes.js';

const algorithm = 'aes-256-cbc';
/** Length of a cipher block in bytes. */
export const blockBytes = 16;
/** Initialization vector of every file. */
const zeroVector = new Uint8Array(blockBytes);

/** `size` cut to whole cipher blocks. */
export function wholeBlocks(size: number): number {
  return size - (size % blockBytes);
}

/**
 * Encrypts the whole content of a file with PKCS#7 padding.
 *
 * @param key - 32 bytes
 * @returns 1 to 16 bytes more than `plaintext`, a multiple of 16
 */
export function encryptCbc(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv(algorithm, key, zeroVector);
  return concatBytes([cipher.update(plaintext), cipher.final()]);
}

function createCbcDecipher(key: Uint8Array): Decipher {
  return createDecipheriv(algorithm, key, zeroVector).setAutoPadding(false);
}

/**
 * Decrypts whole blocks and leaves the padding in place. A part of a block at the end is dropped.
 *
 * To decrypt from the middle of a file on, begin one block earlier and drop the first 16 bytes of the result: a block
 * depends on the ciphertext of the one before it only.
 *
 * @param key - 32 bytes
 */
export function decryptCbc(key: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return plainView(createCbcDecipher(key).update(ciphertext));
}

/**
 * Decrypts here and there in one file with one cipher, since making one takes as long as decrypting some kilobytes. Gives a
 * function that takes the block before the wanted ones and those; in place of that block, which it cannot know the vector
 * of, the result has 16 bytes without meaning. Before the first block of a file there is the vector, {@link blockBytes} zeros.
 *
 * @param key - 32 bytes
 */
export function cbcAnywhere(key: Uint8Array): (ciphertext: Uint8Array) => Uint8Array {
  const decipher = createCbcDecipher(key);
  return (ciphertext) => plainView(decipher.update(ciphertext));
}

/**
 * Decrypts a stream: {@link decryptCbc} chunk by chunk.
 *
 * @param chunks - ciphertext in chunks of any length
 * @param key - 32 bytes
 * @returns chunks of whole blocks, at most as long as the longest one of `chunks` and never empty
 */
export async function* decryptCbcStream(
  chunks: AsyncIterable<Uint8Array>,
  key: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decipher = createCbcDecipher(key);
  for await (const chunk of chunks) {
    const plain = plainView(decipher.update(chunk));
    if (plain.length > 0) yield plain;
  }
}

/**
 * Length of the PKCS#7 padding at the end of the last block of a plaintext: 1 to 16; 0 where there is no valid one. All of
 * its bytes are checked, since unpadded content may well end in a byte below 17.
 */
export function paddingLength(lastBlock: Uint8Array): number {
  const length = lastBlock.at(-1) ?? 0;
  if (length === 0 || length > blockBytes || length > lastBlock.length) return 0;
  for (let at = lastBlock.length - length; at < lastBlock.length; at += 1) if (lastBlock[at] !== length) return 0;
  return length;
}
