import type { ByteSource } from '../../core/byte-source.js';

/** What is known of something on the disk; links are not followed. */
export interface FileFacts {
  /** What it is; links are `other`. */
  readonly kind: 'file' | 'directory' | 'other';
  /** Size in bytes. */
  readonly size: number;
  /** Modification time in whole microseconds since 1970. */
  readonly modifiedUs: number;
  /** Identity of the file on its volume; two names of one file share it. Not exact beyond 2^53. */
  readonly inode: number;
  /** Identity of the volume. */
  readonly volume: number;
  /** Names of the file. */
  readonly links: number;
  /** Permission bits. */
  readonly mode: number;
  /** Space on the disk in bytes. */
  readonly allocated: number;
}

/** A name in a folder. */
export interface FolderEntry {
  /** The last component of its path. */
  readonly name: string;
  /** What it is; links are `other`. */
  readonly kind: FileFacts['kind'];
}

/** Room on a volume. */
export interface VolumeRoom {
  /** Free for this user, in bytes. */
  readonly free: number;
  /** Size of the volume in bytes. */
  readonly total: number;
}

/** A file that is being made. */
export interface FileWriter {
  /** Appends bytes, all of them. */
  write(bytes: Uint8Array): void;
  /** Brings the content to the disk. */
  sync(): void;
  /** Closes the file; calling it again does nothing. */
  close(): void;
}

/** A file that is being changed in place: one of a folder that was just made, never one that history rests on. */
export interface FilePatcher {
  /** Writes bytes at an offset, all of them. */
  writeAt(bytes: Uint8Array, offset: number): void;
  /** Gives the file this size. */
  truncate(size: number): void;
  /** Closes the file; calling it again does nothing. */
  close(): void;
}

/**
 * Every call by which the store touches a disk. Names are handled synchronously: one call takes about 10 µs, where a trip
 * through the thread pool takes more than 100. Tests put a failing one in its place, to stop the store at each call.
 *
 * Errors are those of `node:fs`, with `code`, unless said otherwise.
 */
export interface StoreFs {
  /** What is at `path`; `undefined` for nothing. */
  facts(path: string): FileFacts | undefined;
  /** The names in a folder with their kinds, in no order; nothing where there is no such folder. */
  entries(path: string): FolderEntry[];
  /** Makes a folder and those above it. */
  makeFolder(path: string): void;
  /** Gives a file a second name. */
  link(from: string, to: string): void;
  /** Makes a copy that shares its blocks; fails where the disk cannot do that. */
  clone(from: string, to: string): void;
  /** Makes a copy, in full; `to` must not exist. The copy has its own time. */
  copy(from: string, to: string): void;
  /** The same for a large file, by the system and beside other work; it cannot be stopped. */
  copyLarge(from: string, to: string): Promise<void>;
  /** Renames, over what is at `to`. Repeats for a while what a virus scanner or a network share refuses in passing. */
  rename(from: string, to: string): void;
  /** Removes a file or link; nothing happens where there is none. */
  unlink(path: string): void;
  /** Removes an empty folder; nothing happens where there is none. */
  removeFolder(path: string): void;
  /** Sets permission bits, as far as the disk has them. */
  setMode(path: string, mode: number): void;
  /** Sets the modification time, in microseconds since 1970. */
  setTime(path: string, modifiedUs: number): void;
  /** The content of a file of at most `limit` bytes; `undefined` where there is no file. @throws FormatError `FORMAT_LIMIT_EXCEEDED` */
  read(path: string, limit: number): Uint8Array | undefined;
  /** Makes a new file; `path` must not exist. */
  create(path: string, mode?: number): FileWriter;
  /** Opens a file to be changed in place. */
  patch(path: string): FilePatcher;
  /** Opens a regular file; `undefined` where there is none. */
  open(path: string): ByteSource | undefined;
  /** Brings a file, or the names in a folder, to the disk; does nothing for folders where the system cannot. */
  sync(path: string): void;
  /** Brings everything on the volume of `folder` to the disk, where the system can do that at once: whether it did. */
  syncVolume(folder: string): Promise<boolean>;
  /** Free space for this user and size of the volume, in bytes. */
  space(path: string): VolumeRoom;
}
