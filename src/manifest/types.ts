import type { AbortOptions } from '../core/abort.js';
import type { ByteRange, ByteSource } from '../core/byte-source.js';
import type { SqliteDatabase } from '../sqlite/driver.js';

/** Apple's name for a backup domain, e.g. `HomeDomain`, `AppDomain-com.example.app`. */
export type Domain =
  | 'HomeDomain'
  | 'CameraRollDomain'
  | 'MediaDomain'
  | 'WirelessDomain'
  | 'RootDomain'
  | 'KeychainDomain'
  | 'HealthDomain'
  | (string & {});

/** Names one file of a backup. */
export interface FileRef {
  /** Backup domain. */
  readonly domain: Domain;
  /** Path within the domain, `/` between components; `''` is the domain's root folder. */
  readonly relativePath: string;
}

/** Kind of an entry of a backup. */
export type FileKind = 'file' | 'directory' | 'symlink';

/** What can be wrong with one entry of a backup; none of it stops the other entries from being read. */
export type FileProblem =
  /** Listed, but its content is not in the backup: filtered or interrupted. */
  | 'content-missing'
  /** Its content has 0 bytes although its record says otherwise: a placeholder of a filtered backup. */
  | 'placeholder'
  /** Its content was cut: not whole cipher blocks, or no valid padding at the end. */
  | 'incomplete'
  /** Its content is complete and has another length than its record says: a live file that changed while it was copied. */
  | 'size-differs'
  /** It has no key, or the key cannot be unwrapped. */
  | 'key-unavailable'
  /** Its record is missing or cannot be decoded; domain and path come from the row. */
  | 'record-damaged'
  /** The path in its record is not the path of its row; the row counts. */
  | 'path-differs'
  /** The size in its record is absent or impossible; `size` is 0 and the content alone decides. */
  | 'size-invalid'
  /** Its domain or path would lead out of a folder when it is extracted as it is. */
  | 'path-unsafe'
  /** Its id is not 40 hexadecimal digits: no content can be found by it. */
  | 'file-id-invalid';

/** Something that was found wrong in a manifest while the rest of it was read. */
export interface BackupIssue {
  /**
   * What it is:
   * - `row-unusable`: a row without domain or path, a placeholder of an interrupted run; it is not listed;
   * - `duplicate-path`: two entries have the same domain and path; both are listed and `get` gives the later one;
   * - `manifest-damaged`: a part of the manifest cannot be read; what comes before it was;
   * - `content-damaged`: a database that is opened has damaged content, of which the rest is used.
   */
  readonly kind: 'row-unusable' | 'duplicate-path' | 'manifest-damaged' | 'content-damaged';
  /** What was found, as a sentence without a period. */
  readonly message: string;
  /** The manifest's id of the entry, where there is one. */
  readonly fileId?: string | undefined;
  /** Backup domain of the entry, where there is one. */
  readonly domain?: Domain | undefined;
  /** Path of the entry within the domain, where there is one. */
  readonly relativePath?: string | undefined;
  /** The error behind it, where there is one. */
  readonly cause?: unknown;
}

/** Called for everything that is found wrong in a manifest. It must not throw. */
export type OnBackupIssue = (issue: BackupIssue) => void;

/** One file, folder or symbolic link of a backup. */
export interface BackupFile extends FileRef {
  /** The manifest's id, lower-case hex SHA-1 of `domain-relativePath`; the name of the blob. */
  readonly fileId: string;
  /** From the flags of its row; from `mode` where they say nothing clear, and `file` where nothing does. */
  readonly kind: FileKind;
  /** Decrypted size in bytes as the record says; the content may differ (docs/format/blobs.md). 0 for folders and links. */
  readonly size: number;
  /** POSIX mode bits, including the type, e.g. 0o100644. */
  readonly mode: number;
  /** Owner on the device; signed, −2 is nobody. */
  readonly userId: number;
  /** Group on the device; signed. */
  readonly groupId: number;
  /** Inode on the device. `bigint` beyond 2^53 − 1. */
  readonly inode: number | bigint;
  /** Last change of the content, whole seconds. `undefined` where the record has none. */
  readonly modified: Date | undefined;
  /** Last change of the inode, whole seconds. */
  readonly statusChanged: Date | undefined;
  /** Creation, whole seconds. */
  readonly created: Date | undefined;
  /** Data protection class: 1 to 4 for files, 0 where there is none (docs/format/keybag.md). */
  readonly protectionClass: number;
  /** BSD file flags (`st_flags`). */
  readonly flags: number;
  /** Target of a symbolic link, as stored: relative or absolute, hostile until checked. */
  readonly linkTarget: string | undefined;
  /** SHA-1 of the stored (encrypted) content, 20 bytes; only some domains carry it. */
  readonly digest: Uint8Array | undefined;
  /** Whether the content is encrypted with a key of its own. */
  readonly isEncrypted: boolean;
  /** Extended attributes by name; empty where there are none. */
  readonly extendedAttributes: ReadonlyMap<string, Uint8Array>;
  /** What is known to be wrong without reading the content. */
  readonly problems: readonly FileProblem[];
  /** The whole content, decrypted. @throws {@link ManifestError} `MANIFEST_FILE_MISSING`, `MANIFEST_FILE_DAMAGED`, `MANIFEST_KEY_UNAVAILABLE`, `MANIFEST_NOT_A_FILE` */
  read(options?: ReadFileOptions): Promise<Uint8Array>;
  /** The content or a range of it, decrypted on the fly, in chunks of at most 256 KiB. Errors as for `read`. */
  stream(range?: ByteRange, options?: ReadFileOptions): AsyncIterable<Uint8Array>;
  /** Random access to the decrypted content; the caller closes it. Errors as for `read`. */
  open(options?: ReadFileOptions): Promise<FileContent>;
}

