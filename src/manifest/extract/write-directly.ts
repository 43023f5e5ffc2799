import { closeSync, fchmodSync, futimesSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { ioError } from '../../core/errors.js';

/** Where a file is written until it is complete, and where it lies then; both in the same folder. */
export interface FilePaths {
  readonly temporary: string;
  readonly final: string;
}

/** What a written file gets from its entry. */
export interface FileAttributes {
  readonly modified: Date | undefined;
  /** Permission bits; `undefined` to leave what the process gives. */
  readonly mode: number | undefined;
}

/**
 * Writes content that is whole by synchronous calls, under a temporary name until it is complete.
 *
 * @returns why the time or mode was not taken.
 * @throws {@link IoError}; the temporary file is removed.
 */
export function writeDirectly(paths: FilePaths, bytes: Uint8Array, attributes: FileAttributes): Error | undefined {
  let fd: number | undefined;
  let refused: Error | undefined;
  try {
    fd = openSync(paths.temporary, 'wx');
    for (let offset = 0; offset < bytes.length;) offset += writeSync(fd, bytes, offset);
    try {
      if (attributes.mode !== undefined) fchmodSync(fd, attributes.mode);
      if (attributes.modified !== undefined) futimesSync(fd, attributes.modified, attributes.modified);
    } catch (error) {
      refused = error as Error;
    }
    const closing = fd;
    fd = undefined;
    closeSync(closing);
    renameSync(paths.temporary, paths.final);
    return refused;
  } catch (error) {
    removeDirectly(fd, paths.temporary);
    throw ioError(error, paths.final, 'writing');
  }
}

/** Removes a temporary file, where it was made; closes it before. */
export function removeDirectly(fd: number | undefined, path: string): void {
  try {
    if (fd !== undefined) closeSync(fd);
  } finally {
    try {
      unlinkSync(path);
    } catch {
      // It was not made, or the first error is the one to tell of.
    }
  }
}
