import type { ByteSource } from '../../core/byte-source.js';
import {
  decodeDirectory,
  decodeFooter,
  footerBytes,
  walkDirectory,
  type PackFooter,
} from '../format/pack-directory.js';
import type { PackEntry } from '../format/pack-format.js';
import { PackRows } from './pack-rows.js';
import { scanPack } from './pack-scan.js';
import { readExactly, readTable, type PackReadOptions } from './read-exactly.js';

const tailBytes = 64 * 1024;

/** What a pack holds. */
export interface PackDirectory {
  /** Its entries, in the order of their offsets, also of kinds that this release does not know. */
  readonly entries: readonly PackEntry[];
  /**
   * Whether the directory was missing or damaged, and these are the entries that were found whole, chunk by chunk. Nothing
   * vouches for their names then: a content must be compared with its hash before it is believed.
   */
  readonly salvaged: boolean;
}

/**
 * Reads the directory of a pack: with one read at its end, two where there are many entries. Where it is missing or damaged,
 * the pack is searched for entries, which reads all of it.
 *
 * @throws {@link SnapshotError} `SNAPSHOT_CORRUPT` where this is no pack; `SNAPSHOT_FORMAT_UNSUPPORTED`
 */
export async function readPackDirectory(source: ByteSource, options: PackReadOptions = {}): Promise<PackDirectory> {
  const found = await readTrailer(source, options);
  const entries = found && decodeDirectory(found.directory, found.footer, options.part);
  if (entries !== undefined) return { entries, salvaged: false };
  return { entries: await scanPack(source, options), salvaged: true };
}

/** {@link readPackDirectory}, its entries as bytes: of a large one, objects would take five times the memory. */
export async function readPackRows(
  source: ByteSource,
  options: PackReadOptions = {},
): Promise<{ rows: PackRows; salvaged: boolean }> {
  const found = await readTrailer(source, options);
  if (found !== undefined && walkDirectory(found.directory, found.footer, { part: options.part })) {
    // A part of a larger read would keep all of that in memory.
    return { rows: new PackRows(Buffer.from(found.directory)), salvaged: false };
  }
  return { rows: PackRows.of(await scanPack(source, options)), salvaged: true };
}

/** Footer and directory, unchecked; `undefined` where there is no footer. */
async function readTrailer(
  source: ByteSource,
  options: PackReadOptions,
): Promise<{ directory: Uint8Array; footer: PackFooter } | undefined> {
  const length = Math.min(tailBytes, source.size);
  const tail = await readTable(source, source.size - length, length, options);
  const footer = decodeFooter(tail, source.size);
  if (footer === undefined) return undefined;
  const needed = footer.length + footerBytes;
  const directory =
    needed <= tail.length
      ? tail.subarray(tail.length - needed, tail.length - footerBytes)
      : await readExactly(source, footer.offset, footer.length, options);
  return { directory, footer };
}
