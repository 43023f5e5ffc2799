import { equalBytes } from '../../../../core/bytes.js';
import { isBackupKitError } from '../../../../core/errors.js';
import { ManifestFile } from '../../../../manifest/backup-file.js';
import { asBoolean, asData, asString } from '../../../../plist/guards.js';
import { fileIdOf, type EntryRecord } from '../../../backup-builder/entry-record.js';
import type { BackupKeys } from '../../../backup-builder/keys.js';
import { recordOf } from '../../file-system/record-of.js';
import { backupFailure } from './failure.js';
import { lockdownText, manifestName, openStaged, readList } from './host-metadata.js';
import { StagedTree } from './staged-tree.js';
import type { BackupTask } from './task.js';

/** What the host has of a file: its record with key and digest. */
export type PreviousFiles = ReadonlyMap<
  string,
  Pick<EntryRecord, 'size' | 'modified' | 'inode' | 'protectionClass' | 'key' | 'digest'>
>;

/** States of a run that ended before its files were moved, so that what was there before is whole. */
const unharmed: ReadonlySet<string | undefined> = new Set(['finished', 'uploading']);

/**
 * The files of the backup that the host has, where the device can add to it: the metadata is there and fits together, it is of
 * this device, and encrypted with the present keys or as plain as the new one. `undefined` where it has to begin anew.
 *
 * @throws BackupFailure 205 or 11 for metadata that is there and of no use: empty or damaged
 */
export async function readPreviousBackup(task: BackupTask, keys: BackupKeys): Promise<PreviousFiles | undefined> {
  const { agent } = task;
  const tree = new StagedTree();
  try {
    const isForced = asBoolean(task.request.options.get('ForceFullBackup')) === true;
    const hasStatus = (await tree.fetch(task, ['Status.plist'])).size === 0;
    if (!hasStatus || isForced) return undefined;
    const name = manifestName(agent.device.ios);
    const missing = await tree.fetch(task, ['Manifest.plist', name]);
    if (missing.size > 0) return undefined;
    const status = await readList(tree, 'Status.plist');
    if (!unharmed.has(asString(status.get('SnapshotState')))) return undefined;
    const manifest = await readList(tree, 'Manifest.plist');
    if (lockdownText(manifest, 'UniqueDeviceID') !== agent.device.udid) return undefined;
    const isEncrypted = agent.password !== undefined;
    if ((asBoolean(manifest.get('IsEncrypted')) ?? false) !== isEncrypted) return undefined;
    const keybag = asData(manifest.get('BackupKeyBag'));
    if (isEncrypted && (keybag === undefined || !equalBytes(keybag, keys.keybag))) return undefined;
    return await readFiles(tree, isEncrypted ? keys.exportKey() : undefined);
  } finally {
    await tree.close();
  }
}

async function readFiles(tree: StagedTree, key: Uint8Array | undefined): Promise<PreviousFiles> {
  await using backup = await openStaged(tree, { key });
  const files = new Map<string, EntryRecord>();
  try {
    for await (const file of backup.files.list({ kind: 'file' })) {
      const wrapped = file instanceof ManifestFile ? file.wrappedKey : undefined;
      files.set(file.fileId, { ...recordOf(file), key: wrapped?.slice(), digest: file.digest });
    }
  } catch (error) {
    if (isBackupKitError(error)) throw backupFailure('invalidBackup', `The manifest is damaged: ${error.message}`);
    throw error;
  }
  return files;
}

/** Whether the host has the present content of a file. */
export function isUnchanged(record: EntryRecord, previous: PreviousFiles | undefined): boolean {
  const known = previous?.get(fileIdOf(record.domain, record.relativePath));
  return (
    known !== undefined &&
    known.size === record.size &&
    known.modified === record.modified &&
    known.inode === record.inode &&
    known.protectionClass === record.protectionClass
  );
}
