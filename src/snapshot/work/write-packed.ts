import { createHash } from 'node:crypto';
import { yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { isBackupKitError } from '../../core/errors.js';
import { releaseBytes } from '../../core/release-bytes.js';
import { ChunkReader } from '../contents/chunk-reader.js';
import { readingAhead } from '../contents/read-ahead.js';
import type { FileWriter, StoreFs } from '../fs/store-fs.js';
import { packCorrupt } from '../format/pack-format.js';
import type { TableRow } from '../format/table.js';
import type { PackedEntry } from '../store/packed-entries.js';

/** After so much, some milliseconds, what the thread pool has decoded of large files meanwhile is taken from it. */
const bytesPerTurn = 1024 * 1024;
/** A file takes as long as so many bytes more. */
const bytesPerFile = 128 * 1024;

/** A file to be made of a whole content in a pack. */
export interface PackedFile {
  readonly row: TableRow;
  /** Where it is to be. */
  readonly full: string;
  readonly packed: PackedEntry;
}

/** How {@link writePacked} works. */
export interface WritePackedOptions extends AbortOptions {
  /** Those to be made, in the order in which they lie. */
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
 * and decompressed at once: small as most are, a trip through the thread pool would take longer.
 */
export async function writePacked(fs: StoreFs, options: WritePackedOptions): Promise<void> {
  const { signal } = options;
  let pack: { part: string; source: ByteSource | undefined } | undefined;
  let done = 0;
  try {
    for (const file of options.files) {
      const { pack: part } = file.packed;
      if (pack?.part !== part) {
        await pack?.source?.close();
        pack = { part, source: undefined };
        const source = await options.open(part);
        pack.source = source && readingAhead(source);
      }
      if (await makeFile(fs, pack.source, { ...file, signal })) options.made(file);
      else await options.instead(file);
      done += file.row.size + bytesPerFile;
      if (done < bytesPerTurn) continue;
      done = 0;
      await yieldToEventLoop(signal);
    }
  } finally {
    await pack?.source?.close();
  }
}

/** Makes a file; `false`, and nothing is left of it, where its content is not there, or another. */
async function makeFile(fs: StoreFs, pack: ByteSource | undefined, file: PackedFile & AbortOptions): Promise<boolean> {
  if (pack === undefined) return false;
  const { full, row } = file;
  const writer = fs.create(full);
  try {
    try {
      await copyContent(pack, writer, file);
    } finally {
      writer.close();
    }
    fs.setTime(full, row.modifiedUs);
    return true;
  } catch (error) {
    fs.unlink(full);
    if (isBackupKitError(error, 'SNAPSHOT_CORRUPT')) return false;
    throw error;
  }
}

async function copyContent(
  pack: ByteSource,
  writer: FileWriter,
  { row, packed: { pack: part, entry }, signal }: PackedFile & AbortOptions,
): Promise<void> {
  const reader = await ChunkReader.open(pack, entry, { part, signal });
  const sum = createHash('sha256');
  for (let index = 0; index < reader.count; index += 1) {
    const chunk = reader.sync ? reader.decodeSync(index) : await reader.decodeApart(index, { signal });
    sum.update(chunk);
    writer.write(chunk);
    releaseBytes(chunk);
  }
  reader.clear();
  if (!sum.digest().equals(row.hash)) throw packCorrupt(part, `The content at ${entry.offset} has another hash`);
}
