import type { AbortOptions } from '../../core/abort.js';
import type { BackupTree } from '../../core/backup-tree.js';
import { uninitialisedBytes, utf8Encode } from '../../core/bytes.js';
import { notFound, statusOfError, type Status } from './status.js';
import { blockCode, blockHeadBytes, encodeBlockHead, encodeName, endOfFiles, maxBlockBytes } from './wire.js';

/** Bytes that are collected before they are handed to the connection. */
const bufferBytes = 256 * 1024;

/** Where files come from and go to. */
export interface FileSender extends AbortOptions {
  /** The tree, with paths as the device names them. @throws for paths that it must not read */
  readonly open: BackupTree['open'];
  /** Sends bytes. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Told of content as it goes. */
  readonly onBytes: (path: string, bytes: number) => void;
  /** Told of every file that was sent whole. */
  readonly onFile: (path: string) => void;
}

/**
 * Sends files, one after the other, whatever becomes of each: the ones that failed are given back with what to say of them.
 * Content is read before its length is stated, so that a file that changes meanwhile does no harm to the rest.
 */
export async function sendFiles(paths: readonly string[], sender: FileSender): Promise<Map<string, Status>> {
  const failed = new Map<string, Status>();
  const output = new Output(sender.write);
  for (const path of paths) {
    sender.signal?.throwIfAborted();
    await output.add(encodeName(path));
    const failure = await sendContent(path, output, sender);
    if (failure === undefined) {
      await output.addBlock(blockCode.end);
      sender.onFile(path);
      continue;
    }
    failed.set(path, failure);
    await output.addBlock(blockCode.failed, utf8Encode(failure.text ?? ''));
  }
  await output.add(endOfFiles);
  await output.flush();
  return failed;
}

/** Sends the content of a file, and gives what went wrong on this side. @throws what goes wrong on the connection */
async function sendContent(path: string, output: Output, sender: FileSender): Promise<Status | undefined> {
  const { signal } = sender;
  try {
    const source = await sender.open(path, { signal });
    if (source === undefined) return notFound;
    try {
      for await (const chunk of source.stream(undefined, { signal })) {
        for (let at = 0; at < chunk.length; at += maxBlockBytes)
          await output.addBlock(blockCode.data, chunk.subarray(at, at + maxBlockBytes));
        sender.onBytes(path, chunk.length);
      }
    } finally {
      await source.close();
    }
    return undefined;
  } catch (error) {
    signal?.throwIfAborted();
    if (output.failed) throw error;
    return statusOfError(error);
  }
}

/** Collects small pieces into larger writes, copying each once: memory that is thrown away is what a sender takes most of. */
class Output {
  /** Whether the connection has refused a write. */
  failed = false;
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #buffer: Uint8Array | undefined;
  #used = 0;

  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  async addBlock(code: number, rest: Uint8Array = new Uint8Array()): Promise<void> {
    if (this.#used + blockHeadBytes + rest.length > bufferBytes) await this.flush();
    this.#put(encodeBlockHead(code, rest.length));
    await this.add(rest);
  }

  async add(part: Uint8Array): Promise<void> {
    for (let at = 0; at < part.length;) {
      if (this.#used === bufferBytes) await this.flush();
      at += this.#put(part.subarray(at, at + bufferBytes - this.#used));
    }
  }

  async flush(): Promise<void> {
    const bytes = this.#buffer?.subarray(0, this.#used);
    [this.#buffer, this.#used] = [undefined, 0];
    if (bytes === undefined) return;
    try {
      await this.#write(bytes);
    } catch (error) {
      this.failed = true;
      throw error;
    }
  }

  /** Adds what there is room for. */
  #put(part: Uint8Array): number {
    this.#buffer ??= uninitialisedBytes(bufferBytes);
    this.#buffer.set(part, this.#used);
    this.#used += part.length;
    return part.length;
  }
}
