import type { AbortOptions } from '../core/abort.js';
import type { BackupTree } from '../core/backup-tree.js';
import { concatBytes, isBytes } from '../core/bytes.js';
import { isBackupKitError, ManifestError } from '../core/errors.js';
import { progressReporter, type ProgressOptions } from '../core/progress.js';
import { ResourceOwner } from '../core/resource.js';
import { keyBytes } from '../crypto/derive.js';
import { parseKeybag } from '../crypto/keybag.js';
import { unlockKeybag, type KeybagCredentials, type UnlockedKeybag } from '../crypto/unlock.js';
import { asBoolean, asData, asDict } from '../plist/guards.js';
import type { PlistDict } from '../plist/types.js';
import type { SqliteDatabase, SqliteDriver } from '../sqlite/driver.js';
import { preloadSqlite } from '../sqlite/paged/engine.js';
import { pagedDriver } from '../sqlite/paged/paged-driver.js';
import { type BackupFs, createBackupFs } from './backup-fs.js';
import { DevicePaths } from './device-paths.js';
import { directoryTree } from './directory-tree.js';
import { extractToArchive } from './extract/archive.js';
import { extractFiles } from './extract/extract.js';
import type {
  ArchiveStream,
  ArchiveTarget,
  ExtractArchiveOptions,
  ExtractOptions,
  ExtractReport,
} from './extract/types.js';
import { ContentReader } from './file-content.js';
import { ManifestFileIndex } from './file-index.js';
import { recordKeyBytes } from './obfuscation.js';
import { openBackupDatabase } from './open-database.js';
import { openManifest, type OpenedManifest } from './open-manifest.js';
import { summarize } from './summary.js';
import {
  backupsBelow,
  findManifest,
  hasMdinfoFiles,
  readTopLevelPlists,
  type StoredManifest,
  type TopLevelPlists,
} from './top-level.js';
import type { BackupReader, BackupSummary, FileIndex, FileRef, OnBackupIssue } from './types.js';

/** Progress of {@link Backup.open}. */
export interface OpenBackupProgress {
  /** Tells these from progress of another kind, where one callback takes several. */
  readonly type: 'phase';
  /** Reading the property lists, deriving the key from the password (seconds), or opening the manifest. */
  readonly phase: 'reading' | 'deriving-key' | 'opening-manifest';
}

/** Options of {@link Backup.inspect}. */
export interface InspectBackupOptions extends AbortOptions {
  /** Reads the manifest where it is needed to see what is encrypted; the built-in driver by default. */
  sqlite?: SqliteDriver | undefined;
}

/** Options of {@link Backup.open}. */
export interface OpenBackupOptions extends InspectBackupOptions, ProgressOptions<OpenBackupProgress> {
  /** The backup password, as typed. Not needed for a plain backup, where it is ignored. */
  password?: string | undefined;
  /** What {@link Backup.exportKey} gave: takes the place of the password and spares the seconds of key derivation. */
  key?: Uint8Array | undefined;
  /** Told of everything that is found wrong in the manifest while the rest is read. */
  onIssue?: OnBackupIssue | undefined;
}

/**
 * A backup of an iPhone or iPad, open for reading. Nothing in it is ever changed, and nothing decrypted touches a disk.
 *
 * Backups of all generations are read, from `Manifest.mbdb` (iOS 4 to 9) to today's encrypted `Manifest.db`. What a
 * backup is follows from its content and not from a version.
 *
 * @example
 * await using backup = await Backup.open(path, { password });
 * for await (const file of backup.files.list({ domain: 'CameraRollDomain' })) console.log(file.relativePath, file.size);
 */
export class Backup implements BackupReader, AsyncDisposable {
  /** What the property lists beside the manifest tell. */
  readonly summary: BackupSummary;
  /** The files of the backup. */
  readonly files: FileIndex;
  /** The files as a read-only file system, shaped like `node:fs/promises`. */
  readonly fs: BackupFs;
  readonly #owner: ResourceOwner;
  readonly #opened: OpenedManifest;
  readonly #sqlite: SqliteDriver;
  readonly #onIssue: OnBackupIssue | undefined;

