import { createHash } from 'node:crypto';
import { SnapshotError } from '../../core/errors.js';
import { releaseBytes } from '../../core/release-bytes.js';
import { unsafePathReason } from '../../core/safe-path.js';
import { getI64, getU64 } from './u64.js';

/** Bytes of a hash. */
export const hashBytes = 32;

/** What a row of a table is. */
export const rowKind = { file: 0, folder: 1, removed: 2 } as const;

/** A kind of row. */
export type RowKind = (typeof rowKind)[keyof typeof rowKind];

/** A row of a table. */
export interface TableRow {
  readonly kind: RowKind;
  /** Path within the folder of the device. */
  readonly path: string;
  /** SHA-256 of the content, 32 bytes, which belong to the table; empty for what is no file. */
  readonly hash: Uint8Array;
  /** Size in bytes. */
  readonly size: number;
  /** Modification time in whole microseconds since 1970. */
  readonly modifiedUs: number;
}

/** A row that is read into the same object again and again, where one for each of a hundred thousand would be too many. */
export interface RowView {
  kind: RowKind;
  path: string;
  /** Hash of the content as hexadecimal digits; empty for what is no file. */
  hashText: string;
  size: number;
  modifiedUs: number;
}

/** A view of no row yet, for {@link Table.look}. */
export function emptyView(): RowView {
  return { kind: rowKind.removed, path: '', hashText: '', size: 0, modifiedUs: 0 };
}

/** By which a file is known not to have changed. */
export type FileStamp = Pick<TableRow, 'size' | 'modifiedUs'>;

const fixedBytes = 3;
const fileBytes = hashBytes + 16;
const noHash = new Uint8Array(0);

/**
 * Rows sorted by the bytes of their paths, as they lie in a file. One row of 100 bytes or so for each file of a backup.
 *
 * A table that came of another by changes shares the bytes of that: it is a list of places, four bytes a row.
 */
export class Table {
  /** Bytes of rows as they were read or made; rows may lie among them that are not of this table. */
  readonly #first: Buffer;
  /** More of them. */
  readonly #second: Buffer;
  /** Where each row begins: in the first bytes, or behind them as if the second ones followed. */
  readonly #offsets: Uint32Array;
  /** Whether the first bytes are those of another table. */
  readonly #isLaidOver: boolean;

  private constructor(first: Buffer, second: Buffer, offsets: Uint32Array, isLaidOver = false) {
    this.#first = first;
    this.#second = second;
    this.#offsets = offsets;
    this.#isLaidOver = isLaidOver;
  }

  /** A table without rows. */
  static readonly empty = new Table(Buffer.alloc(0), Buffer.alloc(0), new Uint32Array(0));

  /** Number of rows. */
  get length(): number {
    return this.#offsets.length;
  }

