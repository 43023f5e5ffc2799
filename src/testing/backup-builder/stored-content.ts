import { createCipheriv, createHash } from 'node:crypto';
import { concatBytes, hexEncode, plainView } from '../../core/bytes.js';
import { blockBytes, encryptCbc, paddingLength } from '../../crypto/cbc.js';
import { truncatedBlockBytes } from './damage.js';
import type { SeededRandom } from './seeded-random.js';
import type { FileDamage } from './types.js';

const zeroIv = new Uint8Array(blockBytes);
const chunkBytes = 1024 * 1024;

/** Content as it is stored, and what the manifest says about it. */
export interface StoredContent {
  readonly size: number;
  /** Of the plaintext, lower-case hex. */
  readonly sha256: string;
  /** SHA-1 of the bytes that a device would store: ciphertext with padding, or the plaintext of a plain backup. */
  readonly digest: Uint8Array;
  /** The blob; `undefined` where there is none. */
  readonly blob: Uint8Array | undefined;
}

/** {@link encryptCbc} without padding: for whole blocks. */
function encryptBlocks(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-cbc', key, zeroIv).setAutoPadding(false);
  return concatBytes([cipher.update(plaintext), cipher.final()]);
}

/** {@link encryptCbc} for chunks, with or without padding at the end. */
export async function* encryptChunks(
  key: Uint8Array,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  padding = true,
): AsyncGenerator<Uint8Array, void, undefined> {
  const cipher = createCipheriv('aes-256-cbc', key, zeroIv).setAutoPadding(padding);
  for await (const chunk of chunks) yield plainView(cipher.update(chunk));
  const last = cipher.final();
  if (last.length > 0) yield plainView(last);
}

/** Content that is in memory. `key` encrypts it; `keepPlain` stores it as it is all the same, as in a decrypted copy. */
export function storeContent(
  content: Uint8Array,
  key: Uint8Array | undefined,
  options: { keepPlain: boolean; damage: readonly FileDamage[] },
): StoredContent {
  const sound = key === undefined ? content : encryptCbc(key, content);
  const blobKey = options.keepPlain ? undefined : key;
  let blob: Uint8Array | undefined = blobKey === undefined ? content : sound;
  for (const damage of options.damage) blob = damageBlob(damage, blob, content, blobKey);
  return {
    size: content.length,
    sha256: hexEncode(createHash('sha256').update(content).digest()),
    digest: plainView(createHash('sha1').update(sound).digest()),
    blob,
  };
}

function damageBlob(
  damage: FileDamage,
  blob: Uint8Array | undefined,
  content: Uint8Array,
  key: Uint8Array | undefined,
): Uint8Array | undefined {
  if (blob === undefined) return undefined;
  switch (damage) {
    case 'content-missing':
      return undefined;
    case 'content-empty':
      return new Uint8Array(0);
    case 'content-truncated':
      return blob.slice(0, key === undefined ? Math.floor(content.length / 2) : cutWithoutPadding(content));
    case 'content-truncated-block':
      return blob.slice(0, -truncatedBlockBytes);
    case 'padding-missing':
      return key === undefined ? blob : encryptBlocks(key, content);
    case 'padding-zeros':
      return key === undefined ? blob : encryptBlocks(key, zeroFilled(content));
    default:
      return blob;
  }
}

function zeroFilled(content: Uint8Array): Uint8Array {
  const filled = new Uint8Array(Math.ceil(content.length / blockBytes) * blockBytes);
  filled.set(content);
  return filled;
}

/** A length near the half of the content at which a cut leaves whole blocks that neither end in valid padding nor hold all of it. */
function cutWithoutPadding(content: Uint8Array): number {
  const blocks = Math.ceil(content.length / blockBytes);
  const half = Math.max(1, Math.floor(blocks / 2));
  const candidates = Array.from({ length: blocks - 1 }, (_unused, index) => index + 1).sort(
    (a, b) => Math.abs(a - half) - Math.abs(b - half),
  );
  const cut = candidates.find(
    (count) => paddingLength(content.subarray((count - 1) * blockBytes, count * blockBytes)) === 0,
  );
  if (cut === undefined)
    throw new RangeError('content-truncated needs content that does not look padded in every block');
  return cut * blockBytes;
}

/** Content that is generated chunk by chunk while it is written; the facts are there once the blob was read to its end. */
export interface StreamedContent {
  readonly blob: AsyncIterable<Uint8Array>;
  facts(): Omit<StoredContent, 'blob'>;
}

/** {@link storeContent} for `size` bytes of `random`, without ever having them in memory. */
export function streamContent(
  random: SeededRandom,
  size: number,
  key: Uint8Array | undefined,
  keepPlain: boolean,
): StreamedContent {
  const sha256 = createHash('sha256');
  const sha1 = createHash('sha1');
  function* plaintext(): Generator<Uint8Array, void, undefined> {
    for (let left = size; left > 0; left -= chunkBytes) {
      const chunk = random.bytes(Math.min(left, chunkBytes));
      sha256.update(chunk);
      yield chunk;
    }
  }
  async function* stored(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of key === undefined ? plaintext() : encryptChunks(key, plaintext())) {
      sha1.update(chunk);
      yield chunk;
    }
  }
  async function* decryptedCopy(cipherKey: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
    const cipher = createCipheriv('aes-256-cbc', cipherKey, zeroIv);
    for (const chunk of plaintext()) {
      sha1.update(cipher.update(chunk));
      yield chunk;
    }
    sha1.update(cipher.final());
  }
  return {
    blob: keepPlain && key !== undefined ? decryptedCopy(key) : stored(),
    facts: () => ({ size, sha256: hexEncode(sha256.digest()), digest: plainView(sha1.digest()) }),
  };
}