  private constructor(parts: {
    summary: BackupSummary;
    files: ManifestFileIndex;
    devicePaths: DevicePaths;
    owner: ResourceOwner;
    opened: OpenedManifest;
    sqlite: SqliteDriver;
    onIssue: OnBackupIssue | undefined;
  }) {
    this.summary = parts.summary;
    this.files = parts.files;
    this.fs = createBackupFs(parts.files, parts.devicePaths);
    this.#owner = parts.owner;
    this.#opened = parts.opened;
    this.#sqlite = parts.sqlite;
    this.#onIssue = parts.onIssue;
  }

  /**
   * Opens a backup: a folder, or any other {@link BackupTree}.
   *
   * @throws {@link ManifestError} with code
   * `MANIFEST_NOT_A_BACKUP`, `MANIFEST_ACCESS_DENIED`, `MANIFEST_VERSION_UNSUPPORTED` (iPhone OS 1 to 3);
   * `MANIFEST_PASSWORD_REQUIRED`, `MANIFEST_PASSWORD_INCORRECT`;
   * `MANIFEST_CORRUPT` where the manifest or its key is missing or damaged;
   * `MANIFEST_DECRYPTION_FAILED` where the password and all keys are right and Manifest.db still gives no database.
   * @throws {@link FormatError} with format `keybag` where the keybag is damaged or of an unsupported version.
   */
  static async open(source: string | BackupTree, options: OpenBackupOptions = {}): Promise<Backup> {
    const { password, signal, onIssue, onProgress } = options;
    const credentials = checkCredentials(options);
    const tree = asTree(source);
    signal?.throwIfAborted();
    const progress = progressReporter(onProgress);
    const phase = (name: OpenBackupProgress['phase']): void => {
      progress.force('phase', () => ({ type: 'phase', phase: name }));
    };
    phase('reading');
    const { plists, stored } = await readTopLevel(tree, { signal, preload: options.sqlite === undefined });
    if (stored === undefined) throw await noManifest(tree, { signal });
    const sqlite = options.sqlite ?? pagedDriver();
    const owner = new ResourceOwner();
    try {
      const unlock = async (): Promise<UnlockedKeybag> => {
        if (password !== undefined || credentials.key !== undefined) phase('deriving-key');
        const keys = owner.attach(await unlockKeybag(keybagOf(plists.manifest), credentials, { signal }));
        phase('opening-manifest');
        return keys;
      };
      const { recordKey } = credentials;
      const opened = await openManifest(stored, {
        tree,
        plist: plists.manifest,
        sqlite,
        owner,
        unlock,
        recordKey,
        onIssue,
        signal,
      });
      owner.attach(opened.manifest);
      const summary = summarize(plists, {
        manifestKind: stored.kind,
        isEncrypted: opened.keys !== undefined,
        warnings: opened.warnings,
      });
      const checkOpen = (): void => {
        if (owner.closed) throw new ManifestError('MANIFEST_CLOSED', 'The backup was closed');
      };
      const content = new ContentReader({
        tree,
        layout: stored.kind === 'database' ? 'sharded' : 'flat',
        mayBeInSnapshot: summary.isFinished !== true,
        keys: opened.keys,
        checkOpen,
      });
      const files = new ManifestFileIndex({ manifest: opened.manifest, content, checkOpen, onIssue });
      const devicePaths = new DevicePaths(asDict(plists.manifest?.get('Applications')));
      return new Backup({ summary, files, devicePaths, owner, opened, sqlite, onIssue });
    } catch (error) {
      await owner.close();
      throw error;
    }
  }

