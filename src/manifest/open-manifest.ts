import type { AbortOptions } from '../core/abort.js';
import type { BackupTree } from '../core/backup-tree.js';
import { readAll, type ByteSource } from '../core/byte-source.js';
import { latin1Decode } from '../core/bytes.js';
import { isBackupKitError, ManifestError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { ResourceOwner } from '../core/resource.js';
import { blockBytes } from '../crypto/cbc.js';
import { openDecryptedDatabase } from '../crypto/decrypted-source.js';
import { legacyRecordKey } from '../crypto/legacy-manifest.js';
import type { UnlockedKeybag } from '../crypto/unlock.js';
import { asBoolean, asData } from '../plist/guards.js';
import type { PlistDict } from '../plist/types.js';
import type { SqliteDatabase, SqliteDriver } from '../sqlite/driver.js';
import { DatabaseManifest } from './database-manifest.js';
import { plainRecord } from './database-row.js';
import { contentsAreEncrypted, sqliteMagic } from './encryption.js';
import type { Manifest } from './manifest.js';
import { MbdbManifest } from './mbdb-manifest.js';
import { scanMbdb } from './mbdb.js';
import { findObfuscation, obfuscatedRecords } from './obfuscation.js';
import { openTreeFile, type StoredManifest } from './top-level.js';
import type { OnBackupIssue } from './types.js';

/** What {@link openManifest} needs. */
export interface OpenManifestOptions extends AbortOptions {
  readonly tree: BackupTree;
  /** Manifest.plist. */
  readonly plist: PlistDict | undefined;
  readonly sqlite: SqliteDriver;
  /** Gets everything that has to be closed in the end, also when opening fails. */
  readonly owner: ResourceOwner;
  /** Opens the keybag; called once at most, when it shows that keys are needed. */
  readonly unlock: () => Promise<UnlockedKeybag>;
  /** Key of obfuscated records, where one was exported earlier. */
  readonly recordKey: Uint8Array | undefined;
  readonly onIssue: OnBackupIssue | undefined;
}

/** An open manifest and what opens the contents. */
export interface OpenedManifest {
  readonly manifest: Manifest;
  /** `undefined` where the contents are plain. */
  readonly keys: UnlockedKeybag | undefined;
  /** Key of obfuscated records, which only encrypted backups of iOS 10.0 have. */
  readonly recordKey: Uint8Array | undefined;
  /** In full sentences. */
  readonly warnings: readonly string[];
}

/**
 * Opens a manifest of any generation. What it is, and whether it and the contents are encrypted, is decided by what is
 * stored and never by what a version or a flag says: docs/format/folder.md.
 */
export async function openManifest(stored: StoredManifest, options: OpenManifestOptions): Promise<OpenedManifest> {
  return stored.kind === 'database' ? await openDatabase(stored, options) : await openMbdb(stored, options);
}

async function openMbdb({ path }: StoredManifest, options: OpenManifestOptions): Promise<OpenedManifest> {
  const source = await openTreeFile(options.tree, path, options);
  const warnings: string[] = [];
  try {
    const file = await scanMbdb(await readAll(source, { ...options, limit: limits.mbdbBytes, what: path }), options);
    if (file.damage !== undefined) {
      const message = `${path} is damaged at offset ${file.damage.offset}; the ${file.offsets.length} entries before it were read`;
      options.onIssue?.({ kind: 'manifest-damaged', message, cause: file.damage });
      warnings.push(`${message}.`);
    }
    const manifest = new MbdbManifest(file);
    const keys = (await areContentsEncrypted(manifest, options)) ? await options.unlock() : undefined;
    return { manifest, keys, recordKey: undefined, warnings };
  } finally {
    await source.close();
  }
}

async function openDatabase({ path }: StoredManifest, options: OpenManifestOptions): Promise<OpenedManifest> {
  const { owner } = options;
  const source = owner.attach(await openTreeFile(options.tree, path, options));
  if (source.size === 0) throw new ManifestError('MANIFEST_CORRUPT', `${path} is empty`);
  const isReadable = await isDatabase(source, options);
  if (!isReadable && source.size % blockBytes !== 0 && !options.plist?.has('ManifestKey')) {
    throw new ManifestError('MANIFEST_CORRUPT', `${path} is neither a database nor an encrypted one`);
  }
  const keys = isReadable ? undefined : await options.unlock();
  const db = keys === undefined ? await openPlain(source, path, options) : await openEncrypted(source, keys, options);
  owner.attach(db);
  return await readSchema(db, { keys, isReadable }, options);
}

async function readSchema(
  db: SqliteDatabase,
  { keys: manifestKeys, isReadable }: { keys: UnlockedKeybag | undefined; isReadable: boolean },
  options: OpenManifestOptions,
): Promise<OpenedManifest> {
  const salt = await findObfuscation(db, options);
  if (salt !== undefined) {
    const keys = manifestKeys ?? (await options.unlock());
    const recordKey = recordKeyOf(keys, salt, options);
    const manifest = await DatabaseManifest.open(db, obfuscatedRecords(recordKey), options);
    return { manifest, keys, recordKey, warnings: [] };
  }
  const manifest = await DatabaseManifest.open(db, plainRecord, options);
  const needsKeys = isReadable && (await areContentsEncrypted(manifest, options));
  return { manifest, keys: needsKeys ? await options.unlock() : manifestKeys, recordKey: undefined, warnings: [] };
}

async function isDatabase(source: ByteSource, options: AbortOptions): Promise<boolean> {
  return latin1Decode(await source.read(0, sqliteMagic.length, options)) === sqliteMagic;
}

async function openPlain(source: ByteSource, path: string, options: OpenManifestOptions): Promise<SqliteDatabase> {
  const { owner, sqlite, tree, signal } = options;
  // Never part of a backup, but tools that work on a copy leave one, and then the latest rows are in it.
  const wal = await tree.open(`${path}-wal`, options);
  if (wal !== undefined) owner.attach(wal);
  return await asManifestError(
    sqlite.open({ db: source, ...(wal !== undefined && wal.size > 0 && { wal }) }, { signal }),
  );
}

async function openEncrypted(
  source: ByteSource,
  keys: UnlockedKeybag,
  { plist, sqlite, signal }: OpenManifestOptions,
): Promise<SqliteDatabase> {
  const wrapped = asData(plist?.get('ManifestKey'));
  if (wrapped === undefined) {
    throw new ManifestError(
      'MANIFEST_CORRUPT',
      'Manifest.db is encrypted, and Manifest.plist does not have its key (ManifestKey)',
    );
  }
  const decrypted = await openDecryptedDatabase(source, { key: keys.unwrapManifestKey(wrapped), signal });
  if (!(await isDatabase(decrypted, { signal }))) {
    throw new ManifestError(
      'MANIFEST_DECRYPTION_FAILED',
      'Manifest.db does not decrypt to a database, although the password and the key of it are right; it was altered or belongs to another backup',
    );
  }
  return await asManifestError(sqlite.open({ db: decrypted }, { signal }));
}

async function asManifestError(opening: Promise<SqliteDatabase>): Promise<SqliteDatabase> {
  try {
    return await opening;
  } catch (cause) {
    if (!isBackupKitError(cause, 'DATABASE_CORRUPT')) throw cause;
    throw new ManifestError('MANIFEST_CORRUPT', `Manifest.db is damaged: ${cause.message}`, { cause });
  }
}

/** For a manifest that is readable as it is. */
async function areContentsEncrypted(manifest: Manifest, options: OpenManifestOptions): Promise<boolean> {
  const { tree, plist } = options;
  const shown = await contentsAreEncrypted(tree, manifest, options);
  if (shown !== undefined) return shown;
  // No content shows it. A key for Manifest.db means that this is a decrypted copy.
  return asBoolean(plist?.get('IsEncrypted')) === true && !plist?.has('ManifestKey');
}

function recordKeyOf(keys: UnlockedKeybag, salt: Uint8Array, { recordKey }: OpenManifestOptions): Uint8Array {
  if (recordKey !== undefined) return recordKey;
  if (keys.password !== undefined) return legacyRecordKey(keys.password, salt);
  throw new ManifestError(
    'MANIFEST_PASSWORD_REQUIRED',
    'The records of this iOS 10.0 backup need the password, or a key of 48 bytes that was exported from this backup',
  );
}
