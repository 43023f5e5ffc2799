import { mkdtemp, open, rm, unlink, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSource, streamByReads, type ByteSource } from '../../../core/byte-source.js';
import { concatBytes } from '../../../core/bytes.js';
import type { Closeable } from '../../../core/resource.js';
import { bytesBody, type StoredBody } from './content.js';

/** Largest file that is held in memory, and the most bytes of all that are; what is beyond goes to a temporary folder. */
const largestInMemory = 256 * 1024;
const mostInMemory = 32 * 1024 * 1024;

/** Keeps what a device is sent: small files in memory, the rest in a temporary folder, so that memory stays flat. */
export class BodyStore implements Closeable {
  #inMemory = 0;
  #folder: Promise<string> | undefined;
  #next = 0;

  /** Takes a content to its end. */
  async put(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<StoredBody> {
    let parts: Uint8Array[] = [];
    let size = 0;
    let written = 0;
    let file: { path: string; handle: FileHandle } | undefined;
    const flush = async (): Promise<void> => {
      file ??= await this.#createFile();
      await file.handle.writeFile(concatBytes(parts));
      written = size;
      parts = [];
    };
    try {
      for await (const chunk of chunks) {
        parts.push(chunk);
        size += chunk.length;
        if (size - written > largestInMemory) await flush();
      }
      if (file !== undefined || this.#inMemory + size > mostInMemory) await flush();
    } finally {
      await file?.handle.close();
    }
    return file === undefined ? this.#memoryBody(concatBytes(parts)) : fileBody(file.path, size);
  }

  /** Removes the temporary folder. */
  async close(): Promise<void> {
    const folder = await this.#folder;
    this.#folder = undefined;
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }

  #memoryBody(bytes: Uint8Array): StoredBody {
    this.#inMemory += bytes.length;
    let isHeld = true;
    return {
      ...bytesBody(bytes),
      release: () => {
        if (isHeld) this.#inMemory -= bytes.length;
        isHeld = false;
      },
    };
  }

  async #createFile(): Promise<{ path: string; handle: FileHandle }> {
    this.#folder ??= mkdtemp(join(tmpdir(), 'virtual-device-'));
    const path = join(await this.#folder, String(this.#next++));
    return { path, handle: await open(path, 'wx') };
  }
}

function fileBody(path: string, size: number): StoredBody {
  const opened = async (): Promise<ByteSource> => await fileSource(path);
  return {
    size,
    async *stream() {
      const source = await opened();
      try {
        yield* streamByReads(source);
      } finally {
        await source.close();
      }
    },
    open: opened,
    release() {
      // The folder goes as a whole in the end; what cannot be removed now does no harm.
      unlink(path).catch(() => undefined);
    },
  };
}
