import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { bufferView, packCorrupt } from '../format/pack-format.js';

/** Options of calls that read a pack. */
export interface PackReadOptions extends AbortOptions {
  /** Name of the pack within the store, for errors. */
  readonly part?: string | undefined;
}

/** Reads all `length` bytes at `offset`. @throws {@link SnapshotError} `SNAPSHOT_CORRUPT` where the data ends before. */
export async function readExactly(
  source: ByteSource,
  offset: number,
  length: number,
  options: PackReadOptions,
): Promise<Buffer> {
  checkRoom(source, offset, length, options.part);
  const bytes = await source.read(offset, length, options);
  if (bytes.length !== length) throw endsEarly(offset + length, options.part);
  return bufferView(bytes);
}

/** A trip through the thread pool takes longer than reading this much. */
const smallBytes = 64 * 1024;

/** {@link readExactly}, without waiting for few bytes where the source can do that: for tables, not for contents. */
export async function readTable(
  source: ByteSource,
  offset: number,
  length: number,
  options: PackReadOptions,
): Promise<Buffer> {
  if (source.readSync === undefined || length > smallBytes) return await readExactly(source, offset, length, options);
  options.signal?.throwIfAborted();
  const bytes = Buffer.allocUnsafeSlow(length);
  readExactlySync(source, offset, bytes, options.part);
  return bytes;
}

/** Fills all of `target`; only for sources that can read synchronously. */
export function readExactlySync(
  source: ByteSource,
  offset: number,
  target: Uint8Array,
  part: string | undefined,
): void {
  checkRoom(source, offset, target.length, part);
  if (source.readSync?.(offset, target) !== target.length) throw endsEarly(offset + target.length, part);
}

/** Refuses a length that the data cannot have, before memory is allocated for it. */
function checkRoom(source: ByteSource, offset: number, length: number, part: string | undefined): void {
  if (offset > source.size || length > source.size - offset) throw endsEarly(offset + length, part);
}

function endsEarly(offset: number, part: string | undefined): Error {
  return packCorrupt(part, `It ends before byte ${offset}`);
}
