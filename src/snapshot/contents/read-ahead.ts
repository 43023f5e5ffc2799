import type { ByteSource } from '../../core/byte-source.js';
import { releaseBytes } from '../../core/release-bytes.js';

/** What is read at once. */
const windowBytes = 512 * 1024;
/** What of that may lie before what was asked for: the table of an entry is read before its chunks, which come first. */
const bytesBefore = 128 * 1024;

/** Where entries are read in the order in which they lie: one call of the system for many small ones. Closing it closes `source`. */
export function readingAhead(source: ByteSource): ByteSource {
  const readSync = source.readSync?.bind(source);
  if (readSync === undefined) return source;
  let window = new Uint8Array(0);
  /** What of it is filled, and where that lies. */
  let [start, length] = [0, 0];
  return {
    size: source.size,
    read: async (...args) => await source.read(...args),
    stream: (...args) => source.stream(...args),
    readSync(offset, target) {
      if (target.length > bytesBefore) return readSync(offset, target);
      if (offset < start || offset + target.length > start + length) {
        if (window.length === 0) window = new Uint8Array(windowBytes);
        start = Math.max(0, offset - bytesBefore);
        length = readSync(start, window);
      }
      const found = window.subarray(offset - start, Math.min(offset - start + target.length, length));
      target.set(found);
      return found.length;
    },
    close: async () => {
      // Who goes through packs opens hundreds.
      releaseBytes(window);
      [window, length] = [new Uint8Array(0), 0];
      await source.close();
    },
  };
}
