import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { isBackupKitError, ManifestError, type BackupKitError } from '../core/errors.js';
import { Backup, type InspectBackupOptions } from './backup.js';
import { defaultBackupFolders } from './default-folders.js';
import { directoryTree } from './directory-tree.js';
import { isAbsent, readError } from './regular-file.js';
import { isBackup } from './top-level.js';
import type { BackupSummary } from './types.js';

/** A backup in a folder. */
export interface ListedBackup extends BackupSummary {
  /** Absolute path of its folder. */
  readonly path: string;
  /** Why nothing could be read of it; then the rest is unknown. `undefined` where it could. */
  readonly error: BackupKitError | undefined;
}

/**
 * Lists backups, by the name of their folder: those of this computer, or those in the folder `root`, which may also be a
 * backup itself. Each is inspected without its password. One that cannot be read is listed with its `error`, so that
 * nothing is missing; other folders are passed over.
 *
 * Without `root` these folders are looked at, where they exist:
 * - macOS: `~/Library/Application Support/MobileSync/Backup`;
 * - Windows: `%APPDATA%\Apple Computer\MobileSync\Backup` (iTunes), `%USERPROFILE%\Apple\MobileSync\Backup` (iTunes of the
 *   Microsoft Store, and Apple Devices).
 *
 * @throws {@link ManifestError} with code `MANIFEST_NOT_A_BACKUP` where `root` is no folder, or is left out on a system on
 * which there is no such folder; `MANIFEST_ACCESS_DENIED` where the system does not allow to read the folder: on macOS it
 * takes Full Disk Access.
 */
export async function* listBackups(
  root?: string,
  options: InspectBackupOptions = {},
): AsyncGenerator<ListedBackup, void, undefined> {
  options.signal?.throwIfAborted();
  if (root !== undefined) {
    if (typeof root !== 'string' || root === '') throw new TypeError('root must be the path of a folder');
    yield* listFolder(resolve(root), options);
    return;
  }
  const folders = defaultBackupFolders(process.platform, process.env, homedir());
  if (folders.length === 0) {
    throw new ManifestError(
      'MANIFEST_NOT_A_BACKUP',
      'There is no default folder for backups on this system; give the folder that has them',
    );
  }
  for (const folder of folders) if (await isFolder(folder)) yield* listFolder(folder, options);
}

async function* listFolder(
  folder: string,
  options: InspectBackupOptions,
): AsyncGenerator<ListedBackup, void, undefined> {
  if (!(await isFolder(folder))) throw new ManifestError('MANIFEST_NOT_A_BACKUP', `${folder} is not a folder`);
  const names = (await isBackup(directoryTree(folder), options)) ? [''] : await namesIn(folder);
  for (const name of names.toSorted()) {
    options.signal?.throwIfAborted();
    const path = join(folder, name);
    const listed = await inspectFolder(path, options);
    if (listed !== undefined) yield listed;
  }
}

/** The backup in a folder; `undefined` where it is none. */
async function inspectFolder(path: string, options: InspectBackupOptions): Promise<ListedBackup | undefined> {
  try {
    if (!(await isFolder(path)) || !(await isBackup(directoryTree(path), options))) return undefined;
    return { ...(await Backup.inspect(path, options)), path, error: undefined };
  } catch (error) {
    if (!isBackupKitError(error)) throw error;
    return { ...unknownBackup, path, error, warnings: [`${error.message}.`] };
  }
}

/** What is known of a backup that cannot be read. */
const unknownBackup: BackupSummary = {
  udid: undefined,
  deviceName: undefined,
  productType: undefined,
  productVersion: undefined,
  buildVersion: undefined,
  serialNumber: undefined,
  phoneNumber: undefined,
  imei: undefined,
  iccid: undefined,
  lastBackupDate: undefined,
  isEncrypted: false,
  wasPasscodeSet: undefined,
  isFullBackup: undefined,
  isFinished: undefined,
  manifestKind: undefined,
  apps: [],
  warnings: [],
};

/** Links are followed here: people move their backups to another disk and leave one. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isAbsent(error)) return false;
    throw readError(error, path, 'examining');
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw readError(error, folder, 'listing');
  }
}
