import { open, type FileHandle } from 'node:fs/promises';
import { closeSync, readSync } from 'node:fs';
import type { AbortOptions } from './abort.js';
import { concatBytes } from './bytes.js';
import { FormatError, IoError, ioError } from './errors.js';

/** A range of bytes. */
export interface ByteRange {
  /** First byte; 0 by default. */
  offset?: number | undefined;
  /** Number of bytes; to the end by default. */
  length?: number | undefined;
}

/** Random-access, read-only bytes: a file, a stored version's file, a decrypted view of another source, memory. */
export interface ByteSource {
  /** Size in bytes. */
  readonly size: number;
  /** Reads up to `length` bytes at `offset`; fewer come only at the end of the data. The array is the caller's own. */
  read(offset: number, length: number, options?: AbortOptions): Promise<Uint8Array>;
  /**
   * Fills `target` from `offset` on and returns the number of bytes, less than `target.length` only at the end of the data.
   * Present where the bytes can be had without waiting: local files and memory. Databases need it to be read in place.
   */
  readSync?(offset: number, target: Uint8Array): number;
  /** Streams a range in chunks of at most {@link streamChunkBytes}; each chunk is the caller's own. Leaving the loop early is allowed. */
  stream(range?: ByteRange, options?: AbortOptions): AsyncIterable<Uint8Array>;
  /** Releases the handle behind the source; calling it again does nothing. */
  close(): Promise<void>;
}

/** Largest chunk that `stream()` gives, in bytes. */
export const streamChunkBytes = 256 * 1024;

/** The part of `size` bytes that a range means, with both ends inside. @throws RangeError for negative or fractional numbers. */
export function resolveRange(range: ByteRange | undefined, size: number): { start: number; end: number } {
  const offset = range?.offset ?? 0;
  const length = range?.length ?? Math.max(0, size - offset);
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw new RangeError(`offset must be a non-negative integer, not ${offset}`);
  if (!Number.isSafeInteger(length) || length < 0)
    throw new RangeError(`length must be a non-negative integer, not ${length}`);
  const start = Math.min(offset, size);
  return { start, end: Math.min(start + length, size) };
}

/** `stream()` by way of `read()`. */
export async function* streamByReads(
  source: ByteSource,
  range?: ByteRange,
  options?: AbortOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { start, end } = resolveRange(range, source.size);
  for (let offset = start; offset < end;) {
    options?.signal?.throwIfAborted();
    const chunk = await source.read(offset, Math.min(streamChunkBytes, end - offset), options);
    if (chunk.length === 0) return;
    offset += chunk.length;
    yield chunk;
  }
}

/** All bytes of a source, which must not be larger than `limit` bytes. */
export async function readAll(
  source: ByteSource,
  options: AbortOptions & { limit: number; what: string },
): Promise<Uint8Array> {
  if (source.size > options.limit) {
    throw new FormatError(
      'FORMAT_LIMIT_EXCEEDED',
      `${options.what} has ${source.size} bytes, more than the limit of ${options.limit}`,
      { format: 'archive' },
    );
  }
  const parts: Uint8Array[] = [];
  for await (const chunk of source.stream(undefined, options)) parts.push(chunk);
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : concatBytes(parts);
}

/** Bytes in memory. Reads give copies. */
export function memorySource(bytes: Uint8Array): ByteSource {
  const source: ByteSource = {
    size: bytes.length,
    async read(offset, length, options) {
      options?.signal?.throwIfAborted();
      const { start, end } = resolveRange({ offset, length }, bytes.length);
      return bytes.slice(start, end);
    },
    readSync(offset, target) {
      const { start, end } = resolveRange({ offset, length: target.length }, bytes.length);
      target.set(bytes.subarray(start, end));
      return end - start;
    },
    stream: (range, options) => streamByReads(source, range, options),
    async close() {},
  };
  return source;
}

/**
 * A local file, opened read-only. It is opened by this call, so that later reads cannot see another file under the same name.
 *
 * @throws {@link IoError}, or Node's own `ENOENT` error where the file does not exist.
 */
export async function fileSource(path: string, options?: AbortOptions): Promise<ByteSource> {
  options?.signal?.throwIfAborted();
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error;
    throw ioError(error, path, 'opening');
  }
  let size: number;
  try {
    const stat = await handle.stat();
    if (!stat.isFile())
      throw Object.assign(new Error(`EISDIR: not a regular file, open '${path}'`), { code: 'EISDIR' });
    ({ size } = stat);
  } catch (error) {
    await handle.close();
    throw ioError(error, path, 'opening');
  }
  return fileHandleSource(handle, size, path);
}

/** An open regular file of `size` bytes as a source, which closes the handle. `path` is for messages. */
export function fileHandleSource(handle: FileHandle, size: number, path: string): ByteSource {
  let closing: Promise<void> | undefined;
  const failed = (error: unknown): unknown =>
    closing === undefined
      ? ioError(error, path, 'reading')
      : new IoError('IO_FAILED', `${path} was closed before it was read`, { cause: error, path });
  const source: ByteSource = {
    size,
    async read(offset, length, options) {
      options?.signal?.throwIfAborted();
      const { start, end } = resolveRange({ offset, length }, size);
      const target = new Uint8Array(end - start);
      let filled = 0;
      try {
        while (filled < target.length) {
          const { bytesRead } = await handle.read(target, filled, target.length - filled, start + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
      } catch (error) {
        throw failed(error);
      }
      return filled === target.length ? target : target.subarray(0, filled);
    },
    readSync(offset, target) {
      const { start, end } = resolveRange({ offset, length: target.length }, size);
      let filled = 0;
      try {
        while (filled < end - start) {
          const bytesRead = readSync(handle.fd, target, filled, end - start - filled, start + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
      } catch (error) {
        throw failed(error);
      }
      return filled;
    },
    stream: (range, options) => streamByReads(source, range, options),
    async close() {
      closing ??= handle.close();
      await closing;
    },
  };
  return source;
}

/**
 * An open regular file of `size` bytes as a source that reads without the thread pool and closes the descriptor. `path` is for
 * messages.
 */
export function fileDescriptorSource(descriptor: number, size: number, path: string): ByteSource {
  let closed = false;
  const fill = (offset: number, target: Uint8Array): number => {
    // The number of a closed descriptor may be another file's by now.
    if (closed) throw new IoError('IO_FAILED', `${path} was closed before it was read`, { path });
    const { start, end } = resolveRange({ offset, length: target.length }, size);
    let filled = 0;
    try {
      while (filled < end - start) {
        const bytesRead = readSync(descriptor, target, filled, end - start - filled, start + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } catch (error) {
      throw ioError(error, path, 'reading');
    }
    return filled;
  };
  const source: ByteSource = {
    size,
    async read(offset, length, options) {
      options?.signal?.throwIfAborted();
      const { start, end } = resolveRange({ offset, length }, size);
      const target = new Uint8Array(end - start);
      const filled = fill(start, target);
      return filled === target.length ? target : target.subarray(0, filled);
    },
    readSync: fill,
    stream: (range, options) => streamByReads(source, range, options),
    async close() {
      if (closed) return;
      closed = true;
      closeSync(descriptor);
    },
  };
  return source;
}
