import type { PackRows } from '../contents/pack-rows.js';
import type { PackEntry } from '../format/pack-format.js';

/** An entry and the pack in which it lies. */
export interface PackedEntry {
  /** Name of the pack within the store. */
  readonly pack: string;
  readonly entry: PackEntry;
}

/** Where an entry lies. */
export interface PackedPlace {
  /** Name of the pack within the store. */
  readonly pack: string;
  /** Offset of the entry in it. */
  readonly offset: number;
  readonly kind: number;
}

/** A delta: what it gives, and what it is laid over. Hashes, as views. */
export interface DeltaLink {
  /** Number of its entry. */
  readonly position: number;
  readonly target: Uint8Array;
  readonly base: Uint8Array;
}

/** Entries of all packs, numbered pack by pack. */
export class PackedEntries {
  readonly #packs: { readonly name: string; readonly first: number; readonly rows: PackRows }[] = [];
  #length = 0;

  /** Number of entries. */
  get length(): number {
    return this.#length;
  }

  /** Appends the entries of a pack. */
  add(name: string, rows: PackRows): void {
    if (rows.length === 0) return;
    this.#packs.push({ name, first: this.#length, rows });
    this.#length += rows.length;
  }

  /** The entry with a number, made anew by each call. */
  at(index: number): PackedEntry {
    const { name, rows, first } = this.#packOf(index);
    return { pack: name, entry: rows.at(index - first) };
  }

  /** Where the entry with a number lies. */
  place(index: number): PackedPlace {
    const { name, rows, first } = this.#packOf(index);
    return { pack: name, offset: rows.offset(index - first), kind: rows.kind(index - first) };
  }

  /** Size in bytes of what the entry with a number gives. */
  size(index: number): number {
    const { rows, first } = this.#packOf(index);
    return rows.size(index - first);
  }

  /** Bytes of the entry with a number. */
  entryBytes(index: number): number {
    const { rows, first } = this.#packOf(index);
    return rows.entryBytes(index - first);
  }

  /** The entry with a number as it lies in the directory of its pack, a view: for {@link PackRows}. */
  directoryRow(index: number): Uint8Array {
    const { rows, first } = this.#packOf(index);
    return rows.directoryRow(index - first);
  }

  /** Hash of what the entry with a number gives, a view. */
  target(index: number): Uint8Array {
    const { rows, first } = this.#packOf(index);
    return rows.target(index - first);
  }

  /** Hash of what the entry with a number is laid over, a view; `undefined` where it is no delta. */
  base(index: number): Uint8Array | undefined {
    const { rows, first } = this.#packOf(index);
    return rows.base(index - first);
  }

  /** All deltas. */
  *deltas(): Generator<DeltaLink, void, undefined> {
    for (const { rows, first } of this.#packs) {
      for (let index = 0; index < rows.length; index += 1) {
        const base = rows.base(index);
        if (base !== undefined) yield { position: first + index, target: rows.target(index), base };
      }
    }
  }

  /** Numbers and kinds of all entries, without making them. */
  *kinds(): Generator<readonly [index: number, kind: number], void, undefined> {
    for (const { rows, first } of this.#packs)
      for (let index = 0; index < rows.length; index += 1) yield [first + index, rows.kind(index)];
  }

  #packOf(index: number): { readonly name: string; readonly first: number; readonly rows: PackRows } {
    let [low, high] = [0, this.#packs.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#packs[middle]?.first ?? Infinity) <= index) low = middle;
      else high = middle;
    }
    const pack = this.#packs[low];
    if (pack === undefined || index >= this.#length) throw new RangeError(`There is no entry ${index}`);
    return pack;
  }
}

/** Whether two are one entry of one pack. */
export function isSameEntry(a: PackedEntry | undefined, b: PackedEntry): boolean {
  return a?.pack === b.pack && a.entry.offset === b.entry.offset;
}
