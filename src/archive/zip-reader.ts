import { crc32 } from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { plainView, utf8DecodeStrict } from '../core/bytes.js';
import { errnoOf } from '../core/errno.js';
import { isBackupKitError, ioError } from '../core/errors.js';
import { archiveInvalid, entryPath, exactContent, type ArchiveReader, type ReadEntry } from './read-entry.js';
import { fromWindowsTime } from './times.js';

const typeMask = 0o170000;
const fileType = 0o100000;
const directoryType = 0o040000;
const unixHost = 3;
/** Tags of extra fields: times of NTFS, and of Unix. */
const windowsTag = 0x000a;
const unixTag = 0x5455;

/** Reads a zip archive that lies in a file. */
export class ZipReader implements ArchiveReader {
  readonly totalBytes: number;
  readonly #zip: ZipFile;
  readonly #entries: readonly Entry[];

  private constructor(zip: ZipFile, entries: readonly Entry[]) {
    this.#zip = zip;
    this.#entries = entries;
    this.totalBytes = entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
  }

  /** Opens an archive and reads its directory. @throws FormatError `FORMAT_INVALID`; IoError */
  static async open(path: string): Promise<ZipReader> {
    const zip = await typed(
      path,
      async () =>
        // Names are decoded here, as UTF-8 alone.
        await openPromise(path, {
          lazyEntries: true,
          autoClose: false,
          decodeStrings: false,
          validateEntrySizes: true,
        }),
    );
    try {
      const entries: Entry[] = [];
      await typed(path, async () => {
        for await (const entry of zip.eachEntry()) entries.push(entry);
      });
      return new ZipReader(zip, entries);
    } catch (error) {
      zip.close();
      throw error;
    }
  }

  async *entries(): AsyncGenerator<ReadEntry, void, undefined> {
    for (const entry of this.#entries) {
      const read = this.#entryOf(entry);
      if (read !== undefined) yield read;
    }
  }

  async close(): Promise<void> {
    this.#zip.close();
  }

  #entryOf(entry: Entry): ReadEntry | undefined {
    const name = utf8DecodeStrict(plainView(entry.fileNameRaw));
    if (name === undefined) throw archiveInvalid('the name of an entry is not UTF-8');
    const path = entryPath(name);
    if (path === undefined) return undefined;
    const mode = entry.versionMadeBy >>> 8 === unixHost ? (entry.externalFileAttributes >>> 16) & typeMask : 0;
    const isFolder = name.endsWith('/');
    if (mode !== 0 && mode !== (isFolder ? directoryType : fileType))
      throw archiveInvalid(`${path} is neither a file nor a folder`);
    const modifiedUs = timeOf(entry);
    if (isFolder) return { path, kind: 'directory', size: 0, modifiedUs, async *content() {} };
    if (entry.isEncrypted()) throw archiveInvalid(`${path} is encrypted by the archive`);
    const size = entry.uncompressedSize;
    return {
      path,
      kind: 'file',
      size,
      modifiedUs,
      content: () => exactContent(this.#content(entry, path), { path, size }),
    };
  }

  async *#content(entry: Entry, path: string): AsyncGenerator<Uint8Array, void, undefined> {
    let sum = 0;
    const stream = await typed(path, async () => await this.#zip.openReadStreamPromise(entry));
    try {
      for await (const chunk of stream) {
        sum = crc32(chunk as Uint8Array, sum);
        yield plainView(chunk as Uint8Array);
      }
    } catch (error) {
      throw readError(error, path);
    } finally {
      stream.destroy();
    }
    if (sum !== entry.crc32) throw archiveInvalid(`${path} has another checksum`);
  }
}

async function typed<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw readError(error, path);
  }
}

function readError(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (isBackupKitError(error)) return error;
  // Those of zlib are about the content.
  if (errno !== undefined && /^E[A-Z]+$/.test(errno)) return ioError(error, path, 'reading');
  return archiveInvalid(error instanceof Error ? error.message : String(error), error);
}

/** The most exact time that an entry has. */
function timeOf(entry: Entry): number {
  for (const { id, data } of entry.extraFields)
    if (id === windowsTag && data.length >= 32 && data.readUInt16LE(4) === 1)
      return fromWindowsTime(data.readBigUInt64LE(8));
  for (const { id, data } of entry.extraFields)
    if (id === unixTag && data.length >= 5 && ((data[0] ?? 0) & 1) === 1) return data.readInt32LE(1) * 1_000_000;
  return entry.getLastModDate({ timezone: 'UTC', forceDosFormat: true }).getTime() * 1000;
}
