import type { ArchiveContent } from './archive-writer.js';

/**
 * The chunks of `content` up to an error of reading it, which is returned: for archives, where an entry that has begun cannot
 * be taken back. Aborts are thrown.
 */
export async function* readToCut(
  content: ArchiveContent,
  onChunk: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, { cut: unknown } | undefined, undefined> {
  const chunks = content.chunks()[Symbol.asyncIterator]();
  try {
    for (;;) {
      let next: IteratorResult<Uint8Array, unknown>;
      try {
        next = await chunks.next();
      } catch (error) {
        if (content.isFatal?.(error) !== false) throw error;
        return { cut: error };
      }
      if (next.done === true) return undefined;
      onChunk(next.value);
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}
