import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { SnapshotError } from '../../core/errors.js';

/** Fills `target` from `offset` on, without waiting where the source can do that. The data must have that much. */
export async function readBlock(
  source: ByteSource,
  offset: number,
  target: Buffer,
  options?: AbortOptions,
): Promise<void> {
  let length: number;
  if (source.readSync === undefined) {
    const bytes = await source.read(offset, target.length, options);
    target.set(bytes.subarray(0, target.length));
    ({ length } = bytes);
  } else length = source.readSync(offset, target);
  if (length !== target.length) {
    const message = `A content of ${source.size} bytes ended before byte ${offset + target.length}`;
    throw new SnapshotError('SNAPSHOT_CORRUPT', message);
  }
}
