import { closeSync, openSync, rmSync, writeSync, writevSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { WholeContent } from '../core/whole-content.js';

/** Files up to this size are written with synchronous calls, which cost less than the trips to another thread. */
const smallBytes = 32 * 1024;

/** Larger ones go to the disk in pieces of this size, while the next is being received. */
const batchBytes = 1024 * 1024;

/**
 * Writes `data` to the new file `path` and gives its size; where this fails, the file is removed again.
 * A small file costs three system calls and no thread: a backup has many.
 */
export async function writeContent(
  path: string,
  data: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<number> {
  if (isSmall(data)) {
    writeSmall(path, data.parts);
    return data.size;
  }
  const writer = new ContentWriter(path);
  let size = 0;
  try {
    for await (const chunk of data) {
      signal?.throwIfAborted();
      await writer.add(chunk);
      size += chunk.length;
    }
    signal?.throwIfAborted();
    await writer.finish();
    return size;
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

/** Whether {@link writeSmall} takes it. */
export function isSmall(data: AsyncIterable<Uint8Array>): data is WholeContent {
  return data instanceof WholeContent && data.size <= smallBytes;
}

/** Writes a small content to the new file `path`, at once; where this fails, the file is removed again. @throws `EEXIST` */
export function writeSmall(path: string, parts: readonly Uint8Array[]): void {
  const descriptor = openSync(path, 'wx', 0o644);
  let isWhole = false;
  try {
    const [only] = parts;
    if (only !== undefined) {
      const written = parts.length === 1 ? writeSync(descriptor, only) : writevSync(descriptor, parts);
      // A short write, e.g. on a full disk: what is left says why.
      for (const part of skipBytes(parts, written))
        for (let done = 0; done < part.length;) done += writeSync(descriptor, part, done, part.length - done);
    }
    isWhole = true;
  } finally {
    closeSync(descriptor);
    if (!isWhole) rmSync(path, { force: true });
  }
}

class ContentWriter {
  readonly #path: string;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #handle: FileHandle | undefined;
  #created = false;
  #writing: Promise<unknown> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async add(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= batchBytes) await this.#flush();
  }

  async finish(): Promise<void> {
    if (this.#handle === undefined && this.#bytes <= smallBytes) {
      writeSmall(this.#path, this.#parts);
      return;
    }
    const handle = await this.#flush();
    await this.#writing;
    await handle.close();
  }

  async abandon(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    await this.#handle?.close().catch(() => undefined);
    if (this.#created) rmSync(this.#path, { force: true });
  }

  /** Begins to write what has come, when the write before has ended. */
  async #flush(): Promise<FileHandle> {
    const handle = (this.#handle ??= await this.#create());
    await this.#writing;
    const parts = this.#parts;
    [this.#parts, this.#bytes] = [[], 0];
    this.#writing = writeAll(handle, parts);
    // Its failure is seen when it is waited for.
    this.#writing.catch(() => undefined);
    return handle;
  }

  async #create(): Promise<FileHandle> {
    const handle = await open(this.#path, 'wx', 0o644);
    this.#created = true;
    return handle;
  }
}

async function writeAll(handle: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  const { bytesWritten } = await handle.writev(parts);
  for (const part of skipBytes(parts, bytesWritten)) {
    for (let done = 0; done < part.length;) done += (await handle.write(part, done, part.length - done)).bytesWritten;
  }
}

/** What is left of parts without their first bytes. */
function* skipBytes(parts: readonly Uint8Array[], bytes: number): Generator<Uint8Array, void, undefined> {
  let skip = bytes;
  for (const part of parts) {
    if (skip < part.length) yield part.subarray(skip);
    skip = Math.max(0, skip - part.length);
  }
}
