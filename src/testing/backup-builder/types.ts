import type { AbortOptions } from '../../core/abort.js';
import type { BackupSink, BackupTree } from '../../core/backup-tree.js';
import type { PlistInput } from '../../plist/types.js';

/**
 * What {@link buildBackup} builds. Everything has a default: `{}` is a plain, finished backup of an iOS 17 iPhone without a
 * file. Equal specs give byte-identical backups.
 */
export interface BackupSpec {
  /**
   * iOS version, `17.4` by default; from 4.0. It chooses the generation: Manifest.mbdb and flat blobs before 10 (with
   * Manifest.mbdx on 4), a readable Manifest.db with obfuscated records on 10.0, a readable one on 10.1, an encrypted one from 10.2.
   */
  ios?: string | undefined;
  /** Whether the backup is encrypted: by default when there is a `password`. */
  encrypted?: boolean | undefined;
  /** Password of an encrypted backup, `password` by default. */
  password?: string | undefined;
  /**
   * Rounds of the key derivation. `fast`, the default, is 10 and 10 and opens at once; `real` is Apple's 10,000,000 (from 10.2)
   * and 10,000, which takes seconds.
   */
  kdf?: 'fast' | 'real' | KeyDerivationRounds | undefined;
  /** Everything that looks random comes from it: keys, salts, ids, generated content, times. 1 by default. */
  seed?: number | string | undefined;
  /** The device, where it differs from a plausible one of that iOS version. */
  device?: DeviceSpec | undefined;
  /** End of the run, whole seconds. By default a day on which that iOS version was current. */
  date?: Date | undefined;
  /** Whether the device had a passcode; true by default. */
  passcodeSet?: boolean | undefined;
  /** `IsFullBackup` of Status.plist; false by default. */
  isFullBackup?: boolean | undefined;
  /** How far the run came; `finished` by default. */
  snapshotState?: 'uploading' | 'moving' | 'removing' | 'finished' | undefined;
  /** `BackupState` of Status.plist; `new` by default. */
  backupState?: 'empty' | 'old' | 'new' | undefined;
  /** Apps that the user installed. */
  apps?: readonly AppSpec[] | undefined;
  /** Files, folders and links. An async iterable is read once, file by file, so any number fits. A folder comes before what is in it. */
  files?: Iterable<FileSpec> | AsyncIterable<FileSpec> | undefined;
  /** SQLite databases that are made from SQL. */
  databases?: readonly DatabaseSpec[] | undefined;
  /** Top-level files to leave out. */
  omit?: readonly TopLevelFile[] | undefined;
  /**
   * Files written beside the backup's own, by path in the backup folder: blobs without a row, `.DS_Store`, leftovers in
   * `Snapshot/`. They replace what the builder wrote under the same path.
   */
  extraFiles?: Readonly<Record<string, Uint8Array | string>> | undefined;
  /** Rows of Manifest.db as they are, after all others. Needs a database generation. */
  rows?: readonly RawRow[] | undefined;
  /** How Manifest.db itself is written. */
  manifest?: ManifestDatabaseSpec | undefined;
  /** Keys of Info.plist that are set to another value, or left out where the value is `undefined`. */
  infoPlist?: PlistOverrides | undefined;
  /** The same for Manifest.plist. */
  manifestPlist?: PlistOverrides | undefined;
  /** The same for Status.plist. */
  statusPlist?: PlistOverrides | undefined;
}

/** Files at the top of a backup folder that a backup may lack. */
export type TopLevelFile = 'Info.plist' | 'Manifest.plist' | 'Status.plist' | 'Manifest.db' | 'Manifest.mbdb';

/** Top-level keys of a property list and their values; `undefined` removes the key. */
export type PlistOverrides = Readonly<Record<string, PlistInput | undefined>>;

/** Rounds of both PBKDF2 stages. */
export interface KeyDerivationRounds {
  /** Rounds of the HMAC-SHA256 stage, `DPIC` of the keybag; not used before iOS 10.2. */
  dpic: number;
  /** Rounds of the HMAC-SHA1 stage, `ITER` of the keybag. */
  iter: number;
}

