import { createCipheriv, createDecipheriv, randomBytes, randomUUID, type Cipher } from 'node:crypto';
import { readSync } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AbortOptions } from '../../core/abort.js';
import { resolveRange, streamByReads, type ByteSource } from '../../core/byte-source.js';
import { ioError } from '../../core/errors.js';
import type { SyncSource } from './read-ahead.js';

const algorithm = 'aes-256-ctr';
const blockBytes = 16;

/**
 * A copy of a source in a temporary file that only this process can read: encrypted with a random key that never leaves
 * memory, and without a name as soon as the system allows that. Closing it removes it.
 *
 * @throws {@link IoError}
 */
export async function sealedCopy(source: ByteSource, options: AbortOptions = {}): Promise<SyncSource> {
  const path = join(tmpdir(), `ios-backup-kit-${randomUUID()}`);
  const key = randomBytes(32);
  let file: FileHandle;
  try {
    file = await open(path, 'wx+', 0o600);
  } catch (error) {
    throw ioError(error, path, 'creating');
  }
  const removed = await unlink(path).then(
    () => true,
    () => false,
  );
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await file.close();
    key.fill(0);
    if (!removed) await unlink(path);
  };
  const sealed = { file, path, key, close: async () => await (closing ??= close()) };
  try {
    return sealedSource(sealed, await copyInto(sealed, source, options));
  } catch (error) {
    await sealed.close();
    throw ioError(error, path, 'writing');
  }
}

interface SealedFile {
  readonly file: FileHandle;
  readonly path: string;
  readonly key: Uint8Array;
  readonly close: () => Promise<void>;
}

/** Every file has a key of its own, so the counter may start at 0. */
function cipherAt(make: typeof createCipheriv | typeof createDecipheriv, key: Uint8Array, block: number): Cipher {
  const counter = new Uint8Array(blockBytes);
  new DataView(counter.buffer).setBigUint64(8, BigInt(block));
  return make(algorithm, key, counter);
}

async function copyInto({ file, key }: SealedFile, source: ByteSource, options: AbortOptions): Promise<number> {
  const cipher = cipherAt(createCipheriv, key, 0);
  let size = 0;
  for await (const chunk of source.stream(undefined, options)) {
    await file.writev([cipher.update(chunk)], size);
    size += chunk.length;
  }
  return size;
}

function sealedSource({ file, path, key, close }: SealedFile, size: number): SyncSource {
  const source: SyncSource = {
    size,
    readSync(offset, target) {
      const { start, end } = resolveRange({ offset, length: target.length }, size);
      const skip = start % blockBytes;
      const sealed = new Uint8Array(end - start + skip);
      try {
        for (let filled = 0; filled < sealed.length;) {
          const count = readSync(file.fd, sealed, filled, sealed.length - filled, start - skip + filled);
          if (count === 0) throw Object.assign(new Error('EIO: the temporary file was cut off'), { code: 'EIO' });
          filled += count;
        }
      } catch (error) {
        throw ioError(error, path, 'reading');
      }
      const plain = cipherAt(createDecipheriv, key, (start - skip) / blockBytes).update(sealed);
      target.set(plain.subarray(skip));
      return end - start;
    },
    async read(offset, length, options) {
      options?.signal?.throwIfAborted();
      const { start, end } = resolveRange({ offset, length }, size);
      const bytes = new Uint8Array(end - start);
      source.readSync(start, bytes);
      return bytes;
    },
    stream: (range, options) => streamByReads(source, range, options),
    close,
  };
  return source;
}
