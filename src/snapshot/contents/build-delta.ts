import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { releaseBytes } from '../../core/release-bytes.js';
import type { PackEntry } from '../format/pack-format.js';
import { comparePages, type ComparePagesOptions } from './compare-pages.js';
import type { Extents } from './extents.js';
import type { AddDeltaOptions, PackWriter } from './pack-writer.js';
import { readBlock } from './read-block.js';

/** A content and its name. */
export interface NamedContent {
  /** SHA-256. */
  readonly hash: Uint8Array;
  /** The bytes; stay open. */
  readonly source: ByteSource;
}

/** Options of {@link buildDelta}. */
export interface BuildDeltaOptions extends ComparePagesOptions, AddDeltaOptions {}

const pieceBytes = 128 * 1024;

/**
 * Writes what must be replaced in `next` to get `old`. The caller reads the result back and compares its hash before
 * anything is removed: the files may have changed meanwhile.
 *
 * @param old - the content that the delta gives
 * @param next - the content that it is laid over
 * @returns the entry; `undefined` where more than the limit differs, and nothing was written
 */
export async function buildDelta(
  old: NamedContent,
  next: NamedContent,
  writer: PackWriter,
  options: BuildDeltaOptions = {},
): Promise<PackEntry | undefined> {
  const { extents, exceeded } = await comparePages(old.source, next.source, options);
  if (exceeded) return undefined;
  const target = { hash: old.hash, size: old.source.size };
  const base = { hash: next.hash, size: next.source.size };
  return await writer.addDelta({ target, base, extents }, extentData(old.source, extents, options), options);
}

/** The bytes of all extents in order; each piece is valid until the next one is asked for. */
async function* extentData(
  source: ByteSource,
  extents: Extents,
  options: AbortOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const piece = Buffer.allocUnsafeSlow(pieceBytes);
  try {
    yield* extentPieces(source, extents, { piece, ...options });
  } finally {
    releaseBytes(piece);
  }
}

async function* extentPieces(
  source: ByteSource,
  extents: Extents,
  { piece, ...options }: AbortOptions & { piece: Buffer },
): AsyncGenerator<Uint8Array, void, undefined> {
  let filled = 0;
  for (let index = 0; index < extents.count; index += 1) {
    const end = extents.end(index);
    for (let offset = extents.start(index); offset < end;) {
      const length = Math.min(pieceBytes - filled, end - offset);
      await readBlock(source, offset, piece.subarray(filled, filled + length), options);
      offset += length;
      filled += length;
      if (filled < pieceBytes) continue;
      yield piece;
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}
