import { readdir } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { AbortOptions } from '../core/abort.js';
import type { BackupTree } from '../core/backup-tree.js';
import { BackupSessionError } from '../core/errors.js';
import { treeBelow } from '../core/prefixed-tree.js';
import type { AfcClient } from '../device/afc/afc-client.js';
import { asDict } from '../plist/guards.js';
import type { PlistDict } from '../plist/types.js';
import { writeXmlPlist } from '../plist/xml-write.js';
import { readMetadata } from './backup-metadata.js';
import type { BackupDevice } from './device-host.js';
import { directorySink } from '../folder/directory-sink.js';
import { asHost } from './host-run.js';
import type { RestoreOptions, RestoreResult } from './session.js';

/** Options of {@link restoreDevice}. */
export interface RestoreDeviceOptions extends RestoreOptions {
  /**
   * The folder in which backups lie, or that of one backup; or a tree of either: one whose folder is named after its UDID, or a
   * version of a store.
   */
  from: string | BackupTree;
  /** Leaves out the list of apps, so that the device installs none again; false by default. */
  skipApps?: boolean | undefined;
}

/** Where a device looks for the apps that it is to install after a restore. */
const appsFolder = '/iTunesRestore';
const appsPath = `${appsFolder}/RestoreApplications.plist`;

/**
 * Restores a device from a backup of its own, or of another device (`source`), and does all that is the host's: it checks that
 * the backup is complete, keeps other programs from syncing, tells the device which apps to install again, and stops when the
 * owner cancels. The backup is not changed. The device restarts afterwards.
 *
 * Find My must be off, the device set up and unlocked, and its iOS not older than that of the backup.
 *
 * @throws {@link BackupSessionError}: `BACKUP_INCOMPLETE` where the backup is not there or not complete,
 * `BACKUP_PASSWORD_REQUIRED`, `BACKUP_PASSWORD_INCORRECT`, and those of `backUpDevice`
 *
 * @example
 * await using device = await Device.connect();
 * await restoreDevice(device, { from: '/backups', password });
 */
export async function restoreDevice(device: BackupDevice, options: RestoreDeviceOptions): Promise<RestoreResult> {
  const { from } = options;
  options.signal?.throwIfAborted();
  if (typeof from !== 'string') {
    const source = options.source ?? device.udid;
    const isBackup = (await readMetadata(from, 'Info.plist', options)) !== undefined;
    return await restoreFrom(isBackup ? treeBelow(from, source) : from, source, device, options);
  }
  const { root, source } = await locate(from, options.source ?? device.udid);
  // As a sink, so that what the device may write beside the backup goes nowhere.
  await using tree = directorySink(root, { udid: source });
  return await restoreFrom(tree, source, device, options);
}

async function restoreFrom(
  tree: BackupTree,
  source: string,
  device: BackupDevice,
  options: RestoreDeviceOptions,
): Promise<RestoreResult> {
  const info = await readMetadata(tree, `${source}/Info.plist`, options);
  if (info === undefined) throw incomplete(`There is no backup of ${source} with an Info.plist that can be read`);
  const apps = options.skipApps === true ? undefined : asDict(info.get('Applications'));
  return await asHost(device, options, async ({ session, afc, options: common }) => {
    if (apps !== undefined) await writeApps(afc, apps, common);
    try {
      return await session.restore(tree, { ...options, ...common, source });
    } catch (error) {
      if (apps !== undefined) await removeApps(afc);
      throw error;
    }
  });
}

async function writeApps(afc: AfcClient, apps: PlistDict, options: AbortOptions): Promise<void> {
  await afc.mkdir(appsFolder, options);
  await afc.writeFile(appsPath, writeXmlPlist(apps), options);
}

/** So that the device does not install apps of a restore that has not happened. A device that is gone keeps the list. */
async function removeApps(afc: AfcClient): Promise<void> {
  for (const path of [appsPath, appsFolder]) await afc.rm(path, { force: true }).catch(() => undefined);
}

/** Root and folder of a backup, given the root or the folder itself. */
async function locate(from: string, source: string): Promise<{ root: string; source: string }> {
  const full = resolve(from);
  try {
    if ((await readdir(full)).includes('Info.plist')) return { root: dirname(full), source: basename(full) };
  } catch (cause) {
    throw incomplete(`The folder ${full} cannot be read`, cause);
  }
  return { root: full, source };
}

function incomplete(what: string, cause?: unknown): BackupSessionError {
  return new BackupSessionError('BACKUP_INCOMPLETE', `${what}; give the folder in which backups lie, or a backup`, {
    cause,
  });
}
