/** Content of a file, about to be written. */
export interface ArchiveContent {
  /** Exact size in bytes. */
  readonly size: number;
  /** All of it, where it is small. */
  readonly whole: Uint8Array | undefined;
  /** All of it, in order. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Whether an error of reading it ends the archive instead of cutting the entry; any does by default. */
  isFatal?(error: unknown): boolean;
}

/** What an archive keeps of an entry. */
export interface ArchiveEntry {
  /** Path within the archive, `/` between components, safe. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** `undefined` becomes 1980-01-01, the first day that a zip can hold. */
  readonly modified: Date | undefined;
  /** The same in whole microseconds since 1970, where it is to be kept exactly. */
  readonly modifiedUs?: number | undefined;
}

/** Writes entries, one after the other, in some archive format. */
export interface ArchiveWriter {
  /** The archive. Leaving the loop makes the writes end with an error. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Adds a file. Where its content cannot be read to its end, the entry holds what was read, and the error is given. */
  addFile(entry: ArchiveEntry, content: ArchiveContent): Promise<{ cut: unknown } | undefined>;
  /** Adds a folder. */
  addFolder(entry: ArchiveEntry): Promise<void>;
  /** Adds a symbolic link. */
  addLink(entry: ArchiveEntry, target: string): Promise<void>;
  /** Ends the archive. */
  finish(): Promise<void>;
  /** Gives up: the output ends with `error`. */
  fail(error: unknown): void;
}

/** Thrown into a writer whose reader has gone. */
export class ArchiveAbandoned extends Error {
  constructor() {
    super('The archive is not read any more');
  }
}
