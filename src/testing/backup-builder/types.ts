import type { AbortOptions } from '../../core/abort.js';
import type { BackupSink, BackupTree } from '../../core/backup-tree.js';

/** What is in one file of a backup that is built. */
export interface FileSpec {
  /** Backup domain, e.g. `HomeDomain`. Hostile names are written as they are. */
  domain: string;
  /**
   * Path within the domain; `''` is its root folder. Parent folders get rows of their own, unless the path is hostile (`..`,
   * a leading `/` and the like): such a path is written as it is and without parents.
   */
  relativePath: string;
  /** Content: bytes, text as UTF-8, or a number of bytes to generate from the seed. Empty by default; absent for folders and links. */
  content?:
    | Uint8Array
    | string
    | {
        /** Number of bytes. */
        size: number;
      }
    | undefined;
  /** `file` by default. */
  kind?: 'file' | 'directory' | 'symlink' | undefined;
  /** Target of a link. */
  linkTarget?: string | undefined;
  /** Permission bits, 0o644 (0o755 for folders and links) by default. The type bits are added. */
  mode?: number | undefined;
  /** Owner, signed; 501 (mobile) by default. */
  userId?: number | undefined;
  /** Group, signed; 501 by default. */
  groupId?: number | undefined;
  /** Inode on the device; the next free one by default. */
  inode?: number | bigint | undefined;
  /** BSD file flags (`st_flags`); 0 by default. */
  flags?: number | undefined;
  /** Last change of the content, cut to whole seconds. Within the year before the backup by default. */
  modified?: Date | undefined;
  /** Last change of the inode, cut to whole seconds; `modified` by default. */
  statusChanged?: Date | undefined;
  /** Creation, cut to whole seconds; an hour before `modified` by default. */
  created?: Date | undefined;
  /** Data protection class: 3 by default, 0 for folders and links. */
  protectionClass?: number | undefined;
  /** Extended attributes by name. */
  extendedAttributes?: Readonly<Record<string, Uint8Array>> | undefined;
  /** Ways to damage it, after everything else was built well. */
  damage?: readonly FileDamage[] | undefined;
}

/**
 * Damage to one file of a backup that is built; each value does exactly what it says and no more. Damage that the backup or
 * the file cannot have (keys in a plain backup, records before iOS 10, a cut in an empty file) is refused with a `RangeError`.
 *
 * - content: `content-missing` has no blob; `content-empty` a blob of 0 bytes; `content-truncated` lost its second half (whole
 *   cipher blocks, where encrypted, without valid padding by chance); `content-truncated-block` lost its last 5 bytes.
 * - padding, encrypted only: `padding-missing` has none (the size must be a multiple of 16); `padding-zeros` is filled with zeros
 *   to the next block (the size must not be a multiple of 16).
 * - size in the record: `size-larger` by 1,000, `size-smaller` half, `size-absurd` 2^62, `size-absent` none (databases only).
 * - key, encrypted only: `key-missing` none, `key-short` 20 bytes, `key-corrupt` one bit flipped, `class-unknown` class 15.
 * - record, databases only: `record-null` NULL, `record-empty` 0 bytes, `record-truncated` its first half, `record-xml` as an XML
 *   property list, `record-cyclic` with a root object that refers to itself.
 * - row, databases only: `file-id-blob` a BLOB of the hex digits, `file-id-upper-case`, `file-id-traversal` begins with `../../`,
 *   `flags-zero` flags 0. The blob keeps its right name.
 * - `digest-wrong` has a digest of something else, in any domain.
 */
export type FileDamage =
  | 'content-missing'
  | 'content-empty'
  | 'content-truncated'
  | 'content-truncated-block'
  | 'padding-missing'
  | 'padding-zeros'
  | 'size-larger'
  | 'size-smaller'
  | 'size-absurd'
  | 'size-absent'
  | 'key-missing'
  | 'key-short'
  | 'key-corrupt'
  | 'class-unknown'
  | 'record-null'
  | 'record-empty'
  | 'record-truncated'
  | 'record-xml'
  | 'record-cyclic'
  | 'file-id-blob'
  | 'file-id-upper-case'
  | 'file-id-traversal'
  | 'flags-zero'
  | 'digest-wrong';

/** A value of a column as the caller wants it stored. */
export type RawValue = null | number | bigint | string | Uint8Array;

