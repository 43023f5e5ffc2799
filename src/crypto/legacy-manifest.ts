import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { base64Decode, base64Encode, concatBytes, ownBytes, utf8Encode } from '../core/bytes.js';
import { FormatError } from '../core/errors.js';

const algorithm = 'aes-128-cbc';
/** The fixed initialization vector, 00 01 … 0F. */
const initializationVector = Uint8Array.from({ length: 16 }, (_value, index) => index);

/**
 * The key behind the obfuscated records of Manifest.db of encrypted iOS 10.0 backups: the first 16 bytes of
 * SHA-1(password + salt). Source: docs/format/blobs.md.
 *
 * @param salt - `salt` of the table Properties
 */
export function legacyRecordKey(password: string, salt: Uint8Array): Uint8Array {
  const hash = createHash('sha1')
    .update(concatBytes([utf8Encode(password), salt]))
    .digest();
  return ownBytes(hash.subarray(0, 16));
}

/**
 * The archive in an obfuscated `file` column.
 *
 * @param key - of {@link legacyRecordKey}
 * @param text - base64
 * @throws {@link FormatError} `FORMAT_INVALID` with format `cbc` where it does not decrypt with this key
 */
export function deobfuscateRecord(key: Uint8Array, text: string): Uint8Array {
  const decipher = createDecipheriv(algorithm, key, initializationVector);
  try {
    return concatBytes([decipher.update(base64Decode(text)), decipher.final()]);
  } catch (cause) {
    throw new FormatError('FORMAT_INVALID', 'An obfuscated record of Manifest.db does not decrypt', {
      format: 'cbc',
      cause,
    });
  }
}

/** The text that iOS 10.0 stores in place of an archive: the reverse of {@link deobfuscateRecord}. */
export function obfuscateRecord(key: Uint8Array, archive: Uint8Array): string {
  const cipher = createCipheriv(algorithm, key, initializationVector);
  return base64Encode(concatBytes([cipher.update(archive), cipher.final()]));
}
