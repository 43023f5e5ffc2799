import { crc32 } from 'node:zlib';
import type { ByteSource } from '../../core/byte-source.js';
import { equalBytes } from '../../core/bytes.js';
import { unsupportedFormat } from '../format/pack-directory.js';
import {
  crcBytes,
  decodeEntryHeader,
  entryHeaderLength,
  entryMagic,
  packCorrupt,
  packFormat,
  packHeaderBytes,
  packLimits,
  packMagic,
  type PackEntry,
} from '../format/pack-format.js';
import { walkChunks } from './chunk-walk.js';
import type { PackReadOptions } from './read-exactly.js';
import { ScanWindow } from './scan-window.js';

const searchBytes = 64 * 1024;

/**
 * Finds the whole entries of a pack without its directory. Behind damage the search goes on at the next thing that looks like
 * an entry. What it costs is bounded by the size of the pack.
 *
 * @throws {@link SnapshotError} `SNAPSHOT_CORRUPT` where this is no pack; `SNAPSHOT_FORMAT_UNSUPPORTED`
 */
export async function scanPack(source: ByteSource, options: PackReadOptions): Promise<PackEntry[]> {
  const window = new ScanWindow(source, options);
  const entries: PackEntry[] = [];
  const named = await checkPackHeader(window, options.part);
  for (let at = named ? packHeaderBytes : 0; at < window.size && entries.length < packLimits.entries;) {
    const start = await findEntry(window, at);
    if (start === undefined) break;
    const found = await readWholeEntry(window, start);
    if (found.entry !== undefined) entries.push(found.entry);
    at = found.next;
  }
  if (!named && entries.length === 0) throw packCorrupt(options.part, 'This is no pack');
  return entries;
}

/** Whether the pack begins as one. */
export async function checkPackHeader(window: ScanWindow, part: string | undefined): Promise<boolean> {
  const bytes = await window.view(0, packHeaderBytes);
  if (bytes.length < packHeaderBytes || bytes.toString('latin1', 0, 4) !== packMagic) return false;
  const format = bytes.readUInt32LE(4);
  if (format !== packFormat) throw unsupportedFormat(format, part);
  return true;
}

/** The next place that begins like an entry. */
async function findEntry(window: ScanWindow, from: number): Promise<number | undefined> {
  for (let at = from; ;) {
    const near = at === from ? packLimits.headerBytes : searchBytes;
    const bytes = await window.view(at, near);
    if (bytes.length < entryMagic.length) return undefined;
    const found = bytes.indexOf(entryMagic, 0, 'latin1');
    window.spend(found >= 0 ? found + entryMagic.length : bytes.length);
    if (found >= 0) return at + found;
    // The magic may lie across the end of what was searched.
    at += bytes.length - entryMagic.length + 1;
  }
}

/** The entry at `start` where it is whole, and where to look for the next one. */
export async function readWholeEntry(window: ScanWindow, start: number): Promise<{ entry?: PackEntry; next: number }> {
  const bytes = await window.view(start, packLimits.headerBytes);
  const headerBytes = entryHeaderLength(bytes);
  window.spend(headerBytes ?? 0);
  const header = decodeEntryHeader(bytes);
  if (headerBytes === undefined || header === undefined) return { next: start + entryMagic.length };
  const walk = await walkChunks(window, start + headerBytes, header.dataBytes);
  // Nothing within chunks that are whole can be the beginning of an entry.
  if (walk.rows === undefined) return { next: Math.max(walk.end, start + headerBytes) };
  // An entry counts with its table, which is written last: a writer that gave up on an entry leaves whole chunks behind.
  const table = await window.view(walk.end, walk.rows.length + crcBytes);
  const whole =
    table.length === walk.rows.length + crcBytes && crc32(walk.rows) === table.readUInt32LE(walk.rows.length);
  if (!whole || !equalBytes(table.subarray(0, walk.rows.length), walk.rows)) return { next: walk.end };
  const length = walk.end - start + table.length;
  return { entry: { ...header, offset: start, headerBytes, length }, next: start + length };
}