/** One row of the table `Files` of Manifest.db, stored as it is. Absent columns are NULL. Each `fileID` must differ, except with `simplifiedSchema`. */
export interface RawRow {
  /** Name of the blob: 40 lower-case hex digits in a sound row. */
  fileID?: RawValue | undefined;
  /** Backup domain, e.g. `HomeDomain`. */
  domain?: RawValue | undefined;
  /** Path within the domain. */
  relativePath?: RawValue | undefined;
  /** 1 for a file, 2 for a folder, 4 for a link. */
  flags?: RawValue | undefined;
  /** Record of the entry: a binary property list of NSKeyedArchiver. */
  file?: RawValue | undefined;
}

/** A SQLite database that is built from SQL, and its companions. Text is UTF-8; pass a database in UTF-16 as the content of a file. */
export interface DatabaseSpec extends Omit<FileSpec, 'content' | 'kind' | 'linkTarget'> {
  /** Statements of the database, separated by `;` or as a list. */
  sql: string | readonly string[];
  /** Statements whose changes are only in the `-wal`; with `wal: 'some'`. */
  walSql?: string | readonly string[] | undefined;
  /**
   * Where the data lies: `none` (the default) has no `-wal`; `some` has what `walSql` changes in the `-wal`; `all` has one empty
   * page as main file and everything in the `-wal`. With a `-wal` comes a `-shm`, as in real backups. Damage is done to the main file.
   */
  wal?: 'none' | 'some' | 'all' | undefined;
  /** Page size in bytes, a power of two from 512 to 65,536; 4096 by default. */
  pageSize?: number | undefined;
}

/** Result of {@link buildBackup}. */
export interface BuiltBackup {
  /** The backup, to pass to `Backup.open`. */
  readonly tree: BackupTree;
  /** The folder, where it was built on disk. */
  readonly path: string | undefined;
  /** The password; `undefined` for a plain backup. */
  readonly password: string | undefined;
  /** The UDID, as the folder of a real backup is named. */
  readonly udid: string;
  /**
   * What a right reader finds: every entry with the folders that were added around it, in the order of the manifest. Raw rows are
   * not among them. Empty with `collect: false`.
   */
  readonly files: readonly BuiltFile[];
  /** Number of entries, also with `collect: false`. */
  readonly fileCount: number;
}

/** Ground truth of one entry, before any damage. */
export interface BuiltFile {
  /** Lower-case hex SHA-1 of `domain-relativePath`; the name of the blob. */
  readonly fileId: string;
  /** Backup domain. */
  readonly domain: string;
  /** Path within the domain. */
  readonly relativePath: string;
  /** What the entry is. */
  readonly kind: 'file' | 'directory' | 'symlink';
  /** Plaintext size in bytes; 0 for folders and links. */
  readonly size: number;
  /** Lower-case hex SHA-256 of the plaintext; `undefined` for folders and links. */
  readonly sha256: string | undefined;
  /** Mode with the type bits, e.g. 0o100644. */
  readonly mode: number;
  /** Owner, signed; 501 is mobile. */
  readonly userId: number;
  /** Group, signed; 501 is mobile. */
  readonly groupId: number;
  /** `bigint` beyond 2^53 − 1. */
  readonly inode: number | bigint;
  /** BSD file flags (`st_flags`). */
  readonly flags: number;
  /** Last change of the content, whole seconds. */
  readonly modified: Date;
  /** Last change of the inode, whole seconds. */
  readonly statusChanged: Date;
  /** Creation, whole seconds. */
  readonly created: Date;
  /** Data protection class; 0 for folders and links by default. */
  readonly protectionClass: number;
  /** Target of a link. */
  readonly linkTarget: string | undefined;
  /** Extended attributes by name; empty where there are none. */
  readonly extendedAttributes: Readonly<Record<string, Uint8Array>>;
  /** SHA-1 of the stored bytes, 20 bytes, where the domain carries digests. */
  readonly digest: Uint8Array | undefined;
  /** Damage that was done. */
  readonly damage: readonly FileDamage[];
}

/** Where to build. */
export interface BuildTarget extends AbortOptions {
  /** A folder that does not exist or is empty, a sink, or memory when absent. */
  to?: string | BackupSink | undefined;
  /** Whether to keep the ground truth of every entry in `files`; true by default. Turn it off for millions of files. */
  collect?: boolean | undefined;
}
