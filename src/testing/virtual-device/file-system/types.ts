import type { BackupTree } from '../../../core/backup-tree.js';
import type { FileRef } from '../../../manifest/types.js';
import type { BackupSpec } from '../../backup-builder/backup-spec.js';
import type { BuiltFile, DatabaseSpec, FileSpec } from '../../backup-builder/types.js';

/** An entry of a device's file system. Two devices hold the same where all of these are equal. */
export type VirtualFileEntry = Omit<BuiltFile, 'digest' | 'damage'>;

/** What may be changed of an entry; what is absent stays. */
export type FileChange = Partial<Omit<FileSpec, 'domain' | 'relativePath' | 'kind' | 'inode' | 'damage'>>;

/** A backup to take the files from. */
export interface BackupContent {
  /** The folder of a backup, or any other tree of one. It is read while the device uses it, and never changed. */
  readonly backup: string | BackupTree;
  /** Its password, where it is encrypted. */
  readonly password?: string | undefined;
}

/**
 * What is in the file system of a device from the start: what {@link buildBackup} takes (files, databases, messages, contacts;
 * its apps are installed), files alone, an existing backup, or a script that fills it.
 */
export type FileSystemContent =
  | Pick<BackupSpec, 'files' | 'databases' | 'messages' | 'contacts' | 'apps'>
  | Iterable<FileSpec>
  | AsyncIterable<FileSpec>
  | BackupContent
  | ((fileSystem: VirtualFileSystem) => void | Promise<void>);

/**
 * The part of a device's file system that backups hold, by domains. A backup that is under way sees it as it was at its
 * start. Every change moves the time of an entry by a second at least, so that the next backup sees it.
 */
export interface VirtualFileSystem {
  /** Number of entries. */
  readonly size: number;
  /** Adds an entry and the folders around it. @throws RangeError where it is there already, or the spec contradicts itself. */
  add(spec: FileSpec): void;
  /** Adds a database that is made from SQL, with its companions. @throws RangeError as {@link VirtualFileSystem.add}; DatabaseError for SQL that fails. */
  addDatabase(spec: DatabaseSpec): Promise<void>;
  /** Runs more SQL on a database that was added as SQL: in its `-wal` with `wal`, in its main file otherwise. @throws RangeError where it was not. */
  growDatabase(ref: FileRef, sql: string, options?: { wal?: boolean | undefined }): Promise<void>;
  /** Replaces the content or attributes of an entry. @throws RangeError where it does not exist. */
  modify(ref: FileRef, change: FileChange): void;
  /** Appends to a file. @throws RangeError where it does not exist or is no file. */
  append(ref: FileRef, content: Uint8Array | string | { size: number }): void;
  /** Removes an entry and what is below it; tells whether it was there. */
  remove(ref: FileRef): boolean;
  /** Moves an entry and what is below it, to another domain too. @throws RangeError where `from` does not exist or `to` does. */
  rename(from: FileRef, to: FileRef): void;
  /** Removes everything. */
  clear(): void;
  /** Whether there is such an entry. */
  has(ref: FileRef): boolean;
  /** The whole content of a file. @throws RangeError where there is no such file. */
  read(ref: FileRef): Promise<Uint8Array>;
  /** The content of a file, chunk by chunk. @throws RangeError where there is no such file. */
  stream(ref: FileRef): AsyncIterable<Uint8Array>;
  /** All entries ordered by domain and path, with hashes that are made while they are listed: a snapshot to compare. */
  entries(): AsyncIterable<VirtualFileEntry>;
}
