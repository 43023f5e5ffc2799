import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { crc32, createDeflateRaw, deflateRaw } from 'node:zlib';
import { concatBytes, plainView, utf8Encode } from '../core/bytes.js';
import { ArchiveAbandoned, type ArchiveContent, type ArchiveEntry, type ArchiveWriter } from './archive-writer.js';
import { ByteChannel } from './byte-channel.js';
import { readToCut } from './read-to-cut.js';
import { dataDescriptor, directoryRecord, endOfDirectory, localHeader, type ZipEntry } from './zip-records.js';

const deflateWhole = promisify(deflateRaw);

const fileType = 0o100000;
const directoryType = 0o040000;
const linkType = 0o120000;

/** Content from here on may be stored in more than 4 GiB − 1, deflated or not. */
const largeBytes = 0xffff_ffff - 0x100_0000;

/** Directory records are packed into pieces of this size: a record of its own costs more than it holds. */
const directoryPieceBytes = 64 * 1024;

/**
 * A zip archive of any size, with zip64 where it is needed. Memory: about 100 bytes and the name for each entry, for the
 * directory that a zip has at its end.
 *
 * Our own, because the packages that write zips with zip64, times and modes hold 4 to 18 kB for each entry or take time that
 * grows with the square of their number (docs/design/extraction.md has the figures). CRC and deflate are Node's.
 */
export class ZipWriter implements ArchiveWriter {
  readonly #channel = new ByteChannel();
  readonly #compress: boolean;
  readonly #directory: Uint8Array[] = [];
  #piece: Uint8Array[] = [];
  #pieceBytes = 0;
  #entries = 0;
  #offset = 0;
  #failure: { error: unknown } | undefined;

  constructor(options: { compression: 'deflate' | 'store' }) {
    this.#compress = options.compression === 'deflate';
  }

  get output(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  async addFile(entry: ArchiveEntry, content: ArchiveContent): Promise<{ cut: unknown } | undefined> {
    const { whole } = content;
    const mode = fileType | entry.mode;
    if (whole !== undefined) {
      await this.#addWhole(entry, { mode, bytes: whole, compress: this.#compress });
      return undefined;
    }
    return await this.#addStreamed(entry, { mode, content });
  }

  async addFolder(entry: ArchiveEntry): Promise<void> {
    const folder = { ...entry, path: `${entry.path}/` };
    await this.#addWhole(folder, { mode: directoryType | entry.mode, bytes: new Uint8Array(0), compress: false });
  }

  async addLink(entry: ArchiveEntry, target: string): Promise<void> {
    await this.#addWhole(entry, { mode: linkType | entry.mode, bytes: utf8Encode(target), compress: false });
  }

  async finish(): Promise<void> {
    this.#endPiece();
    const offset = this.#offset;
    for (const piece of this.#directory) await this.#emit(piece);
    await this.#emit(endOfDirectory({ entries: this.#entries, size: this.#offset - offset, offset }));
    this.#channel.end();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#channel.end();
  }

  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.#channel;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #addWhole(entry: ArchiveEntry, content: { mode: number; bytes: Uint8Array; compress: boolean }): Promise<void> {
    const { bytes, mode } = content;
    const deflated = content.compress && bytes.length > 0 ? plainView(await deflateWhole(bytes)) : undefined;
    const isSmaller = deflated !== undefined && deflated.length < bytes.length;
    const stored = isSmaller ? deflated : bytes;
    const header = this.#newEntry(entry, { mode, method: isSmaller ? 8 : 0, isStreamed: false, isLarge: false });
    header.crc32 = crc32(bytes);
    header.size = bytes.length;
    header.storedSize = stored.length;
    await this.#emit(localHeader(header));
    if (stored.length > 0) await this.#emit(stored);
    this.#addRecord(header);
  }

  async #addStreamed(
    entry: ArchiveEntry,
    from: { mode: number; content: ArchiveContent },
  ): Promise<{ cut: unknown } | undefined> {
    const method = this.#compress ? 8 : 0;
    const isLarge = from.content.size >= largeBytes;
    const header = this.#newEntry(entry, { mode: from.mode, method, isStreamed: true, isLarge });
    await this.#emit(localHeader(header));
    let cut: { cut: unknown } | undefined;
    const store = async (chunk: Uint8Array): Promise<void> => {
      header.storedSize += chunk.length;
      await this.#emit(chunk);
    };
    const chunks = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      cut = yield* readToCut(from.content, (chunk) => {
        header.crc32 = crc32(chunk, header.crc32);
        header.size += chunk.length;
      });
    };
    if (method === 0) for await (const chunk of chunks()) await store(chunk);
    else
      await pipeline(chunks, createDeflateRaw(), async (deflated: AsyncIterable<Uint8Array>) => {
        for await (const chunk of deflated) await store(plainView(chunk));
      });
    await this.#emit(dataDescriptor(header));
    this.#addRecord(header);
    return cut;
  }

  #newEntry(entry: ArchiveEntry, how: Pick<ZipEntry, 'mode' | 'method' | 'isStreamed' | 'isLarge'>): ZipEntry {
    const { path, modified, modifiedUs } = entry;
    return {
      name: utf8Encode(path),
      modified,
      modifiedUs,
      ...how,
      crc32: 0,
      storedSize: 0,
      size: 0,
      offset: this.#offset,
    };
  }

  #addRecord(entry: ZipEntry): void {
    const record = directoryRecord(entry);
    this.#entries += 1;
    this.#piece.push(record);
    this.#pieceBytes += record.length;
    if (this.#pieceBytes >= directoryPieceBytes) this.#endPiece();
  }

  #endPiece(): void {
    this.#directory.push(concatBytes(this.#piece));
    this.#piece = [];
    this.#pieceBytes = 0;
  }

  async #emit(chunk: Uint8Array): Promise<void> {
    this.#offset += chunk.length;
    if (!(await this.#channel.push(chunk))) throw new ArchiveAbandoned();
  }
}
