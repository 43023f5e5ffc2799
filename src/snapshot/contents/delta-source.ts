import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { uninitialisedBytes } from '../../core/bytes.js';
import { packCorrupt, type PackEntry } from '../format/pack-format.js';
import type { OpenEntryOptions } from './chunk-reader.js';
import { openDeltaParts, type DeltaParts } from './delta-parts.js';
import { randomSource } from './random-source.js';

/** Options of {@link openDelta}. */
export interface OpenDeltaOptions extends OpenEntryOptions {
  /** Whether closing the content closes the pack. */
  readonly ownsPack?: boolean | undefined;
  /** Whether closing the content closes the base. */
  readonly ownsBase?: boolean | undefined;
}

/**
 * Opens the content that a delta gives, laid over its base. Chunks of the delta are checked as they are read; the hashes of
 * base and content are not.
 *
 * @param pack - the bytes of the pack; must stay open
 * @param base - the content whose hash is `entry.base.hash`; must stay open
 * @throws {@link SnapshotError} `SNAPSHOT_CORRUPT`, also by reads; `SNAPSHOT_SECRET_REQUIRED`
 */
export async function openDelta(
  pack: ByteSource,
  entry: PackEntry,
  base: ByteSource,
  options: OpenDeltaOptions = {},
): Promise<ByteSource> {
  const parts = await openDeltaParts(pack, entry, options);
  if (base.size !== parts.base.size) {
    const message = `The base of the delta at ${entry.offset} has ${base.size} bytes instead of ${parts.base.size}`;
    throw packCorrupt(options.part, message);
  }
  const overlay = new Overlay(parts, base, options.part);
  const owned = [options.ownsPack === true ? pack : undefined, options.ownsBase === true ? base : undefined];
  return randomSource(
    {
      size: entry.size,
      read: async (start, end, readOptions) => await overlay.read(start, end, readOptions),
      readSync:
        parts.reader.sync && base.readSync !== undefined
          ? (start, target) => {
              overlay.readSync(start, target);
            }
          : undefined,
      release: () => {
        parts.reader.clear();
      },
    },
    owned,
  );
}

/** A piece of an extent: where its bytes lie in the data, and where they go. */
interface Piece {
  readonly position: number;
  readonly target: Uint8Array;
}

/** Lays extents over a base. Each level of a chain patches the memory that the deepest base has filled. */
class Overlay {
  readonly #parts: DeltaParts;
  readonly #base: ByteSource;
  readonly #part: string | undefined;

  constructor(parts: DeltaParts, base: ByteSource, part: string | undefined) {
    this.#parts = parts;
    this.#base = base;
    this.#part = part;
  }

  async read(start: number, end: number, options: AbortOptions | undefined): Promise<Uint8Array> {
    const { reader } = this.#parts;
    const target = this.#replaced(start, end)
      ? uninitialisedBytes(end - start)
      : await this.#below(start, end, options);
    for (const piece of this.#pieces(start, target)) {
      // Waiting for each of many small pieces would cost more than copying them.
      const done = reader.fillCached(piece.position, piece.target);
      if (done < piece.target.length) await reader.fill(piece.position + done, piece.target.subarray(done), options);
    }
    return target;
  }

  readSync(start: number, target: Uint8Array): void {
    const end = start + target.length;
    const has = Math.min(end, this.#base.size) - start;
    if (has > 0 && !this.#replaced(start, end)) {
      if (this.#base.readSync?.(start, target.subarray(0, has)) !== has) throw this.#shortBase();
    }
    for (const piece of this.#pieces(start, target)) this.#parts.reader.fillSync(piece.position, piece.target);
  }

  /** The bytes of the base; what it does not have is left for the extents, which cover it. */
  async #below(start: number, end: number, options: AbortOptions | undefined): Promise<Uint8Array> {
    const has = Math.min(end, this.#base.size) - start;
    if (has <= 0) return uninitialisedBytes(end - start);
    const bytes = await this.#base.read(start, has, options);
    if (bytes.length !== has) throw this.#shortBase();
    if (start + has === end) return bytes;
    const target = uninitialisedBytes(end - start);
    target.set(bytes);
    return target;
  }

  /** Whether one extent has the whole range, so that nothing of the base is needed. */
  #replaced(start: number, end: number): boolean {
    const { extents } = this.#parts;
    const first = extents.firstBehind(start);
    return extents.start(first) <= start && extents.end(first) >= end;
  }

  *#pieces(start: number, target: Uint8Array): Generator<Piece, void, undefined> {
    const { extents, dataOffset } = this.#parts;
    const end = start + target.length;
    for (let index = extents.firstBehind(start); extents.start(index) < end; index += 1) {
      const from = Math.max(start, extents.start(index));
      const to = Math.min(end, extents.end(index));
      const position = dataOffset + extents.position(index) + from - extents.start(index);
      yield { position, target: target.subarray(from - start, to - start) };
    }
  }

  #shortBase(): Error {
    return packCorrupt(this.#part, 'The base of a delta ended early');
  }
}
