import { constants, copyFileSync, linkSync, lstatSync, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { errnoOf } from '../core/errno.js';

/*
 * Names of files are handled with the synchronous calls of `node:fs`: one takes about 10 µs where an asynchronous one takes
 * more than 100, and a run of a device moves each file that it has sent. Content is read and written asynchronously.
 */

/** Never through a link at the end of a path, and without waiting for the other end of a pipe. Windows has neither flag. */
export const readFlags =
  // oxlint-disable-next-line typescript/no-unnecessary-condition -- absent on Windows
  constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** What is there, links not followed; `undefined` for nothing. */
export function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOTDIR' || code === 'ENOENT' || code === 'ENAMETOOLONG' || code === 'ELOOP') return undefined;
    throw error;
  }
}

/** Brings a file, or the names in a folder, to the disk. Systems that cannot do so for folders are let off. */
export async function syncPath(path: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (process.platform === 'win32') return;
    throw error;
  }
  try {
    await handle.sync();
  } catch (error) {
    if (!['EPERM', 'EINVAL', 'EISDIR', 'ENOTSUP'].includes(errnoOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/** A second name for a file that is never changed in place; a copy where the disk has no links. */
export function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw error;
    copyFileSync(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  }
}

/** The path of the folder that holds `path`, in a tree; `''` is the top. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
