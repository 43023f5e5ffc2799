import type { AbortOptions } from '../../core/abort.js';
import type { ChunkReader } from './chunk-reader.js';

/** Chunks that are decoded before they are wanted, 1 MiB: enough for the thread pool while the caller does other work. */
const chunksAtOnce = 8;

/** The raw data of an entry in order, chunk by chunk; the next ones are decoded by the thread pool meanwhile. */
export async function* chunksAhead(
  reader: ChunkReader,
  options?: AbortOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const ahead: Promise<Uint8Array>[] = [];
  const begin = (index: number): void => {
    if (index >= reader.count) return;
    const chunk = reader.decodeApart(index, options);
    // Seen when its turn comes, or after what comes before has failed.
    chunk.catch(() => undefined);
    ahead.push(chunk);
  };
  try {
    for (let index = 0; index < chunksAtOnce; index += 1) begin(index);
    for (let index = 0; index < reader.count; index += 1) {
      const chunk = await ahead.shift();
      begin(index + chunksAtOnce);
      if (chunk !== undefined) yield chunk;
    }
  } finally {
    // The caller may close the pack now.
    await Promise.allSettled(ahead);
  }
}