  /**
   * Checks rows that come from a file: `count` of them, sorted, each path once and safe. `part` names the file.
   *
   * @throws SnapshotError `SNAPSHOT_CORRUPT`
   */
  static parse(bytes: Buffer, count: number, part: string): Table {
    const corrupt = (why: string): SnapshotError =>
      new SnapshotError('SNAPSHOT_CORRUPT', `${part} is damaged: ${why}`, { part });
    // A row has four bytes at least.
    if (count > bytes.length / (fixedBytes + 1)) throw corrupt(`it cannot hold ${count} rows`);
    const offsets = new Uint32Array(count);
    let offset = 0;
    let [lastStart, lastEnd] = [0, 0];
    for (let index = 0; index < count; index += 1) {
      offsets[index] = offset;
      if (offset + fixedBytes > bytes.length) throw corrupt('it ends in a row');
      const kind = bytes[offset];
      const start = offset + fixedBytes;
      const end = start + bytes.readUInt16LE(offset + 1);
      if (kind !== rowKind.file && kind !== rowKind.folder && kind !== rowKind.removed)
        throw corrupt('a kind is unknown');
      const next = kind === rowKind.file ? end + fileBytes : end;
      if (next > bytes.length) throw corrupt('it ends in a row');
      // Without views: a table has a hundred thousand rows.
      if (index > 0 && bytes.compare(bytes, start, end, lastStart, lastEnd) >= 0)
        throw corrupt('paths are not in order');
      const text = bytes.toString('utf8', start, end);
      if (text === '' || unsafePathReason(text) !== undefined || text.includes('\uFFFD'))
        throw corrupt('a path is not safe');
      if (kind === rowKind.file && bytes.readUInt16LE(next - 10) > 0x1f) throw corrupt('a size is too large');
      [lastStart, lastEnd] = [start, end];
      offset = next;
    }
    if (offset !== bytes.length) throw corrupt('bytes follow the last row');
    return new Table(bytes, Table.empty.#first, offsets);
  }

  /** A table of rows that were made by this program, in order. */
  static fromParts(parts: readonly Uint8Array[], count: number): Table {
    const bytes = Buffer.concat(parts);
    const offsets = new Uint32Array(count);
    let offset = 0;
    for (let index = 0; index < count; index += 1) {
      offsets[index] = offset;
      offset = endOf(bytes, offset);
    }
    return new Table(bytes, Table.empty.#first, offsets);
  }

  /** `base` with `changes` made to it: rows to put, and rows of the kind `removed`. */
  static changed(base: Table, changes: Table): Table {
    // Another table, which owns nothing, so that letting go of it leaves the base alone.
    if (changes.length === 0) return new Table(base.#first, base.#second, base.#offsets);
    const offsets = new Uint32Array(base.length + changes.length);
    // Mostly the base is one that was read, and the changes are all that there is besides.
    const isAlone = base.#second.length === 0 && changes.#second.length === 0;
    const second = isAlone ? changes.#first : Buffer.concat([base.#second, ...changes.runs()]);
    let changeAt = base.#first.length + base.#second.length;
    let [count, from] = [0, 0];
    for (let index = 0; index < changes.length; index += 1) {
      const path = changes.pathBytes(index);
      const to = base.lowerBound(path, from);
      offsets.set(base.#offsets.subarray(from, to), count);
      count += to - from;
      from = to < base.length && base.compare(to, path) === 0 ? to + 1 : to;
      if (changes.kind(index) !== rowKind.removed) {
        offsets[count] = changeAt;
        count += 1;
      }
      changeAt += changes.rowBytes(index).length;
    }
    offsets.set(base.#offsets.subarray(from), count);
    return new Table(base.#first, second, offsets.subarray(0, count + base.length - from), true);
  }

  /** The row at `index`. */
  row(index: number): TableRow {
    const bytes = this.#bytesOf(index);
    const at = this.#start(index);
    const kind = bytes[at] as RowKind;
    const end = at + fixedBytes + bytes.readUInt16LE(at + 1);
    const path = bytes.toString('utf8', at + fixedBytes, end);
    if (kind !== rowKind.file) return { kind, path, hash: noHash, size: 0, modifiedUs: 0 };
    return {
      kind,
      path,
      hash: bytes.subarray(end, end + hashBytes),
      size: getU64(bytes, end + hashBytes),
      modifiedUs: getI64(bytes, end + hashBytes + 8),
    };
  }

  /** Reads the row at `index` into `view`. */
  look(index: number, view: RowView): void {
    const bytes = this.#bytesOf(index);
    const at = this.#start(index);
    const end = at + fixedBytes + bytes.readUInt16LE(at + 1);
    const isFile = bytes[at] === rowKind.file;
    view.kind = bytes[at] as RowKind;
    view.path = bytes.toString('utf8', at + fixedBytes, end);
    view.hashText = isFile ? bytes.toString('hex', end, end + hashBytes) : '';
    view.size = isFile ? getU64(bytes, end + hashBytes) : 0;
    view.modifiedUs = isFile ? getI64(bytes, end + hashBytes + 8) : 0;
  }

  /** Kind of the row at `index`. */
  kind(index: number): RowKind {
    return this.#bytesOf(index)[this.#start(index)] as RowKind;
  }

  /** Bytes of the path of the row at `index`, a view. */
  pathBytes(index: number): Buffer {
    const bytes = this.#bytesOf(index);
    const at = this.#start(index) + fixedBytes;
    return bytes.subarray(at, at + bytes.readUInt16LE(at - 2));
  }

  /** Path of the row at `index`. */
  path(index: number): string {
    const bytes = this.#bytesOf(index);
    const at = this.#start(index) + fixedBytes;
    return bytes.toString('utf8', at, at + bytes.readUInt16LE(at - 2));
  }

  /** Hash of the file in the row at `index`, a view; `undefined` for what is no file. */
  hash(index: number): Buffer | undefined {
    const bytes = this.#bytesOf(index);
    const at = this.#start(index);
    if (bytes[at] !== rowKind.file) return undefined;
    const start = at + fixedBytes + bytes.readUInt16LE(at + 1);
    return bytes.subarray(start, start + hashBytes);
  }

  /** Size in bytes of the file in the row at `index`; 0 for what is no file. */
  size(index: number): number {
    const bytes = this.#bytesOf(index);
    const at = this.#start(index);
    if (bytes[at] !== rowKind.file) return 0;
    return getU64(bytes, at + fixedBytes + bytes.readUInt16LE(at + 1) + hashBytes);
  }

  /** Size and time of the file in the row at `index`; `undefined` for what is no file. */
  stamp(index: number): FileStamp | undefined {
    const bytes = this.#bytesOf(index);
    const at = this.#start(index);
    if (bytes[at] !== rowKind.file) return undefined;
    const end = at + fixedBytes + bytes.readUInt16LE(at + 1) + hashBytes;
    return { size: getU64(bytes, end), modifiedUs: getI64(bytes, end + 8) };
  }

  /** The bytes of the row at `index`, a view. */
  rowBytes(index: number): Buffer {
    const bytes = this.#bytesOf(index);
    const at = this.#start(index);
    return bytes.subarray(at, endOf(bytes, at));
  }

  /**
   * Frees what this table has of its own beside the bytes of its base, for who goes through many versions. It must not be used
   * afterwards, nor anything that it gave as a view; nor the changes that it was made of.
   */
  release(): void {
    if (!this.#isLaidOver) return;
    releaseBytes(new Uint8Array(this.#offsets.buffer));
    releaseBytes(this.#second);
  }

  /** All rows in order. */
  [Symbol.iterator](): Generator<TableRow, void, undefined> {
    return this.rows();
  }

  /** All rows in order. */
  *rows(): Generator<TableRow, void, undefined> {
    for (let index = 0; index < this.length; index += 1) yield this.row(index);
  }

  /** Rows that `other` does not share with this table as the same bytes in memory: all where they have no base in common. */
  *apartFrom(other: Table | undefined): Generator<number, void, undefined> {
    const shared = other !== undefined && other.#first === this.#first ? this.#first.length : 0;
    const theirs = other === undefined ? this.#offsets : other.#offsets;
    let at = 0;
    for (let index = 0; index < this.length; index += 1) {
      const offset = this.#offset(index);
      if (offset < shared) {
        // In both, rows of the base keep its order; rows that came with changes lie among them.
        for (let their = theirs[at] ?? offset; their < offset || their >= shared; their = theirs[at] ?? offset) at += 1;
        if (theirs[at] === offset) continue;
      }
      yield index;
    }
  }

  /**
   * The bytes of all rows in order, or of those from `from` to before `to`, as views that are as long as possible.
   *
   * @see docs/format/snapshot-store.md#tables
   */
  *runs(from = 0, to = this.length): Generator<Buffer, void, undefined> {
    let [bytes, start, end] = [this.#first, 0, 0];
    for (let index = from; index < to; index += 1) {
      const [rowBytes, at] = [this.#bytesOf(index), this.#start(index)];
      if (rowBytes !== bytes || at !== end) {
        if (end > start) yield bytes.subarray(start, end);
        [bytes, start] = [rowBytes, at];
      }
      end = endOf(rowBytes, at);
    }
    if (end > start) yield bytes.subarray(start, end);
  }

  /** Index of the row at `path`; `undefined` where there is none. */
  find(path: string): number | undefined {
    const bytes = Buffer.from(path, 'utf8');
    const index = this.lowerBound(bytes);
    return index < this.length && this.compare(index, bytes) === 0 ? index : undefined;
  }

  /** Index of the first row, from `from` on, whose path is not before `path`. */
  lowerBound(path: Buffer, from = 0): number {
    let low = from;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(middle, path) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** SHA-256 over the rows. */
  digest(): Buffer {
    const hash = createHash('sha256');
    for (const run of this.runs()) hash.update(run);
    return hash.digest();
  }

  /** How the path of the row at `index` sorts against `path`: negative where it comes before. */
  compare(index: number, path: Buffer): number {
    const bytes = this.#bytesOf(index);
    const at = this.#start(index) + fixedBytes;
    return bytes.compare(path, 0, path.length, at, at + bytes.readUInt16LE(at - 2));
  }

  /** The bytes among which the row at `index` lies. */
  #bytesOf(index: number): Buffer {
    return this.#offset(index) < this.#first.length ? this.#first : this.#second;
  }

  /** Where the row at `index` begins among those. */
  #start(index: number): number {
    const offset = this.#offset(index);
    return offset < this.#first.length ? offset : offset - this.#first.length;
  }

  #offset(index: number): number {
    const offset = this.#offsets[index];
    if (offset === undefined) throw new RangeError(`The table has no row ${index}`);
    return offset;
  }
}

/** Where the row that begins at `offset` ends. */
function endOf(bytes: Buffer, offset: number): number {
  const end = offset + fixedBytes + bytes.readUInt16LE(offset + 1);
  return bytes[offset] === rowKind.file ? end + fileBytes : end;
}

/** The bytes of a row. */
export function encodeRow(row: TableRow): Buffer {
  const length = Buffer.byteLength(row.path, 'utf8');
  const bytes = Buffer.allocUnsafe(fixedBytes + length + (row.kind === rowKind.file ? fileBytes : 0));
  bytes[0] = row.kind;
  bytes.writeUInt16LE(length, 1);
  bytes.write(row.path, fixedBytes, 'utf8');
  if (row.kind !== rowKind.file) return bytes;
  const at = fixedBytes + length;
  bytes.set(row.hash, at);
  bytes.writeBigUInt64LE(BigInt(row.size), at + hashBytes);
  bytes.writeBigInt64LE(BigInt(row.modifiedUs), at + hashBytes + 8);
  return bytes;
}

/** Makes a table of rows in any order; a path that comes again replaces the one before. */
export function makeTable(rows: Iterable<TableRow>): Table {
  const byPath = new Map<string, Buffer>();
  for (const row of rows) byPath.set(row.path, encodeRow(row));
  // By the bytes of the path: what lies between the fixed part and the rest.
  const pathOf = (bytes: Buffer): Buffer => bytes.subarray(fixedBytes, fixedBytes + bytes.readUInt16LE(1));
  const sorted = [...byPath.values()].sort((a, b) => pathOf(a).compare(pathOf(b)));
  return Table.fromParts(sorted, sorted.length);
}
