import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { AbortOptions } from '../../core/abort.js';
import { IoError, SnapshotError } from '../../core/errors.js';
import { progressReporter, type ProgressOptions } from '../../core/progress.js';
import type { Closeable } from '../../core/resource.js';
import { nodeFs } from '../fs/node-fs.js';
import { typed } from '../fs/typed.js';
import { measureTable } from '../format/table-changes.js';
import { removeFolder } from '../run/remove-folder.js';
import { holdVersion } from '../store/hold-version.js';
import { storePath, type Place } from '../store/place.js';
import type { Site } from '../store/site.js';
import type { StoredVersion } from '../store/version.js';
import { leaseShared, requireLocal, requireWritable } from '../store/work-leases.js';
import type { StoreProgress } from '../types.js';
import { writeRows, type WriteRowsOptions, type WrittenFolder } from './write-folder.js';

/** Options of opening a version as a folder. */
export interface OpenFolderOptions extends AbortOptions, ProgressOptions<StoreProgress> {
  /** Whether files are copied where the disk neither links nor clones: as much space as the backup has. */
  allowCopy?: boolean | undefined;
  /** Whether other tools will change the folder: then no file of it is a link. */
  writable?: boolean | undefined;
}

/** A version as a folder that any backup tool opens, until it is closed. */
export interface OpenedFolder extends Closeable, AsyncDisposable {
  /** Absolute path of the folder of the device. Unless it is writable, nobody may change the files in it: versions share them. */
  readonly path: string;
  /** How its files have come about. */
  readonly written: Readonly<WrittenFolder>;
}

/** Options of exporting a version. */
export interface ExportFolderOptions extends AbortOptions, ProgressOptions<StoreProgress> {}

/** How a folder is opened: with a thread that runs already, where there is one. */
type OpenVersionOptions = OpenFolderOptions & Pick<WriteRowsOptions, 'helper'>;

/** Makes a folder of a version in the store, of links or clones where the disk has them. */
export async function openVersionFolder(
  site: Site,
  version: StoredVersion,
  options: OpenVersionOptions,
): Promise<OpenedFolder> {
  const { place } = requireLocal(site, 'opening as a folder');
  return await typed(place.folder, 'opening a version in', async () => await openFolder(site, place, version, options));
}

async function openFolder(
  site: Site,
  place: Place,
  version: StoredVersion,
  options: OpenVersionOptions,
): Promise<OpenedFolder> {
  requireWritable(site);
  const { id, udid } = version.info;
  const share = options.writable === true ? 'clone' : place.placement === 'link' ? 'link' : 'clone';
  const shares = place.placement === 'clone' || (place.placement === 'link' && options.writable !== true);
  if (!shares && options.allowCopy !== true)
    throw new SnapshotError(
      'SNAPSHOT_UNSUPPORTED',
      `The disk cannot share files with the store, so that the folder would need ${measureTable(version.table).bytes} bytes; allow it with \`allowCopy\``,
      { version: id },
    );
  const lease = await holdVersion(site, version.info, 'open as a folder');
  const name = options.writable === true ? `edit/${randomUUID()}` : `open/${id}-${randomUUID().slice(0, 8)}`;
  const top = storePath(place, name);
  const path = `${top}/${udid}`;
  let closing: Promise<void> | undefined;
  const remove = async (): Promise<void> => {
    try {
      await removeFolder(place.fs, top, {});
    } finally {
      await lease?.release();
    }
  };
  const close = async (): Promise<void> => {
    closing ??= typed(top, 'removing', remove);
    try {
      await closing;
    } catch (error) {
      // Closing it again, e.g. with the store, tries again.
      closing = undefined;
      throw error;
    }
  };
  const work = await leaseShared(site, 'opening a version as a folder', options);
  try {
    const progress = progressReporter(options.onProgress);
    const written = await writeRows(site, place.fs, {
      to: path,
      table: version.table,
      share,
      trust: true,
      progress,
      helper: options.helper,
      signal: options.signal,
    });
    return { path, written, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    // What was the reason is to be told, not what failed because of it.
    await close().catch(() => undefined);
    throw error;
  } finally {
    await work.release();
  }
}

/**
 * Writes a version into a new folder `to`, anywhere: a backup of its own, which shares nothing with the store.
 *
 * @throws IoError `IO_EXISTS` where something is at `to`
 */
export async function exportVersionFolder(
  site: Site,
  version: StoredVersion,
  { to, ...options }: ExportFolderOptions & { to: string },
): Promise<WrittenFolder> {
  const target = resolve(to);
  if (nodeFs.facts(target) !== undefined)
    throw new IoError('IO_EXISTS', `${target} is there already; choose a folder that is not`, { path: target });
  const draft = `${target}.${randomUUID()}.partial`;
  await version.hold();
  return await typed(target, 'exporting to', async () => await exportTo(site, version, { target, draft }, options));
}

async function exportTo(
  site: Site,
  version: StoredVersion,
  { target, draft }: { target: string; draft: string },
  options: ExportFolderOptions,
): Promise<WrittenFolder> {
  try {
    const written = await writeRows(site, nodeFs, {
      to: draft,
      table: version.table,
      share: 'none',
      progress: progressReporter(options.onProgress),
      signal: options.signal,
    });
    nodeFs.rename(draft, target);
    return written;
  } catch (error) {
    await removeFolder(nodeFs, draft, {});
    throw error;
  }
}
