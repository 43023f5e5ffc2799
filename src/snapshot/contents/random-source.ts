import type { AbortOptions } from '../../core/abort.js';
import { resolveRange, streamChunkBytes, type ByteRange, type ByteSource } from '../../core/byte-source.js';
import { SnapshotError } from '../../core/errors.js';
import { ResourceOwner, type Closeable } from '../../core/resource.js';
import { Turns } from './turns.js';

/** How the bytes of a source are made. */
export interface RandomBytes {
  /** Size in bytes. */
  readonly size: number;
  /** The bytes from `start` to before `end`, both inside; the caller's own. */
  read(start: number, end: number, options?: AbortOptions): Promise<Uint8Array>;
  /** Fills `target` from `start` on, all of it inside; present where that works without waiting. */
  readonly readSync?: ((start: number, target: Uint8Array) => void) | undefined;
  /** Gives memory back. */
  release(): void;
}

/** Each level of a chain of deltas costs a few microseconds a read, so streams read more at once than they give. */
const blockBytes = 4 * streamChunkBytes;

async function* streamInBlocks(
  source: ByteSource,
  range: ByteRange | undefined,
  options: AbortOptions | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { start, end } = resolveRange(range, source.size);
  const turns = new Turns(options?.signal);
  for (let offset = start; offset < end; offset += blockBytes) {
    options?.signal?.throwIfAborted();
    const block = await source.read(offset, Math.min(blockBytes, end - offset), options);
    if (turns.due) await turns.take();
    for (let at = 0; at < block.length; at += streamChunkBytes) yield block.subarray(at, at + streamChunkBytes);
  }
}

/** A source over `bytes`, which checks ranges and closes what it owns. */
export function randomSource(bytes: RandomBytes, owned: readonly (Closeable | undefined)[]): ByteSource {
  const { size } = bytes;
  const owner = new ResourceOwner();
  for (const child of owned) if (child !== undefined) owner.attach(child);
  const checkOpen = (): void => {
    if (owner.closed) throw new SnapshotError('SNAPSHOT_CLOSED', 'The content was closed before it was read');
  };
  const source: ByteSource = {
    size,
    async read(offset, length, options) {
      options?.signal?.throwIfAborted();
      checkOpen();
      const { start, end } = resolveRange({ offset, length }, size);
      return start === end ? new Uint8Array(0) : await bytes.read(start, end, options);
    },
    stream: (range, options) => streamInBlocks(source, range, options),
    async close() {
      bytes.release();
      await owner.close();
    },
  };
  const fill = bytes.readSync;
  if (fill === undefined) return source;
  source.readSync = (offset, target) => {
    checkOpen();
    const { start, end } = resolveRange({ offset, length: target.length }, size);
    if (end > start) fill(start, target.subarray(0, end - start));
    return end - start;
  };
  return source;
}