  /**
   * What a backup is, without its password: device, iOS, dates, apps, whether it is encrypted and whether it is complete.
   * Missing and unreadable property lists become {@link BackupSummary.warnings}.
   *
   * @throws {@link ManifestError} with code `MANIFEST_NOT_A_BACKUP` or `MANIFEST_ACCESS_DENIED`.
   */
  static async inspect(source: string | BackupTree, options: InspectBackupOptions = {}): Promise<BackupSummary> {
    const { signal, sqlite = pagedDriver() } = options;
    const tree = asTree(source);
    signal?.throwIfAborted();
    const { plists, stored } = await readTopLevel(tree, { signal });
    const declared = asBoolean(plists.manifest?.get('IsEncrypted')) === true;
    if (stored === undefined) {
      const isOld = await hasMdinfoFiles(tree, { signal });
      const warning = isOld ? 'The backup is of iPhone OS 1 to 3, which is not read.' : 'There is no manifest.';
      return summarize(plists, { manifestKind: undefined, isEncrypted: declared, warnings: [warning] });
    }
    const { isEncrypted, warnings } = await seeEncryption(stored, { tree, plists, sqlite, signal, declared });
    return summarize(plists, { manifestKind: stored.kind, isEncrypted, warnings });
  }

  /**
   * Opens a SQLite database of the backup together with its `-wal`, where there is one. Close it when done; closing the
   * backup closes it too.
   *
   * @throws {@link ManifestError} with code `MANIFEST_FILE_NOT_FOUND`, or as for reading a file; {@link DatabaseError}
   */
  async openDatabase(ref: FileRef, options: AbortOptions = {}): Promise<SqliteDatabase> {
    return await openBackupDatabase(ref, {
      files: this.files,
      sqlite: this.#sqlite,
      owner: this.#owner,
      onIssue: this.#onIssue,
      signal: options.signal,
    });
  }

  /**
   * Extracts files, decrypted and under their own names and times, to a folder or an archive. All by default; the options
   * choose one file, a folder, a domain, a glob. A file that cannot be read is in the report, and the others go on.
   *
   * @param target - a folder, made where it is missing, or an archive
   * @throws {@link IoError} where the target cannot be written; {@link ManifestError} with code `MANIFEST_CLOSED`
   *
   * @example
   * const report = await backup.extract('out', { domain: 'CameraRollDomain', onProgress });
   * for (const issue of report.issues) console.warn(issue.message);
   */
  async extract(target: string | ArchiveTarget, options: ExtractOptions = {}): Promise<ExtractReport> {
    return await extractFiles(this.files, target, options);
  }

  /** The same as the bytes of a tar or zip archive, made while they are taken, in memory that does not grow with them. */
  archive(options: ExtractArchiveOptions): ArchiveStream {
    return extractToArchive(this.files, options);
  }

