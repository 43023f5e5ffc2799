import type { DeltaParts } from '../contents/delta-parts.js';
import type { FilePatcher } from '../fs/store-fs.js';

/** Writes the bytes of a delta's extents where they belong, as they come: its raw data chunk by chunk. */
export class PagePatch {
  readonly #file: FilePatcher;
  readonly #parts: DeltaParts;
  /** Where the next chunk begins in the bytes of all extents; the extents themselves come before those. */
  #position: number;
  /** The extent that the next byte belongs to. */
  #index = 0;

  constructor(file: FilePatcher, parts: DeltaParts) {
    this.#file = file;
    this.#parts = parts;
    this.#position = -parts.dataOffset;
  }

  /** Writes what a chunk has of extents. */
  add(chunk: Uint8Array): void {
    const { extents } = this.#parts;
    for (let at = Math.max(0, -this.#position); at < chunk.length;) {
      const within = this.#position + at - extents.position(this.#index);
      const start = extents.start(this.#index);
      const left = extents.end(this.#index) - start - within;
      const bytes = chunk.subarray(at, at + left);
      this.#file.writeAt(bytes, start + within);
      at += bytes.length;
      if (bytes.length === left) this.#index += 1;
    }
    this.#position += chunk.length;
  }
}
