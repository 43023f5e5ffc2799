import { Readable } from 'node:stream';
import { extract, type Extract, type Header } from 'tar-stream';
import { plainView } from '../core/bytes.js';
import { isBackupKitError } from '../core/errors.js';
import { archiveInvalid, entryPath, exactContent, type ArchiveReader, type ReadEntry } from './read-entry.js';
import { parsePaxTime } from './times.js';

/** Zeros that end an archive. */
const endBytes = 1024;

/** Reads a tar archive from its bytes, in memory that does not depend on its size. */
export class TarReader implements ArchiveReader {
  readonly totalBytes = undefined;
  readonly #bytes: AsyncIterable<Uint8Array>;
  readonly #extract: Extract = extract();
  #failure: { error: unknown } | undefined;
  /** Zeros at the end of what was read so far. */
  #zeros = 0;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#bytes = bytes;
  }

  async *entries(): AsyncGenerator<ReadEntry, void, undefined> {
    const input = Readable.from(this.#counted(), { objectMode: false });
    input.on('error', (error) => {
      this.#failure ??= { error };
      this.#extract.destroy(error);
    });
    input.pipe(this.#extract);
    try {
      for await (const entry of this.#extract) {
        const { header } = entry;
        const read = readEntryOf(header, this.#plain(entry as AsyncIterable<Uint8Array>));
        if (read !== undefined) yield read;
        entry.resume();
      }
    } catch (error) {
      throw this.#errorOf(error);
    } finally {
      input.destroy();
    }
    if (this.#zeros < endBytes) throw archiveInvalid('it has no end: it was cut');
  }

  async close(): Promise<void> {
    this.#extract.destroy();
  }

  #errorOf(error: unknown): unknown {
    if (this.#failure !== undefined) return this.#failure.error;
    if (isBackupKitError(error) || (error instanceof Error && error.name === 'AbortError')) return error;
    return archiveInvalid(error instanceof Error ? error.message : String(error), error);
  }

  async *#plain(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of bytes) yield plainView(chunk);
    } catch (error) {
      throw this.#errorOf(error);
    }
  }

  async *#counted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of this.#bytes) {
      const zeros = zerosAtEnd(chunk);
      this.#zeros = zeros === chunk.length ? Math.min(this.#zeros + zeros, endBytes) : zeros;
      if (chunk.length > 0) yield chunk;
    }
  }
}

function zerosAtEnd(bytes: Uint8Array): number {
  const limit = Math.min(bytes.length, endBytes);
  let count = 0;
  while (count < limit && bytes[bytes.length - 1 - count] === 0) count += 1;
  return count === limit && limit < bytes.length ? endBytes : count;
}

function readEntryOf(header: Header, bytes: AsyncIterable<Uint8Array>): ReadEntry | undefined {
  const { name, type, size, mtime } = header;
  const path = entryPath(name);
  if (path === undefined) return undefined;
  if (type !== 'file' && type !== 'contiguous-file' && type !== 'directory')
    throw archiveInvalid(`${path} is neither a file nor a folder but of type ${String(type)}`);
  if (!Number.isSafeInteger(size) || size < 0) throw archiveInvalid(`${path} has no valid size`);
  const pax = (header.pax as Readonly<Record<string, string>> | null | undefined)?.['mtime'];
  const modifiedUs = (pax === undefined ? undefined : parsePaxTime(pax)) ?? (mtime?.getTime() ?? 0) * 1000;
  if (type === 'directory') return { path, kind: 'directory', size: 0, modifiedUs, async *content() {} };
  return { path, kind: 'file', size, modifiedUs, content: () => exactContent(bytes, { path, size }) };
}
