import type { AbortOptions } from '../core/abort.js';
import { resolveRange, streamChunkBytes, type ByteSource } from '../core/byte-source.js';
import { uninitialisedBytes } from '../core/bytes.js';
import { releaseBytes } from '../core/release-bytes.js';
import { blockBytes, cbcAnywhere, decryptCbc, decryptCbcStream, wholeBlocks } from './cbc.js';
import { contentLength, databaseHeaderBytes, databaseLength, type ContentProblem } from './content-length.js';

/** The decrypted content of a file, and what was found wrong with its length. */
export interface DecryptedContent extends ByteSource {
  readonly problems: readonly ContentProblem[];
}

/** What {@link openDecryptedContent} needs to know of a file. */
export interface DecryptContentOptions extends AbortOptions {
  /** Key of the file, 32 bytes. */
  key: Uint8Array;
  /** Size in bytes that the file's record states; `undefined` where it states none. */
  statedSize: number | undefined;
}

/**
 * Decrypts the content of a file on the fly. Its length follows from what is stored: see {@link contentLength}.
 *
 * @param source - the content as stored; the result closes it
 */
export async function openDecryptedContent(
  source: ByteSource,
  options: DecryptContentOptions,
): Promise<DecryptedContent> {
  const { key, statedSize, signal } = options;
  signal?.throwIfAborted();
  const lastBlock = await readLastBlock(source, key, signal);
  const { length, problems } = contentLength({ storedSize: source.size, statedSize, lastBlock });
  return { ...decryptedSource(source, { key, size: length }), problems };
}

/**
 * Decrypts Manifest.db on the fly, cut to whole pages: see {@link databaseLength}.
 *
 * @param source - the database as stored; the result closes it
 */
export async function openDecryptedDatabase(
  source: ByteSource,
  options: AbortOptions & { key: Uint8Array },
): Promise<ByteSource> {
  const { key, signal } = options;
  const header = decryptCbc(key, await source.read(0, databaseHeaderBytes, { signal }));
  return decryptedSource(source, { key, size: databaseLength(source.size, header) });
}

/**
 * Decrypts a small file at once: the same as {@link openDecryptedContent} and reading all, without its overhead.
 *
 * @param stored - the content as stored
 * @param key - key of the file, 32 bytes
 * @param statedSize - size in bytes that the file's record states; `undefined` where it states none
 */
export function decryptWhole(
  stored: Uint8Array,
  key: Uint8Array,
  statedSize: number | undefined,
): { content: Uint8Array; problems: readonly ContentProblem[] } {
  const plain = decryptCbc(key, stored);
  const lastBlock = plain.length === 0 ? undefined : plain.subarray(-blockBytes);
  const { length, problems } = contentLength({ storedSize: stored.length, statedSize, lastBlock });
  return { content: plain.subarray(0, length), problems };
}

/** The last whole block, decrypted; `undefined` where not even one is stored. */
async function readLastBlock(
  source: ByteSource,
  key: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const end = wholeBlocks(source.size);
  if (end === 0) return undefined;
  const offset = Math.max(0, end - 2 * blockBytes);
  const plain = decryptCbc(key, await source.read(offset, end - offset, { signal }));
  return plain.length === end - offset ? plain.subarray(-blockBytes) : undefined;
}

/**
 * The first `size` bytes of an encrypted source, decrypted on read: a range costs the blocks that it touches and the one
 * before them. Reads are synchronous too where those of `source` are. Nothing is verified: a wrong key gives noise.
 *
 * @param source - ciphertext; the result closes it
 */
export function decryptedSource(source: ByteSource, options: { key: Uint8Array; size: number }): ByteSource {
  const { key } = options;
  const size = Math.min(options.size, wholeBlocks(source.size));
  const decrypted: ByteSource = {
    size,
    async read(offset, length, readOptions) {
      const range = cipherRange(resolveRange({ offset, length }, size));
      const ciphertext = await source.read(range.offset, range.length, readOptions);
      return decryptCbc(key, ciphertext).subarray(range.skip, range.skip + range.take);
    },
    async *stream(wanted, streamOptions) {
      streamOptions?.signal?.throwIfAborted();
      let { offset, length, skip, take } = cipherRange(resolveRange(wanted, size));
      for await (const plain of decryptCbcStream(source.stream({ offset, length }, streamOptions), key)) {
        const part = plain.subarray(skip, skip + take);
        skip -= Math.min(skip, plain.length);
        take -= part.length;
        if (part.length > 0) yield part;
      }
    },
    close: () => source.close(),
  };
  const readSync = source.readSync?.bind(source);
  if (readSync !== undefined) decrypted.readSync = syncReader(readSync, key, size);
  return decrypted;
}

/** What to read and decrypt to get a range of plaintext: from the block before it, since that is its vector, to the end of its last one. */
function cipherRange({ start, end }: { start: number; end: number }): {
  offset: number;
  length: number;
  /** Bytes at the start of the decrypted blocks that are not wanted, at most 31. */
  skip: number;
  /** Bytes that are wanted. */
  take: number;
} {
  if (start >= end) return { offset: 0, length: 0, skip: 0, take: 0 };
  const offset = Math.max(0, wholeBlocks(start) - blockBytes);
  return { offset, length: wholeBlocks(end + blockBytes - 1) - offset, skip: start - offset, take: end - start };
}

type ReadSync = NonNullable<ByteSource['readSync']>;

/** Decrypts what `readCipher` reads, in pieces, so that memory does not grow with the read. */
function syncReader(readCipher: ReadSync, key: Uint8Array, size: number): ReadSync {
  let scratch: Uint8Array = new Uint8Array(0);
  let decrypt: ReturnType<typeof cbcAnywhere> | undefined;
  return (from, target) => {
    decrypt ??= cbcAnywhere(key);
    const { start, end } = resolveRange({ offset: from, length: target.length }, size);
    let filled = 0;
    while (start + filled < end) {
      const first = wholeBlocks(start + filled);
      const last = Math.min(end, first + streamChunkBytes);
      const skip = start + filled - first + blockBytes;
      const length = blockBytes + wholeBlocks(last + blockBytes - 1) - first;
      if (scratch.length < length) scratch = uninitialisedBytes(length);
      // The block before the wanted ones comes first; before all others that is the vector, of zeros.
      const before = first === 0 ? blockBytes : 0;
      scratch.fill(0, 0, before);
      const bytesRead = readCipher(first - blockBytes + before, scratch.subarray(before, length));
      const plain = decrypt(scratch.subarray(0, wholeBlocks(before + bytesRead)));
      const piece = plain.subarray(skip, skip + last - start - filled);
      target.set(piece, filled);
      const got = piece.length;
      releaseBytes(plain);
      filled += got;
      if (start + filled < last) break;
    }
    return filled;
  };
}
