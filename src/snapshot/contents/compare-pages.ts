import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { releaseBytes } from '../../core/release-bytes.js';
import { ExtentsBuilder, type Extents } from './extents.js';
import { pageHeaderBytes, pageSizeOf } from './page-size.js';
import { readBlock } from './read-block.js';
import { Turns } from './turns.js';

/** Options of {@link comparePages}. */
export interface ComparePagesOptions extends AbortOptions {
  /** Bytes that are compared as one, a power of two of at most 65,536; that of the database, else 4096, by default. */
  readonly pageSize?: number | undefined;
  /** Share of the old bytes above which the comparison ends early; 0.6 by default. */
  readonly limitShare?: number | undefined;
}

/** What {@link comparePages} has found. */
export interface PageComparison {
  /** Pages of the old content that differ, neighbours as one; not all of them where `exceeded`. */
  readonly extents: Extents;
  /** Whether so much differs that a delta is not worthwhile, and the comparison ended early. */
  readonly exceeded: boolean;
  /** Bytes that were compared as one. */
  readonly pageSize: number;
}

const blockBytes = 1024 * 1024;

/**
 * Finds the pages of `old` that `next` does not have at the same place. What lies beyond the end of `next` always differs.
 *
 * @throws what reading throws
 */
export async function comparePages(
  old: ByteSource,
  next: ByteSource,
  options: ComparePagesOptions = {},
): Promise<PageComparison> {
  const { signal } = options;
  signal?.throwIfAborted();
  const pageSize = options.pageSize ?? pageSizeOf(await old.read(0, pageHeaderBytes, { signal }));
  if (!Number.isInteger(pageSize) || pageSize < 1 || blockBytes % pageSize !== 0)
    throw new RangeError(`pageSize must be a power of two of at most ${blockBytes}, not ${pageSize}`);
  const limit = (options.limitShare ?? 0.6) * old.size;
  const extents = new ExtentsBuilder();
  // The page that reaches beyond the end of `next` counts as one that differs.
  const shared = old.size <= next.size ? old.size : next.size - (next.size % pageSize);
  const beyond = old.size - shared;
  const exceeded = (): boolean => extents.full || extents.bytes + beyond > limit;
  const turns = new Turns(signal);
  const a = Buffer.allocUnsafeSlow(Math.min(blockBytes, shared));
  const b = Buffer.allocUnsafeSlow(a.length);
  for (let offset = 0; offset < shared && !exceeded(); offset += blockBytes) {
    const length = Math.min(blockBytes, shared - offset);
    await readBlock(old, offset, a.subarray(0, length), options);
    await readBlock(next, offset, b.subarray(0, length), options);
    const differ = (start: number, end: number): boolean => a.compare(b, start, end, start, end) !== 0;
    for (const [start, end] of differences(differ, pageSize, length)) extents.add(offset + start, end - start);
    if (turns.due) await turns.take();
  }
  releaseBytes(a);
  releaseBytes(b);
  const tooMuch = exceeded();
  if (!tooMuch) extents.add(shared, beyond);
  return { extents: extents.finish(), exceeded: tooMuch, pageSize };
}

/**
 * The pages of a block that differ, in order, by halving: few pages of many do, and comparing a large equal range costs much
 * less than comparing each of its pages.
 */
function* differences(
  differ: (start: number, end: number) => boolean,
  pageSize: number,
  length: number,
): Generator<[number, number], void, undefined> {
  const pending: [number, number][] = [[0, length]];
  for (let range = pending.pop(); range !== undefined; range = pending.pop()) {
    const [start, end] = range;
    if (!differ(start, end)) continue;
    const pages = Math.ceil((end - start) / pageSize);
    if (pages === 1) yield range;
    else {
      const middle = start + Math.ceil(pages / 2) * pageSize;
      pending.push([middle, end], [start, middle]);
    }
  }
}
