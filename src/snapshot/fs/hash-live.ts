import type { FileHasher } from './hash-file.js';
import { isStamped } from './is-stamped.js';
import type { StoreFs } from './store-fs.js';
import { hashBytes } from '../format/table.js';

/** A file of a newest backup that is to be read. */
export interface FileToHash {
  /** Path below the folder of the device. */
  readonly path: string;
  /** Size in bytes that it had when it was looked at. */
  readonly size: number;
  /** Time in microseconds since 1970 that it had then. */
  readonly modifiedUs: number;
}

/** What has become of a file: not read, not there, read, or read while its size or time changed. */
export const hashState = { unread: 0, absent: 1, same: 2, changed: 3 } as const;

/** What files hold, 41 bytes each: there may be all files of a backup. It can be sent to another thread. */
export interface FileHashes {
  /** SHA-256 of each, 32 bytes one after another. */
  readonly hashes: Uint8Array;
  /** Bytes that each had. */
  readonly sizes: Float64Array;
  /** One of {@link hashState} for each. */
  readonly states: Uint8Array;
}

/** Room for so many, none of which has been read. */
export function unreadHashes(count: number): FileHashes {
  return {
    hashes: new Uint8Array(hashBytes * count),
    sizes: new Float64Array(count),
    states: new Uint8Array(count),
  };
}

/** Reads the file `full`, and notes as number `index` what it holds. */
export async function hashLive(
  fs: StoreFs,
  hasher: FileHasher,
  { full, modifiedUs, index, into }: { full: string; modifiedUs: number; index: number; into: FileHashes },
): Promise<void> {
  const content = await hasher.hash(full);
  if (content === undefined) {
    into.states[index] = hashState.absent;
    return;
  }
  const { hash, size } = content;
  into.hashes.set(hash, index * hashBytes);
  into.sizes[index] = size;
  into.states[index] = isStamped(fs, full, { size, modifiedUs }) ? hashState.same : hashState.changed;
}
