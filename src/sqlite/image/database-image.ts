import { latin1Decode } from '../../core/bytes.js';
import { DatabaseError } from '../../core/errors.js';
import { resultCode } from '../sqlite-errors.js';
import { ReadAhead, type SyncSource } from './read-ahead.js';
import { headerPageSize, sqliteFormat } from './sqlite-format.js';
import type { WalIndex } from './wal.js';

/** How the text of a database is stored. */
export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/**
 * A database as it would be after a checkpoint, without writing one: the committed pages of the WAL over those of the
 * main file. The header says "rollback journal" where the file says "WAL", so that nobody looks for files beside it.
 *
 * The size is that of the header where it is larger than the file: pages that are cut off read as zeros, and the others
 * stay readable. Bytes after the last whole page, such as padding that was left when the file was decrypted, are not part of it.
 */
export class DatabaseImage {
  /** Size in bytes: a multiple of the page size. */
  readonly size: number;
  /** In bytes; 0 for an empty file. */
  readonly pageSize: number;
  readonly textEncoding: TextEncoding;
  /** What a read that SQLite asked for failed with, until {@link DatabaseImage.takeFailure} takes it. */
  #failure: { readonly error: unknown } | undefined;
  readonly #main: ReadAhead;
  readonly #wal: ReadAhead | undefined;
  readonly #index: WalIndex | undefined;

  /** @throws {@link DatabaseError} with code `DATABASE_CORRUPT` where the first bytes are not those of a database. */
  constructor(main: SyncSource, wal?: { source: SyncSource; index: WalIndex }) {
    this.#main = new ReadAhead(main);
    this.#wal = wal && new ReadAhead(wal.source);
    this.#index = wal?.index;
    this.pageSize = 0;
    this.size = wal === undefined ? main.size : wal.index.pageCount * wal.index.pageSize;
    const header = new Uint8Array(Math.min(this.size, sqliteFormat.headerBytes));
    this.pageSize = wal?.index.pageSize ?? 0;
    this.read(0, header);
    this.pageSize = checkHeader(header, wal?.index.pageSize);
    if (wal === undefined && this.pageSize > 0)
      this.size = sizeInPages(header, main.size, this.pageSize) * this.pageSize;
    const encoding = header[sqliteFormat.textEncodingOffset + 3];
    this.textEncoding = encoding === 2 ? 'utf-16le' : encoding === 3 ? 'utf-16be' : 'utf-8';
  }

  /** Fills `target` from `offset` on and returns the number of bytes, less than its length only at the end of the data. */
  read(offset: number, target: Uint8Array): number {
    const length = Math.max(0, Math.min(target.length, this.size - offset));
    const wanted = target.subarray(0, length);
    if (this.#index === undefined) this.#readMain(offset, wanted);
    else this.#readPages(offset, wanted, this.#index);
    if (offset < sqliteFormat.headerBytes) hideWalMode(offset, wanted);
    return length;
  }

  /** Like {@link DatabaseImage.read} for callers that cannot throw: `undefined` where the source failed. */
  tryRead(offset: number, target: Uint8Array): number | undefined {
    try {
      return this.read(offset, target);
    } catch (error) {
      this.#failure = { error };
      return undefined;
    }
  }

  /** The error of the last read that failed, once. */
  takeFailure(): { readonly error: unknown } | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  #readMain(offset: number, target: Uint8Array): void {
    const filled = this.#main.read(offset, target);
    target.fill(0, filled);
  }

  #readPages(offset: number, target: Uint8Array, { pageSize, pageOffsets }: WalIndex): void {
    for (let done = 0; done < target.length;) {
      const position = offset + done;
      const within = position % pageSize;
      const part = target.subarray(done, done + Math.min(pageSize - within, target.length - done));
      const inWal = pageOffsets.get(Math.floor(position / pageSize) + 1);
      if (inWal === undefined) this.#readMain(position, part);
      else part.fill(0, this.#wal?.read(inWal + within, part) ?? 0);
      done += part.length;
    }
  }
}

/** The page size; 0 for an empty file, which is an empty database. */
function checkHeader(header: Uint8Array, walPageSize: number | undefined): number {
  if (header.length === 0) return 0;
  const pageSize = walPageSize ?? headerPageSize(header);
  const isDatabase = latin1Decode(header.subarray(0, sqliteFormat.magic.length)) === sqliteFormat.magic;
  if (isDatabase && header.length === sqliteFormat.headerBytes && pageSize !== undefined) return pageSize;
  throw new DatabaseError(
    'DATABASE_CORRUPT',
    'The bytes are not a SQLite database: they do not begin with its header',
    { sqliteCode: resultCode.notADatabase },
  );
}

function sizeInPages(header: Uint8Array, fileSize: number, pageSize: number): number {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const inFile = Math.max(1, Math.floor(fileSize / pageSize));
  const stated = view.getUint32(sqliteFormat.pageCountOffset);
  // Software older than SQLite 3.7 changes a database without keeping the stated size.
  const isValid =
    view.getUint32(sqliteFormat.changeCounterOffset) === view.getUint32(sqliteFormat.versionValidForOffset);
  return isValid ? Math.max(stated, inFile) : inFile;
}

/** @see https://www.sqlite.org/fileformat2.html#file_format_version_numbers */
function hideWalMode(offset: number, target: Uint8Array): void {
  for (const at of [sqliteFormat.writeVersionOffset, sqliteFormat.readVersionOffset]) {
    if (target[at - offset] === 2) target[at - offset] = 1;
  }
}
