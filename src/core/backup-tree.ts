import type { AbortOptions } from './abort.js';
import type { ByteSource } from './byte-source.js';

/** One entry of a {@link BackupTree}. */
export interface TreeEntry {
  /** Path from the top of the tree, with `/` between components, e.g. `3d/3d0d7e5fb2ce288813306e4d4636395e047a3d28`. */
  readonly path: string;
  /** What it is; links and special files are not part of a tree. */
  readonly kind: 'file' | 'directory';
  /** Size in bytes; 0 for directories. */
  readonly size: number;
  /** When its content was changed last, where that is known. */
  readonly modified?: Date | undefined;
  /** The same in whole microseconds since 1970, where it is known that well: a `Date` has milliseconds. */
  readonly modifiedUs?: number | undefined;
}

/**
 * A backup's raw files, wherever they lie: a folder, a stored version, an archive, memory.
 * Paths are relative, with `/` between components, and never leave the tree: see `checkTreePath`.
 */
export interface BackupTree {
  /** The bytes of a file; `undefined` where there is no such file. The caller closes the source. */
  open(path: string, options?: AbortOptions): Promise<ByteSource | undefined>;
  /** The direct children of a directory, in no particular order; nothing where it does not exist. `''` is the top. */
  list(path: string, options?: AbortOptions): AsyncIterable<TreeEntry>;
  /**
   * The whole content of a file of at most `limit` bytes; `undefined` where there is no such file.
   * Present where that is faster than `open`, `read` and `close`. Where `room` is given and large enough, the result may be a
   * part of it.
   */
  readFile?(
    path: string,
    options: AbortOptions & { limit: number; room?: Uint8Array | undefined },
  ): Promise<Uint8Array | undefined>;
  /**
   * Where the file lies on this computer, if at all: a path that may be read at once and by any thread, if it is opened without
   * following a link at its end and turns out to be a regular file. `undefined` where that is not certain, or the disk is slow.
   */
  localFile?(path: string): string | undefined;
}

/** What a device may do to the host's copy of a backup: exactly DeviceLink's verbs, and `commit`. */
export interface BackupSink extends BackupTree {
  /** Writes a file whole, making its parent directories; until it has ended, the former content stays. */
  write(path: string, data: AsyncIterable<Uint8Array>, options?: AbortOptions): Promise<void>;
  /** Moves a file or directory, replacing what was at `to`. */
  move(from: string, to: string): Promise<void>;
  /** Copies a file or directory with what is in it. */
  copy(from: string, to: string): Promise<void>;
  /** Removes a file, or a directory with what is in it; nothing happens where there is none. */
  remove(path: string): Promise<void>;
  /** Makes a directory and its parents; nothing happens where it exists. */
  makeDirectory(path: string): Promise<void>;
  /** Free space in bytes. */
  freeSpace(): Promise<number>;
  /** Makes what was written durable. */
  commit(): Promise<void>;
}

/** Keeps every backup that is written to it as a version of its own. */
export interface BackupArchive<Version> {
  /** Begins to write a backup of a device, with its UDID before every path. Closing the sink without `commit` leaves no trace. */
  begin(udid: string, options?: AbortOptions): Promise<ArchiveSink<Version>>;
}

/** A sink of a {@link BackupArchive}. */
export interface ArchiveSink<Version> extends BackupSink, AsyncDisposable {
  /** The version that `commit` has made; `undefined` before. */
  version(): Promise<Version | undefined>;
}
