import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BackupTree } from '../core/backup-tree.js';
import { errnoOf } from '../core/errno.js';
import { IoError, ioError, SnapshotError } from '../core/errors.js';
import { directoryTreeOf } from '../snapshot/fs/folder-tree.js';
import { nodeFs } from '../snapshot/fs/node-fs.js';
import { isUdid } from '../snapshot/format/version-id.js';
import type { Site } from '../snapshot/store/site.js';
import type { VersionInfo } from '../snapshot/types.js';
import { takeArchive, type ImportArchiveOptions } from '../snapshot/work/archive-import.js';

/** What can be imported into. */
interface ImportTarget {
  import(from: BackupTree, options: ImportArchiveOptions): Promise<VersionInfo>;
  importArchive(from: string | AsyncIterable<Uint8Array>, options: ImportArchiveOptions): Promise<VersionInfo>;
}

/** Makes a version of a backup of whatever form, of the device that it names unless the caller does. */
export async function importBackup(
  site: Site,
  from: string | BackupTree | AsyncIterable<Uint8Array>,
  {
    udid,
    device,
    ...options
  }: ImportArchiveOptions & { udid?: string | undefined; device: (udid: string) => ImportTarget },
): Promise<VersionInfo> {
  const tree = await treeOf(from);
  if (tree !== undefined) return await device(udid ?? (await named(site, tree, options))).import(tree, options);
  const archive = from as string | AsyncIterable<Uint8Array>;
  if (udid !== undefined) return await device(udid).importArchive(archive, options);
  // The contents must not be purged before the device is known and the version is made.
  const { signal, wait } = options;
  const lease = await site.leases.acquire({ scope: 'store', mode: 'shared', purpose: 'import', signal, wait });
  try {
    const taken = await takeArchive(site, archive, options);
    return await device(await named(site, taken.tree, options)).import(taken.tree, options);
  } finally {
    await lease.release();
  }
}

/** The tree that is given, or that of a folder; `undefined` for archives. */
async function treeOf(from: string | BackupTree | AsyncIterable<Uint8Array>): Promise<BackupTree | undefined> {
  if (typeof from !== 'string') return 'list' in from ? from : undefined;
  const path = resolve(from);
  try {
    return (await stat(path)).isDirectory() ? directoryTreeOf(nodeFs, path) : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw new IoError('IO_NOT_FOUND', `There is nothing at ${path}`, { path });
    throw ioError(error, path, 'opening');
  }
}

async function named(site: Site, tree: BackupTree, options: ImportArchiveOptions): Promise<string> {
  const udid = await site.knowledge.udidOf?.(tree, { signal: options.signal });
  if (udid !== undefined && isUdid(udid)) return udid;
  throw new SnapshotError(
    'SNAPSHOT_NOT_FOUND',
    'There is no backup that names its device in Info.plist; say with `udid` which one it is of',
  );
}
