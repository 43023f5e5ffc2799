import { deflateRawSync } from 'node:zlib';
import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { readBlock } from '../contents/read-block.js';

const pageBytes = 4096;
const samples = 96;
/** Share of samples that differ above which no delta is tried. */
const hopeless = 0.85;
const pieceBytes = 64 * 1024;
const pieces = 8;
/** Share of a content's bytes below which compressing it is worthwhile. */
const worthwhile = 0.9;

/** Whether so many pages of two contents differ, by a few of them, that comparing all of them is in vain. */
export async function mostlyDiffer(a: ByteSource, b: ByteSource, options: AbortOptions): Promise<boolean> {
  const pages = Math.floor(Math.min(a.size, b.size) / pageBytes);
  if (pages === 0) return true;
  const count = Math.min(samples, pages);
  const [left, right] = [Buffer.allocUnsafeSlow(pageBytes), Buffer.allocUnsafeSlow(pageBytes)];
  let different = 0;
  for (let index = 0; index < count; index += 1) {
    const offset = Math.floor((index * pages) / count) * pageBytes;
    await readBlock(a, offset, left, options);
    await readBlock(b, offset, right, options);
    if (!left.equals(right)) different += 1;
  }
  return different > count * hopeless;
}

/** Whether a content shrinks, by a few pieces of it. */
export async function compresses(source: ByteSource, options: AbortOptions): Promise<boolean> {
  const length = Math.min(pieceBytes, source.size);
  const piece = Buffer.allocUnsafeSlow(length);
  let packed = 0;
  for (let index = 0; index < pieces; index += 1) {
    await readBlock(source, Math.floor(((source.size - length) * index) / (pieces - 1)), piece, options);
    packed += deflateRawSync(piece, { level: 1 }).length;
  }
  return packed <= pieces * length * worthwhile;
}
