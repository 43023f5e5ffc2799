import { releaseBytes } from '../../core/release-bytes.js';
import { encodeRow, Table, type TableRow } from './table.js';

const chunkBytes = 256 * 1024;

/** Makes a table row by row, in order, without an object for each of them. */
export class TableWriter {
  readonly #parts: Buffer[] = [];
  #chunk = Buffer.alloc(0);
  #filled = 0;
  #count = 0;

  /** Number of rows so far. */
  get length(): number {
    return this.#count;
  }

  /** Appends a row, whose path comes after that of the last one. */
  add(row: TableRow): void {
    this.addBytes(encodeRow(row));
  }

  /** Appends a row as its bytes, which are copied. */
  addBytes(bytes: Uint8Array): void {
    if (this.#filled + bytes.length > this.#chunk.length) {
      this.#endChunk();
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(chunkBytes, bytes.length));
    }
    this.#chunk.set(bytes, this.#filled);
    this.#filled += bytes.length;
    this.#count += 1;
  }

  /** The table of all rows; nothing can be appended after. */
  finish(): Table {
    this.#endChunk();
    const table = Table.fromParts(this.#parts, this.#count);
    for (const part of this.#parts) releaseBytes(part);
    this.#parts.length = 0;
    return table;
  }

  #endChunk(): void {
    if (this.#filled > 0) this.#parts.push(this.#chunk.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
