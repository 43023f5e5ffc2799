import { hash } from 'node:crypto';
import { yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { uninitialisedBytes } from '../../core/bytes.js';
import { isBackupKitError } from '../../core/errors.js';
import { releaseBytes } from '../../core/release-bytes.js';
import { ChunkReader } from '../contents/chunk-reader.js';
import { readingAhead } from '../contents/read-ahead.js';
import type { StoreFs } from '../fs/store-fs.js';
import type { TableRow } from '../format/table.js';
import type { PackedEntry } from '../store/packed-entries.js';

/** After so many, some milliseconds, what the thread pool has decoded of large files meanwhile is taken from it. */
const filesPerTurn = 8;

/** A file to be made of a whole content in a pack. */
export interface PackedFile {
  readonly row: TableRow;
  /** Where it is to be. */
  readonly full: string;
  readonly packed: PackedEntry;
}

/** How {@link writePacked} works. */
export interface WritePackedOptions extends AbortOptions {
  /** Small ones, in the order in which they lie. */
  readonly files: Iterable<PackedFile>;
  /** Opens a pack by its name; `undefined` where it has gone. */
  readonly open: (pack: string) => Promise<ByteSource | undefined>;
  /** Called after each file. */
  readonly made: (file: PackedFile) => void;
  /** Makes a file whose pack is damaged or has gone meanwhile, where it can: its content may lie somewhere else. */
  readonly instead: (file: PackedFile) => Promise<void>;
}

/**
 * Makes files of contents that lie whole in packs, in the order in which they lie there, and compares their hashes. They are read
 * and decompressed at once: small as each is, a trip through the thread pool would take longer.
 */
export async function writePacked(fs: StoreFs, options: WritePackedOptions): Promise<void> {
  const { signal } = options;
  let pack: { part: string; source: ByteSource | undefined } | undefined;
  try {
    let count = 0;
    for (const file of options.files) {
      const { pack: part } = file.packed;
      if (pack?.part !== part) {
        await pack?.source?.close();
        pack = { part, source: undefined };
        const source = await options.open(part);
        pack.source = source && readingAhead(source);
      }
      const bytes = await readWhole(pack.source, { ...file, signal });
      if (bytes === undefined) await options.instead(file);
      else {
        makeFile(fs, file, bytes);
        options.made(file);
      }
      count += 1;
      if (count % filesPerTurn === 0) await yieldToEventLoop(signal);
    }
  } finally {
    await pack?.source?.close();
  }
}

/** The content; `undefined` where it is not there, or others. */
async function readWhole(
  pack: ByteSource | undefined,
  { row, packed, signal }: PackedFile & AbortOptions,
): Promise<Uint8Array | undefined> {
  if (pack === undefined) return undefined;
  try {
    const bytes = await readPacked(pack, packed, { signal });
    return hash('sha256', bytes, 'buffer').equals(row.hash) ? bytes : undefined;
  } catch (error) {
    if (isBackupKitError(error, 'SNAPSHOT_CORRUPT')) return undefined;
    throw error;
  }
}

async function readPacked(
  pack: ByteSource,
  { pack: part, entry }: PackedEntry,
  { signal }: AbortOptions,
): Promise<Uint8Array> {
  const reader = await ChunkReader.open(pack, entry, { part, signal });
  if (reader.sync) return reader.wholeSync();
  const bytes = uninitialisedBytes(entry.size);
  await reader.fill(0, bytes, { signal });
  return bytes;
}

function makeFile(fs: StoreFs, { row, full }: PackedFile, bytes: Uint8Array): void {
  const writer = fs.create(full);
  try {
    try {
      writer.write(bytes);
    } finally {
      writer.close();
    }
    fs.setTime(full, row.modifiedUs);
  } catch (error) {
    fs.unlink(full);
    throw error;
  }
  releaseBytes(bytes);
}
