import { isBackupKitError } from '../../../../core/errors.js';
import { asDict, asString } from '../../../../plist/guards.js';
import { parsePlist } from '../../../../plist/parse.js';
import type { PlistDict } from '../../../../plist/types.js';
import { Backup, type OpenBackupOptions } from '../../../../manifest/backup.js';
import { backupFailure } from './failure.js';
import type { StagedTree } from './staged-tree.js';

/** Number of the major version in `17.4`; 0 where there is none. */
export const majorOf = (version: string | undefined): number => Number.parseInt(version ?? '0', 10) || 0;

/** Name of the manifest of an iOS version. */
export const manifestName = (ios: string | undefined): 'Manifest.db' | 'Manifest.mbdb' =>
  majorOf(ios) >= 10 ? 'Manifest.db' : 'Manifest.mbdb';

/** Where a payload lies in the folder of a backup: in a folder of its first two digits, or at the top before iOS 10. */
export const payloadPath = (fileId: string, isSharded: boolean): string =>
  isSharded ? `${fileId.slice(0, 2)}/${fileId}` : fileId;

/** A property list out of the host's metadata. @throws BackupFailure 205 where it is absent or empty, 11 where it cannot be read. */
export async function readList(tree: StagedTree, name: string): Promise<PlistDict> {
  const bytes = await tree.read(name);
  if (bytes === undefined) throw backupFailure('invalidBackup', `${name} is missing`);
  if (bytes.length === 0) throw backupFailure('invalidBackup', `${name} is empty`);
  try {
    const dict = asDict(parsePlist(bytes));
    if (dict !== undefined) return dict;
  } catch (error) {
    if (!isBackupKitError(error)) throw error;
  }
  throw backupFailure('unreadableList', `${name} cannot be deserialized`);
}

/** A text of the dictionary `Lockdown` in Manifest.plist. */
export function lockdownText(manifest: PlistDict, key: string): string | undefined {
  return asString(asDict(manifest.get('Lockdown'))?.get(key));
}

/** Opens what the host has sent. @throws BackupFailure 207 for a password that is missing or wrong, 205 where it cannot be opened. */
export async function openStaged(
  tree: StagedTree,
  credentials: Pick<OpenBackupOptions, 'password' | 'key'>,
): Promise<Backup> {
  try {
    return await Backup.open(tree, credentials);
  } catch (error) {
    if (isBackupKitError(error, 'MANIFEST_PASSWORD_REQUIRED') || isBackupKitError(error, 'MANIFEST_PASSWORD_INCORRECT'))
      throw backupFailure('wrongPassword', 'Invalid password');
    if (isBackupKitError(error)) throw backupFailure('invalidBackup', `The backup cannot be opened: ${error.message}`);
    throw error;
  }
}
