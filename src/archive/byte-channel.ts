import { plainView } from '../core/bytes.js';

/** Bytes that wait to be taken before a writer has to wait, at least. */
const highWaterBytes = 1024 * 1024;

/** A pipe between one writer and one reader: the writer waits while the reader has much to take. */
export class ByteChannel implements AsyncIterable<Uint8Array> {
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #state: 'open' | 'ended' | 'closed' = 'open';
  #wakeWriter: (() => void) | undefined;
  #wakeReader: (() => void) | undefined;

  /** Adds a chunk, which then belongs to the reader; waits until there is room for the next. Gives whether anybody still reads. */
  async push(chunk: Uint8Array): Promise<boolean> {
    if (this.#state !== 'open') return false;
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    this.#wakeReader?.();
    while (this.#queuedBytes > highWaterBytes && this.#state === 'open') {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
    }
    return this.#state === 'open';
  }

  /** No more will come. */
  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#wakeReader?.();
  }

  /** All chunks, until {@link ByteChannel.end}. Leaving early closes the channel. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const queue = this.#queue;
        this.#queue = [];
        this.#queuedBytes = 0;
        this.#wakeWriter?.();
        yield* queue;
        if (this.#queue.length > 0) continue;
        if (this.#state !== 'open') return;
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
    } finally {
      this.#state = 'closed';
      this.#wakeWriter?.();
    }
  }
}

/** Size of the pieces that {@link inPieces} makes, in bytes. */
const pieceBytes = 64 * 1024;

/** The same bytes in fewer chunks, each the taker's own: small chunks are put together, large ones pass as they are. */
export async function* inPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let piece = new Uint8Array(pieceBytes);
  let filled = 0;
  for await (const chunk of chunks) {
    if (filled + chunk.length > pieceBytes && filled > 0) {
      yield piece.subarray(0, filled);
      piece = new Uint8Array(pieceBytes);
      filled = 0;
    }
    if (chunk.length > pieceBytes) {
      yield plainView(chunk);
      continue;
    }
    piece.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled > 0) yield piece.subarray(0, filled);
}