  /**
   * The key that was derived from the password, to pass as `key` next time: 32 bytes, and 48 for a backup of iOS 10.0,
   * whose records have a key of their own. `undefined` for a plain backup. It opens the backup as the password does:
   * keep it as secret.
   *
   * @throws {@link ManifestError} with code `MANIFEST_CLOSED`.
   */
  exportKey(): Uint8Array | undefined {
    if (this.#owner.closed) throw new ManifestError('MANIFEST_CLOSED', 'The backup was closed');
    const { keys, recordKey } = this.#opened;
    return keys && concatBytes([keys.exportKey(), recordKey ?? new Uint8Array(0)]);
  }

  /** Closes the backup and all databases that were opened from it, and wipes its keys. Calling it again does nothing. */
  async close(): Promise<void> {
    await this.#owner.close();
  }

  /** Same as {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function asTree(source: string | BackupTree): BackupTree {
  if (typeof source === 'string') return directoryTree(source);
  if (typeof source === 'object' && typeof source.open === 'function') return source;
  throw new TypeError('source must be the path of a folder or a BackupTree');
}

/** @throws TypeError, RangeError */
function checkCredentials({
  password,
  key,
}: OpenBackupOptions): KeybagCredentials & { recordKey: Uint8Array | undefined } {
  if (password !== undefined && typeof password !== 'string') throw new TypeError('password must be a string');
  if (key === undefined) return { password, recordKey: undefined };
  if (!isBytes(key)) throw new TypeError('key must be a Uint8Array');
  if (key.length !== keyBytes && key.length !== keyBytes + recordKeyBytes) {
    throw new RangeError(`key must have ${keyBytes} or ${keyBytes + recordKeyBytes} bytes, not ${key.length}`);
  }
  const recordKey = key.length > keyBytes ? key.slice(keyBytes) : undefined;
  return { password, key: key.slice(0, keyBytes), recordKey };
}

/** @throws {@link ManifestError} `MANIFEST_NOT_A_BACKUP` */
async function readTopLevel(
  tree: BackupTree,
  options: AbortOptions & { preload?: boolean },
): Promise<{ plists: TopLevelPlists; stored: StoredManifest | undefined }> {
  const stored = await findManifest(tree, options);
  // Loads while files are read and, in a thread of the pool, the key is derived.
  if (options.preload === true && stored?.kind === 'database') preloadSqlite().catch(() => undefined);
  const plists = await readTopLevelPlists(tree, options);
  if (stored === undefined && plists.info === undefined && plists.manifest === undefined) {
    const [below] = await backupsBelow(tree, options);
    throw new ManifestError(
      'MANIFEST_NOT_A_BACKUP',
      below === undefined
        ? 'There is no backup here; give the folder that has Manifest.db, Manifest.mbdb or Info.plist in it'
        : `This is not a backup but a folder of backups; give one of them, for instance ${below}`,
    );
  }
  return { plists, stored };
}

async function noManifest(tree: BackupTree, options: AbortOptions): Promise<ManifestError> {
  return (await hasMdinfoFiles(tree, options))
    ? new ManifestError('MANIFEST_VERSION_UNSUPPORTED', 'Backups of iPhone OS 1 to 3 (.mdinfo files) are not read')
    : new ManifestError('MANIFEST_CORRUPT', 'The backup has neither Manifest.db nor Manifest.mbdb');
}

function keybagOf(plist: PlistDict | undefined): ReturnType<typeof parseKeybag> {
  const keybag = asData(plist?.get('BackupKeyBag'));
  if (keybag !== undefined) return parseKeybag(keybag);
  throw new ManifestError(
    'MANIFEST_CORRUPT',
    'The backup is encrypted, and Manifest.plist with its keys (BackupKeyBag) is missing or unreadable',
  );
}

/** Thrown in place of asking for a password. */
class NeedsKeys extends Error {}

/** Whether a backup is encrypted, seen by opening it as far as that goes without its keys. */
async function seeEncryption(
  stored: StoredManifest,
  options: AbortOptions & { tree: BackupTree; plists: TopLevelPlists; sqlite: SqliteDriver; declared: boolean },
): Promise<{ isEncrypted: boolean; warnings: readonly string[] }> {
  const { tree, plists, sqlite, signal, declared } = options;
  const owner = new ResourceOwner();
  try {
    const { manifest, warnings } = await openManifest(stored, {
      tree,
      plist: plists.manifest,
      sqlite,
      owner,
      recordKey: undefined,
      onIssue: undefined,
      signal,
      unlock: () => Promise.reject(new NeedsKeys()),
    });
    await manifest.close();
    return { isEncrypted: false, warnings };
  } catch (error) {
    if (error instanceof NeedsKeys) return { isEncrypted: true, warnings: [] };
    if (!isBackupKitError(error) || error.code === 'MANIFEST_ACCESS_DENIED') throw error;
    return { isEncrypted: declared, warnings: [`${error.message}.`] };
  } finally {
    await owner.close();
  }
}
