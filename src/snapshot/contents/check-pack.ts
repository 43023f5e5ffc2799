import type { ByteSource } from '../../core/byte-source.js';
import { equalBytes } from '../../core/bytes.js';
import { encodeEntryHeader, type PackEntry } from '../format/pack-format.js';
import { readPackDirectory, type PackDirectory } from './pack-directory.js';
import { checkPackHeader, readWholeEntry } from './pack-scan.js';
import type { PackReadOptions } from './read-exactly.js';
import { ScanWindow } from './scan-window.js';

/** What {@link checkPack} has found. */
export interface PackCheck extends PackDirectory {
  /** Entries of which a header, a chunk or a table is damaged, even where their content can still be read. */
  readonly damaged: readonly PackEntry[];
  /** Whether the first bytes of the pack are those of one. */
  readonly headerIntact: boolean;
}

/**
 * Looks at every byte of a pack that means something: where nothing is found, directory and scan give the same entries, and
 * each chunk is as it was written. Whether contents have the hashes of their names is not looked at.
 *
 * @throws {@link SnapshotError} `SNAPSHOT_CORRUPT` where this is no pack; `SNAPSHOT_FORMAT_UNSUPPORTED`
 */
export async function checkPack(source: ByteSource, options: PackReadOptions = {}): Promise<PackCheck> {
  const directory = await readPackDirectory(source, options);
  const window = new ScanWindow(source, options);
  const headerIntact = await checkPackHeader(window, options.part);
  const damaged: PackEntry[] = [];
  for (const listed of directory.entries) {
    const { entry } = await readWholeEntry(window, listed.offset);
    if (entry === undefined || !sameEntry(entry, listed)) damaged.push(listed);
  }
  return { ...directory, damaged, headerIntact };
}

function sameEntry(a: PackEntry, b: PackEntry): boolean {
  return a.length === b.length && equalBytes(encodeEntryHeader(a), encodeEntryHeader(b));
}
