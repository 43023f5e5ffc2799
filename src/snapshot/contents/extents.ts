import { bufferView, extentBytes, packLimits } from '../format/pack-format.js';
import { getU64, putU64 } from '../format/u64.js';

/** Ranges of a content in order, not overlapping; each has its bytes at a position of the data that they form together. */
export class Extents {
  /** Number of extents. */
  readonly count: number;
  /** Where each begins in the content. */
  readonly offsets: Float64Array;
  /** Where the bytes of each begin in the data; one more tells the end. */
  readonly positions: Float64Array;

  constructor(offsets: Float64Array, positions: Float64Array) {
    this.count = offsets.length;
    this.offsets = offsets;
    this.positions = positions;
  }

  /** Bytes of all extents together. */
  get bytes(): number {
    return this.positions[this.count] ?? 0;
  }

  /** Where an extent begins in the content. */
  start(index: number): number {
    return this.offsets[index] ?? Infinity;
  }

  /** Where the bytes of an extent begin in the data. */
  position(index: number): number {
    return this.positions[index] ?? this.bytes;
  }

  /** The first byte of the content behind an extent. */
  end(index: number): number {
    return this.start(index) + this.position(index + 1) - this.position(index);
  }

  /** The first extent that ends behind `offset`; {@link Extents.count} where none does. */
  firstBehind(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.end(middle) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Collects extents in order; those that touch become one. */
export class ExtentsBuilder {
  #offsets = new Float64Array(64);
  #positions = new Float64Array(65);
  #count = 0;
  #end = 0;

  /** Number of extents so far. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of all extents so far. */
  get bytes(): number {
    return this.#positions[this.#count] ?? 0;
  }

  /** Whether no more extents fit a delta. */
  get full(): boolean {
    return this.#count >= packLimits.extents;
  }

  /** Appends a range, which begins at or behind the end of the last one. */
  add(offset: number, length: number): void {
    if (length === 0) return;
    if (this.#count > 0 && offset === this.#end) {
      this.#positions[this.#count] = this.bytes + length;
    } else {
      this.#grow();
      this.#offsets[this.#count] = offset;
      this.#positions[this.#count + 1] = this.bytes + length;
      this.#count += 1;
    }
    this.#end = offset + length;
  }

  /** What was collected. */
  finish(): Extents {
    return new Extents(this.#offsets.slice(0, this.#count), this.#positions.slice(0, this.#count + 1));
  }

  #grow(): void {
    if (this.#count < this.#offsets.length) return;
    const offsets = new Float64Array(2 * this.#count);
    const positions = new Float64Array(2 * this.#count + 1);
    offsets.set(this.#offsets);
    positions.set(this.#positions);
    this.#offsets = offsets;
    this.#positions = positions;
  }
}

const batch = 4096;

/** The table of extents at the beginning of a delta's data, in pieces. */
export function* encodeExtents(extents: Extents): Generator<Uint8Array, void, undefined> {
  for (let first = 0; first < extents.count; first += batch) {
    const last = Math.min(first + batch, extents.count);
    const bytes = Buffer.alloc((last - first) * extentBytes);
    for (let index = first; index < last; index += 1) {
      putU64(bytes, extents.start(index), (index - first) * extentBytes);
      putU64(bytes, extents.end(index) - extents.start(index), (index - first) * extentBytes + 8);
    }
    yield bytes;
  }
}

/**
 * Checks a table of extents: in order, within the content of `size` bytes, of `bytes` bytes together, and with all that the
 * base of `baseSize` bytes does not have. `undefined` where it is anything else.
 */
export function decodeExtents(
  table: Uint8Array,
  content: { size: number; baseSize: number; bytes: number },
): Extents | undefined {
  const source = bufferView(table);
  const count = Math.floor(table.length / extentBytes);
  const offsets = new Float64Array(count);
  const positions = new Float64Array(count + 1);
  let end = 0;
  let bytes = 0;
  let beyondBase = 0;
  for (let index = 0; index < count; index += 1) {
    const offset = getU64(source, index * extentBytes);
    const length = getU64(source, index * extentBytes + 8);
    if (offset < end || length === 0 || offset > content.size || length > content.size - offset) return undefined;
    offsets[index] = offset;
    end = offset + length;
    bytes += length;
    positions[index + 1] = bytes;
    beyondBase += Math.max(0, end - Math.max(offset, content.baseSize));
  }
  if (bytes !== content.bytes || beyondBase !== Math.max(0, content.size - content.baseSize)) return undefined;
  return new Extents(offsets, positions);
}
