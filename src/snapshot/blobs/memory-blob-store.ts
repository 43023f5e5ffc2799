import { setImmediate } from 'node:timers/promises';
import type { AbortOptions } from '../../core/abort.js';
import { memorySource, resolveRange, type ByteRange, type ByteSource } from '../../core/byte-source.js';
import { concatBytes } from '../../core/bytes.js';
import { IoError } from '../../core/errors.js';
import { checkBlobKey, checkBlobPrefix } from './blob-key.js';
import type { BlobCapabilities, BlobInfo, BlobStore, PutOptions } from './blob-store.js';
import { checkedContent } from './checked-content.js';

/** Blobs in memory, for tests and short-lived stores. */
export class MemoryBlobStore implements BlobStore {
  readonly capabilities: BlobCapabilities = { conditionalPut: true };
  readonly #blobs = new Map<string, Uint8Array>();

  async put(key: string, content: Uint8Array | AsyncIterable<Uint8Array>, options: PutOptions): Promise<boolean> {
    checkBlobKey(key);
    options.signal?.throwIfAborted();
    if (options.ifAbsent === true && this.#blobs.has(key)) return false;
    const parts: Uint8Array[] = [];
    for await (const chunk of checkedContent(key, content, options)) parts.push(Uint8Array.from(chunk));
    if (options.ifAbsent === true && this.#blobs.has(key)) return false;
    this.#blobs.set(key, concatBytes(parts));
    return true;
  }

  async get(key: string, range?: ByteRange, options?: AbortOptions): Promise<AsyncIterable<Uint8Array> | undefined> {
    const source = await this.open(key, options);
    if (source === undefined) return undefined;
    resolveRange(range, source.size);
    return source.stream(range, options);
  }

  async head(key: string, options?: AbortOptions): Promise<BlobInfo | undefined> {
    checkBlobKey(key);
    options?.signal?.throwIfAborted();
    const bytes = this.#blobs.get(key);
    return bytes === undefined ? undefined : { key, size: bytes.length };
  }

  async *list(prefix: string, options?: AbortOptions): AsyncGenerator<BlobInfo, void, undefined> {
    checkBlobPrefix(prefix);
    options?.signal?.throwIfAborted();
    for (const [key, { length }] of this.#blobs) {
      if (!key.startsWith(prefix)) continue;
      await setImmediate();
      options?.signal?.throwIfAborted();
      yield { key, size: length };
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) checkBlobKey(key);
    for (const key of keys) this.#blobs.delete(key);
  }

  async copy(from: string, to: string): Promise<void> {
    checkBlobKey(to);
    const bytes = this.#blobs.get(checkBlobKey(from));
    if (bytes === undefined)
      throw new IoError('IO_FAILED', `There is no blob ${from}`, { path: from, errno: 'ENOENT' });
    this.#blobs.set(to, bytes);
  }

  async open(key: string, options?: AbortOptions): Promise<ByteSource | undefined> {
    checkBlobKey(key);
    options?.signal?.throwIfAborted();
    const bytes = this.#blobs.get(key);
    return bytes === undefined ? undefined : memorySource(bytes);
  }

  async close(): Promise<void> {}
}
