import { createCipheriv, createDecipheriv } from 'node:crypto';
import { plainView } from '../core/bytes.js';

const algorithm = 'id-aes256-wrap';
/** Initial value of RFC 3394 §2.2.3.1, which is also its integrity check. */
const initialValue = new Uint8Array(8).fill(0xa6);
/** Length of the key-encryption key in bytes. */
const kekBytes = 32;

function checkKek(kek: Uint8Array): void {
  if (kek.length !== kekBytes) throw new RangeError(`A key-encryption key has ${kekBytes} bytes, not ${kek.length}`);
}

/**
 * Wraps a key with another one: AES-256 key wrap of RFC 3394.
 *
 * @param kek - the key-encryption key, 32 bytes
 * @param key - the key to wrap, at least 16 bytes and a multiple of 8
 * @returns 8 bytes more than `key`
 * @throws RangeError for keys of other lengths
 */
export function wrapKey(kek: Uint8Array, key: Uint8Array): Uint8Array {
  checkKek(kek);
  if (key.length < 16 || key.length % 8 !== 0) {
    throw new RangeError(`A key to wrap has 16 bytes or more, a multiple of 8, not ${key.length}`);
  }
  return plainView(createCipheriv(algorithm, kek, initialValue).update(key));
}

/**
 * Unwraps a key: the reverse of {@link wrapKey}.
 *
 * @param kek - the key-encryption key, 32 bytes
 * @param wrapped - the wrapped key; its length is not trusted
 * @returns the key; `undefined` where the integrity check fails, that is where the key-encryption key is not the right
 * one or the wrapped key was altered
 * @throws RangeError where `kek` has another length
 */
export function unwrapKey(kek: Uint8Array, wrapped: Uint8Array): Uint8Array | undefined {
  checkKek(kek);
  if (wrapped.length < 24 || wrapped.length % 8 !== 0) return undefined;
  const decipher = createDecipheriv(algorithm, kek, initialValue);
  try {
    return plainView(decipher.update(wrapped));
  } catch {
    // OpenSSL reports a failed integrity check from update() with an error that has neither a code nor a useful text.
    return undefined;
  }
}
