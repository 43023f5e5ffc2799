import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** Content up to this size is written at once; more goes to the disk while the next is being received. */
const batchBytes = 1024 * 1024;

/**
 * Writes `data` to the new file `path`; where this fails, the file is removed again.
 * A small file costs three system calls and no thread: a backup has many.
 */
export async function writeContent(path: string, data: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
  const writer = new ContentWriter(path);
  try {
    for await (const chunk of data) {
      signal?.throwIfAborted();
      await writer.add(chunk);
    }
    signal?.throwIfAborted();
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
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
    if (this.#handle === undefined) {
      this.#writeAtOnce();
      return;
    }
    await this.#flush();
    await this.#writing;
    await this.#handle.close();
  }

  async abandon(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    await this.#handle?.close().catch(() => undefined);
    if (this.#created) rmSync(this.#path, { force: true });
  }

  /** Begins to write what has come, when the write before has ended. */
  async #flush(): Promise<void> {
    this.#handle ??= await this.#create();
    await this.#writing;
    const [handle, parts] = [this.#handle, this.#parts];
    [this.#parts, this.#bytes] = [[], 0];
    this.#writing = writeAll(handle, parts);
    // Its failure is seen when it is waited for.
    this.#writing.catch(() => undefined);
  }

  async #create(): Promise<FileHandle> {
    const handle = await open(this.#path, 'wx', 0o644);
    this.#created = true;
    return handle;
  }

  #writeAtOnce(): void {
    const descriptor = openSync(this.#path, 'wx', 0o644);
    this.#created = true;
    try {
      for (const part of this.#parts)
        for (let done = 0; done < part.length;) done += writeSync(descriptor, part, done, part.length - done);
    } finally {
      closeSync(descriptor);
    }
  }
}

async function writeAll(handle: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let expected = 0;
  for (const part of parts) expected += part.length;
  const { bytesWritten } = await handle.writev(parts);
  if (bytesWritten === expected) return;
  // A short write, e.g. on a full disk: part by part, the next one says why.
  let skip = bytesWritten;
  for (const part of parts) {
    for (let done = Math.min(skip, part.length); done < part.length;) {
      done += (await handle.write(part, done, part.length - done)).bytesWritten;
    }
    skip = Math.max(0, skip - part.length);
  }
}
