import type { ByteSource } from '../../../core/byte-source.js';
import { memorySource, streamChunkBytes } from '../../../core/byte-source.js';
import type { SeededRandom } from '../../backup-builder/seeded-random.js';

/** What is in a file. It never changes: a file that changes gets another one. */
export interface FileBody {
  /** Bytes. */
  readonly size: number;
  /** The content, chunk by chunk. */
  stream(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Gives up the room that it takes; nothing reads it any more. */
  release?(): void;
}

/** A body that can be read at any place. */
export interface StoredBody extends FileBody {
  open(): Promise<ByteSource>;
}

/** Bytes in memory, which become the body's own. */
export function bytesBody(bytes: Uint8Array): StoredBody {
  return {
    size: bytes.length,
    *stream() {
      for (let at = 0; at < bytes.length; at += streamChunkBytes) yield bytes.subarray(at, at + streamChunkBytes);
    },
    open: async () => memorySource(bytes),
  };
}

/** `size` bytes out of a source of their own, made anew each time that they are read. */
export function generatedBody(random: () => SeededRandom, size: number): FileBody {
  return {
    size,
    *stream() {
      const source = random();
      for (let left = size; left > 0; left -= streamChunkBytes) yield source.bytes(Math.min(left, streamChunkBytes));
    },
  };
}

/** A body and what comes behind it. */
export function joinedBody(first: FileBody, second: FileBody): FileBody {
  return {
    size: first.size + second.size,
    async *stream() {
      yield* first.stream();
      yield* second.stream();
    },
    release() {
      first.release?.();
      second.release?.();
    },
  };
}