/** Options of reading one file. */
export interface ReadFileOptions extends AbortOptions {
  /** Give what is left of damaged content instead of an error. `false` by default. */
  recover?: boolean | undefined;
  /**
   * Largest stored content, in bytes, that `read` takes into memory; beyond it, it throws `FORMAT_LIMIT_EXCEEDED` before
   * anything is read. 2^31 − 1 by default. Without effect on `stream` and `open`, which are flat in memory.
   */
  maxBytes?: number | undefined;
}

/** The decrypted content of a file. */
export interface FileContent extends ByteSource {
  /** What was found to be wrong while opening. */
  readonly problems: readonly FileProblem[];
}

/** Which files to list. All given conditions must hold. */
export interface FileQuery {
  /** Exact domain, or several. */
  domain?: Domain | readonly Domain[] | undefined;
  /** Start of the domain, e.g. `AppDomain-`. */
  domainPrefix?: string | undefined;
  /** Start of the relative path at a component: `Library/SMS` gives it and what is below, not `Library/SMSX`. */
  pathPrefix?: string | undefined;
  /** Glob over the relative path (`*`, `?`, `[...]`, `**`, `{a,b}`), case-sensitive; over `domain/path` where it begins with `/`. */
  glob?: string | undefined;
  /** Kind of entry. */
  kind?: FileKind | undefined;
  /** Bundle or group id of an app: its container, groups are asked for by their own id. */
  app?: string | undefined;
}

/** The files of a backup. */
export interface FileIndex extends AsyncIterable<BackupFile> {
  /** Lists entries, ordered by domain and path (binary order). Filters run in SQL and no content is read. */
  list(query?: FileQuery, options?: AbortOptions): AsyncIterable<BackupFile>;
  /** One entry; `undefined` where the manifest has none. A path in NFC also finds its NFD form and the other way round. */
  get(ref: FileRef, options?: AbortOptions): Promise<BackupFile | undefined>;
  /** The entry with this `fileId`; `undefined` where there is none. */
  getById(fileId: string, options?: AbortOptions): Promise<BackupFile | undefined>;
  /** Number of entries. */
  count(query?: FileQuery, options?: AbortOptions): Promise<number>;
  /** Names of all domains, in binary order. */
  domains(options?: AbortOptions): Promise<readonly Domain[]>;
}

/** An app that the backup names. */
export interface BackupApp {
  /** Bundle id, e.g. `com.example.app`. */
  readonly bundleId: string;
  /** `CFBundleVersion`, where known. */
  readonly version: string | undefined;
  /** Container domains that belong to it, e.g. `AppDomain-com.example.app`. */
  readonly domains: readonly Domain[];
}

/** What the unencrypted property lists tell of a backup: needs no password. */
export interface BackupSummary {
  /** UDID: 40 lower-case hex digits, or 8 and 16 upper-case hex digits with a dash. `undefined` where nothing names it. */
  readonly udid: string | undefined;
  /** Name that its owner has given the device. `undefined` where no property list has it. */
  readonly deviceName: string | undefined;
  /** Model identifier, e.g. `iPhone15,2`. */
  readonly productType: string | undefined;
  /** iOS version, e.g. `17.4.1`. */
  readonly productVersion: string | undefined;
  /** Build, e.g. `21E236`. */
  readonly buildVersion: string | undefined;
  /** Serial number of the device. `undefined` where no property list has it. */
  readonly serialNumber: string | undefined;
  /** Phone number of the device as Info.plist has it. */
  readonly phoneNumber: string | undefined;
  /** IMEI of the first line as Info.plist has it. `undefined` for devices without cellular. */
  readonly imei: string | undefined;
  /** Number of the SIM card as Info.plist has it. `undefined` where there was none. */
  readonly iccid: string | undefined;
  /** End of the last run. */
  readonly lastBackupDate: Date | undefined;
  /** Whether the contents are encrypted, decided by content and not by the flag of Manifest.plist. */
  readonly isEncrypted: boolean;
  /** Whether the device had a passcode. `undefined` where unknown. */
  readonly wasPasscodeSet: boolean | undefined;
  /** Whether the last run was a full backup (both occur on complete folders). `undefined` where unknown. */
  readonly isFullBackup: boolean | undefined;
  /** Whether the last run ended well (`SnapshotState` is `finished`). `undefined` where Status.plist is missing. */
  readonly isFinished: boolean | undefined;
  /** Kind of manifest: `database` from iOS 10, `mbdb` before; `undefined` where there is neither and the backup cannot be opened. */
  readonly manifestKind: 'database' | 'mbdb' | undefined;
  /** Apps that the user installed. */
  readonly apps: readonly BackupApp[];
  /** What was found missing or contradictory in the top-level files; each a full sentence. */
  readonly warnings: readonly string[];
}

/** What datasets may use of a backup: `Backup` implements it, and so can anything else. */
export interface BackupReader {
  /** What the unencrypted property lists tell. */
  readonly summary: BackupSummary;
  /** What the manifest lists, with contents that are decrypted when they are read. */
  readonly files: FileIndex;
  /**
   * Opens a SQLite database with its `-wal`, both decrypted on read.
   *
   * @throws {@link ManifestError} as for reading a file, {@link DatabaseError}.
   */
  openDatabase(ref: FileRef, options?: AbortOptions): Promise<SqliteDatabase>;
}