/** The device that was backed up. Absent values are invented, and the same for the same seed. */
export interface DeviceSpec {
  /** 40 lower-case hex digits, or 8 and 16 upper-case hex digits with a dash. */
  udid?: string | undefined;
  /** Name that its owner gave it, e.g. `Sam’s iPhone`. */
  name?: string | undefined;
  /** Model identifier, e.g. `iPhone15,4`. */
  productType?: string | undefined;
  /** Marketing name, e.g. `iPhone 15`. */
  productName?: string | undefined;
  /** iOS version that the property lists state; `ios` of the spec by default. */
  productVersion?: string | undefined;
  /** Build, e.g. `21E219`. */
  buildVersion?: string | undefined;
  serialNumber?: string | undefined;
  /** In the reserved range +1 555 0100 to 0199 by default. */
  phoneNumber?: string | undefined;
  imei?: string | undefined;
  /** Second IMEI; by default on devices of iOS 12 and later. */
  imei2?: string | undefined;
  meid?: string | undefined;
  iccid?: string | undefined;
}

/** An app: in `Installed Applications` of Info.plist, and its containers in `Applications` of Manifest.plist. */
export interface AppSpec {
  /** Bundle id, e.g. `com.example.notes`. */
  bundleId: string;
  /** `CFBundleVersion`; `1` by default. */
  version?: string | undefined;
  /** Name for people; the last part of the bundle id by default. */
  name?: string | undefined;
  /** Ids of its app groups, e.g. `group.com.example.notes`. */
  groups?: readonly string[] | undefined;
  /** Bundle ids of its plug-ins, e.g. `com.example.notes.widget`. */
  plugins?: readonly string[] | undefined;
}

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
  content?: Uint8Array | string | { size: number } | undefined;
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

/** One row of the table `Files` of Manifest.db, stored as it is. Absent columns are NULL. */
export interface RawRow {
  fileID?: RawValue | undefined;
  domain?: RawValue | undefined;
  relativePath?: RawValue | undefined;
  flags?: RawValue | undefined;
  file?: RawValue | undefined;
}

/** How Manifest.db is written, where it differs from a device's. */
export interface ManifestDatabaseSpec {
  /**
   * A decrypted copy as tools leave it: Manifest.db and blobs are plain, but records keep their keys and digests, Manifest.plist
   * still says `IsEncrypted` and has its `ManifestKey`, and the padding block is still behind the last page of Manifest.db.
   */
  decryptedCopy?: boolean | undefined;
  /** No primary key, no indexes and no `Properties`, as other tools write it. */
  simplifiedSchema?: boolean | undefined;
  /** Whether the header says WAL mode (bytes 18 and 19 are 2) as a device's does; true by default. */
  walHeader?: boolean | undefined;
  /** Page size in bytes, a power of two from 512 to 65,536; 4096 by default. */
  pageSize?: number | undefined;
  /** Whether the encrypted file has PKCS#7 padding; true by default. */
  padding?: boolean | undefined;
  /** Protection class of the manifest's key; 4 by default. */
  protectionClass?: number | undefined;
}

/** A SQLite database that is built from SQL, and its companions. */
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
  /** Text encoding; `UTF-8` by default. */
  encoding?: 'UTF-8' | 'UTF-16le' | 'UTF-16be' | undefined;
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
  readonly kind: 'file' | 'directory' | 'symlink';
  /** Plaintext size in bytes; 0 for folders and links. */
  readonly size: number;
  /** Lower-case hex SHA-256 of the plaintext; `undefined` for folders and links. */
  readonly sha256: string | undefined;
  /** Mode with the type bits, e.g. 0o100644. */
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  readonly inode: number | bigint;
  /** BSD file flags (`st_flags`). */
  readonly flags: number;
  readonly modified: Date;
  readonly statusChanged: Date;
  readonly created: Date;
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
