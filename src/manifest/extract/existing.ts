import { link, lstat, rename, unlink } from 'node:fs/promises';
import { IoError } from '../../core/errors.js';

/** The system's code of an error of `node:fs`. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** Whether anything lies at `path`, a dangling link included. */
export async function pathExists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The error where something lies at a path that was to be written and must stay. */
export function alreadyExists(path: string): IoError {
  return new IoError('IO_EXISTS', `${path} exists; choose another target, or set onExisting`, { path });
}

/** Moves a file within its folder, by way of a hard link, which never replaces anything; on file systems without them, after a look. */
export async function renameWithoutReplacing(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw alreadyExists(to);
    if (await pathExists(to)) throw alreadyExists(to);
    await rename(from, to);
    return;
  }
  await unlink(from);
}
