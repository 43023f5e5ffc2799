import { PackRows } from '../contents/pack-rows.js';
import { Table } from '../format/table.js';
import type { PackedEntries } from '../store/packed-entries.js';
import type { PackedFile } from './write-packed.js';

/** Files of a table whose contents lie whole in packs, each as one number: there may be all files of a backup. */
export class PackedRows {
  readonly #table: Table;
  readonly #entries: PackedEntries;
  readonly #to: string;
  /** Number of the entry times the length of the table, plus the index of the row. */
  #files: number[] | Float64Array = [];

  constructor(table: Table, { entries, to }: { entries: PackedEntries; to: string }) {
    this.#table = table;
    this.#entries = entries;
    this.#to = to;
  }

  /** Number of files. */
  get length(): number {
    return this.#files.length;
  }

  /** Adds the row at `index`, whose content is the entry with the number `position`; only before they are sorted. */
  add(index: number, position: number): void {
    if (!Array.isArray(this.#files)) throw new TypeError('a file was added after they were sorted');
    this.#files.push(position * this.#table.length + index);
  }

  /** From now on in the order in which their contents lie in packs. */
  sort(): void {
    this.#files = Float64Array.from(this.#files).sort();
  }

  /** Index of the row of a file. */
  index(at: number): number {
    return (this.#files[at] ?? 0) % this.#table.length;
  }

  /** Number of the entry of a file. */
  position(at: number): number {
    // Not rounded: both are whole numbers.
    return ((this.#files[at] ?? 0) - this.index(at)) / this.#table.length;
  }

  /** A file, made anew by each call. */
  file(at: number): PackedFile {
    const row = this.#table.row(this.index(at));
    return { row, full: `${this.#to}/${row.path}`, packed: this.#entries.at(this.position(at)) };
  }

  /** Files from `from` to before `to` in a form for another thread. */
  detach(from: number, to: number): DetachedFiles {
    const packs: { name: string; files: number }[] = [];
    const rows: Uint8Array[] = [];
    const entries: Uint8Array[] = [];
    for (let at = from; at < to; at += 1) {
      const position = this.position(at);
      const { pack } = this.#entries.place(position);
      const last = packs.at(-1);
      if (last?.name === pack) last.files += 1;
      else packs.push({ name: pack, files: 1 });
      rows.push(this.#table.rowBytes(this.index(at)));
      entries.push(this.#entries.directoryRow(position));
    }
    return { to: this.#to, packs, rows: whole(rows), entries: whole(entries) };
  }
}

/** Files to be made of packs, for another thread: nothing of it is a view, which would be sent with all that it is a view of. */
export interface DetachedFiles {
  /** Full path of the folder to write into. */
  readonly to: string;
  /** Names of the packs within the store, in order, and how many of the files lie in each. */
  readonly packs: readonly { readonly name: string; readonly files: number }[];
  /** Rows of a table, in the order of the packs. */
  readonly rows: Uint8Array;
  /** Rows of the directories of those. */
  readonly entries: Uint8Array;
}

/** What was detached in another thread. */
export function* attachedFiles({ to, packs, rows, entries }: DetachedFiles): Generator<PackedFile, void, undefined> {
  const directory = new PackRows(entries);
  const table = Table.fromParts([rows], directory.length);
  let index = 0;
  for (const { name: pack, files } of packs) {
    for (const end = index + files; index < end; index += 1) {
      const row = table.row(index);
      yield { row, full: `${to}/${row.path}`, packed: { pack, entry: directory.at(index) } };
    }
  }
}

function whole(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
