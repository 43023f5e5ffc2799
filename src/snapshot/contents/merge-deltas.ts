import type { AbortOptions } from '../../core/abort.js';
import { equalBytes } from '../../core/bytes.js';
import { packCorrupt, type PackEntry } from '../format/pack-format.js';
import type { DeltaParts } from './delta-parts.js';
import { ExtentsBuilder } from './extents.js';
import type { AddDeltaOptions, PackWriter } from './pack-writer.js';

/** Options of {@link mergeDeltas}. */
export interface MergeDeltasOptions extends AddDeltaOptions {
  /** Share of the content above which no delta is made; 1 by default. */
  readonly limitShare?: number | undefined;
}

/**
 * Makes one delta of two neighbours, when the version between them is deleted: `upper` gives T1 from T2, `lower` gives T2
 * from T3, the result gives T1 from T3. Sealed ones are opened with their openers before, and sealed anew by `options`.
 *
 * @returns the entry; `undefined` where the result would be too large, and nothing was written
 * @throws {@link SnapshotError} `SNAPSHOT_CORRUPT` where they are no neighbours, or damaged
 */
export async function mergeDeltas(
  upper: DeltaParts,
  lower: DeltaParts,
  writer: PackWriter,
  options: MergeDeltasOptions = {},
): Promise<PackEntry | undefined> {
  const { entry } = upper;
  if (!equalBytes(upper.base.hash, lower.entry.target) || upper.base.size !== lower.entry.size)
    throw packCorrupt(undefined, 'Two deltas that are to become one are no neighbours');
  const extents = new ExtentsBuilder();
  for (const { start, end } of mergedPieces(upper, lower)) extents.add(start, end - start);
  if (extents.full || extents.bytes > (options.limitShare ?? 1) * entry.size) return undefined;
  const target = { hash: entry.target, size: entry.size };
  const plan = { target, base: lower.base, extents: extents.finish() };
  return await writer.addDelta(plan, mergedData(upper, lower, options), options);
}

/** A range of T1 and the delta that has its bytes. */
interface MergedPiece {
  readonly from: DeltaParts;
  /** Which extent of it. */
  readonly extent: number;
  readonly start: number;
  readonly end: number;
}

/** The union of the extents, in order and cut where the source changes: `upper` wins, and T1 ends where it ends. */
function* mergedPieces(upper: DeltaParts, lower: DeltaParts): Generator<MergedPiece, void, undefined> {
  const { size } = upper.entry;
  let next = 0;
  for (let extent = 0, done = 0; done < size;) {
    const gapEnd = Math.min(upper.extents.start(extent), size);
    // Between two extents of `upper` the bytes are those of T2, some of which `lower` has.
    for (; lower.extents.start(next) < gapEnd; next += 1) {
      const start = Math.max(done, lower.extents.start(next));
      const end = Math.min(gapEnd, lower.extents.end(next));
      if (end > start) yield { from: lower, extent: next, start, end };
      if (lower.extents.end(next) > gapEnd) break;
    }
    if (gapEnd === size) return;
    done = upper.extents.end(extent);
    yield { from: upper, extent, start: gapEnd, end: done };
    extent += 1;
  }
}

const pieceBytes = 128 * 1024;

/** The bytes of the merged pieces; each is valid until the next one is asked for. */
async function* mergedData(
  upper: DeltaParts,
  lower: DeltaParts,
  options: AbortOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(pieceBytes);
  for (const { from, extent, start, end } of mergedPieces(upper, lower)) {
    const position = from.dataOffset + from.extents.position(extent) + start - from.extents.start(extent);
    for (let done = 0; done < end - start; done += pieceBytes) {
      const piece = buffer.subarray(0, Math.min(pieceBytes, end - start - done));
      await from.reader.fill(position + done, piece, options);
      yield piece;
    }
  }
}
