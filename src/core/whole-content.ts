/**
 * The content of a small file, all of which is in memory. A sink reads it as it reads any other; one that knows it takes the
 * parts without waiting for each.
 */
export class WholeContent implements AsyncIterable<Uint8Array> {
  readonly parts: readonly Uint8Array[];
  /** Bytes of all parts. */
  readonly size: number;

  constructor(parts: readonly Uint8Array[]) {
    this.parts = parts;
    this.size = parts.reduce((sum, { length }) => sum + length, 0);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.parts;
  }
}
