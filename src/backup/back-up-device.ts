import { basename, dirname, resolve } from 'node:path';
import type { BackupArchive, BackupSink } from '../core/backup-tree.js';
import { BackupSessionError } from '../core/errors.js';
import { writeXmlPlist } from '../plist/xml-write.js';
import { readBackupState, sizeOf } from './backup-metadata.js';
import type { BackupDevice } from './device-host.js';
import { directorySink } from '../folder/directory-sink.js';
import { asHost } from './host-run.js';
import { createInfoPlist } from './info-plist.js';
import type { BackUpOptions, BackupResult } from './session.js';

/** Options of {@link backUpDevice}. */
export interface BackUpDeviceOptions extends BackUpOptions {
  /** The folder in which backups lie, one folder each, named after the UDID of the device; or a sink, which stays open. */
  to: string | BackupSink;
}

/** Options of {@link backUpDevice} into an archive. */
export interface ArchiveDeviceOptions<Version> extends BackUpOptions {
  /** What keeps the backup as a version of its own, e.g. a `SnapshotStore`. */
  to: BackupArchive<Version>;
}

/** What came of a backup into an archive. */
export interface ArchivedBackup<Version> extends BackupResult {
  /** The version that it has become. */
  readonly version: Version;
}

/** Room without which no device begins, in bytes. */
const leastFreeBytes = 128 * 1024 * 1024;

/** Files without which a device cannot add to a backup. */
const metadataNames = ['Status.plist', 'Manifest.plist', 'Manifest.db', 'Manifest.mbdb'];

/**
 * Backs a device up into `to/<UDID>`, as other host tools do, and does all that is the host's: it looks at the last backup and
 * the free space, keeps other programs from syncing, writes Info.plist with apps and icons, tells when the device waits for its
 * passcode, and stops when the owner cancels. A backup of an earlier run is added to where the device can, and replaced only
 * when the new one is complete: until then, and after any failure, it is what it was.
 *
 * Newer devices ask for their passcode at each backup: tell the user at `waiting-for-passcode`.
 *
 * @throws {@link BackupSessionError}: `BACKUP_DEVICE_LOCKED`, `BACKUP_DEVICE_BUSY`, `BACKUP_NO_SPACE`, `BACKUP_CANCELLED`,
 * `BACKUP_INCOMPLETE`, `BACKUP_UNSAFE_PATH`, `BACKUP_IN_USE`, `BACKUP_REMOTE_FAILED`; DeviceError where the device refuses a
 * service, or `DEVICE_DISCONNECTED`; ProtocolError; IoError for the folder; the signal's reason
 *
 * @example
 * await using device = await Device.connect();
 * await backUpDevice(device, { to: '/backups', onProgress: (event) => console.log(event) });
 */
export async function backUpDevice(device: BackupDevice, options: BackUpDeviceOptions): Promise<BackupResult>;
/**
 * Backs a device up into an archive, as a version of its own: the last one stays what it is.
 *
 * @example
 * await using store = await SnapshotStore.open('/backups', { create: true });
 * const { version } = await backUpDevice(device, { to: store });
 */
export async function backUpDevice<Version>(
  device: BackupDevice,
  options: ArchiveDeviceOptions<Version>,
): Promise<ArchivedBackup<Version>>;
export async function backUpDevice<Version>(
  device: BackupDevice,
  options: BackUpDeviceOptions | ArchiveDeviceOptions<Version>,
): Promise<BackupResult & { version?: Version }> {
  const { to } = options;
  options.signal?.throwIfAborted();
  if (isArchive(to)) {
    await using sink = await to.begin(device.udid, { signal: options.signal });
    const result = await backUpTo(sink, device, options);
    const version = await sink.version();
    return version === undefined ? result : { ...result, version };
  }
  if (typeof to !== 'string') return await backUpTo(to, device, options);
  await using sink = directorySink(folderOfBackups(to, device.udid), { udid: device.udid });
  return await backUpTo(sink, device, options);
}

function isArchive<Version>(to: string | BackupSink | BackupArchive<Version>): to is BackupArchive<Version> {
  return typeof to !== 'string' && 'begin' in to;
}

/** The folder in which backups lie, also where the one of the device itself was given. */
export function folderOfBackups(path: string, udid: string): string {
  const full = resolve(path);
  return basename(full) === udid ? dirname(full) : full;
}

async function backUpTo(sink: BackupSink, device: BackupDevice, options: BackUpOptions): Promise<BackupResult> {
  const { udid } = device;
  return await asHost(device, options, async ({ session, afc, options: { signal, onProgress, onIssue } }) => {
    await requireSpace(sink);
    const isUsable = await prepareLast(sink, udid);
    const info = await createInfoPlist(device, { afc, signal });
    await sink.write(`${udid}/Info.plist`, once(writeXmlPlist(info)), { signal });
    const full = options.full === true || !isUsable;
    return await session.backUp(sink, { full, signal, onProgress, onIssue });
  });
}

async function requireSpace(sink: BackupSink): Promise<void> {
  const free = await sink.freeSpace();
  if (free >= leastFreeBytes) return;
  throw new BackupSessionError(
    'BACKUP_NO_SPACE',
    `Only ${Math.floor(free / 2 ** 20)} MiB are free for the backup; free space and try again`,
  );
}

/**
 * Whether a device can add to what is there, or nothing is there. Metadata without content, which an interrupted run of
 * another tool leaves and which lets devices fail for ever, is removed; so the device begins anew.
 */
async function prepareLast(sink: BackupSink, udid: string): Promise<boolean> {
  let exists = false;
  let hasEmpty = false;
  for (const name of metadataNames) {
    const path = `${udid}/${name}`;
    const size = await sizeOf(sink, path);
    if (size === undefined) continue;
    exists = true;
    if (size > 0) continue;
    hasEmpty = true;
    await sink.remove(path);
  }
  if (!exists) return true;
  const { hasManifest, snapshotState } = await readBackupState(sink, udid);
  // Interrupted while files were uploaded, the backup before is whole; later it is a mixture.
  return !hasEmpty && hasManifest && (snapshotState === 'finished' || snapshotState === 'uploading');
}

/** Bytes as a stream. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
