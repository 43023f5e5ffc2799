import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs';
import { lstat, open, opendir, type FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { AbortOptions } from '../core/abort.js';
import type { BackupTree, TreeEntry } from '../core/backup-tree.js';
import { fileHandleSource } from '../core/byte-source.js';
import { uninitialisedBytes } from '../core/bytes.js';
import { DirectIo } from '../core/direct-io.js';
import { ioError, ManifestError } from '../core/errors.js';
import { checkLimit } from '../core/limits.js';
import { checkTreePath, unsafePathReason } from '../core/safe-path.js';

/**
 * Never through a link at the end of the path, and without waiting for the other end of a pipe. Windows has neither flag:
 * links are told there by `lstat`, and pipes are no files of a folder.
 */
// oxlint-disable-next-line typescript/no-unnecessary-condition -- absent on Windows
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Files up to this size, in bytes, may be read without the thread pool. */
const directBytes = 1024 * 1024;

/** What a link, a folder in place of a file, or nothing at all gives when it is opened. */
const absentCodes = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EMLINK', 'EISDIR', 'ENXIO', 'ENAMETOOLONG']);

/** Whether an error of `node:fs` says that there is no such file or folder. */
export function isAbsent(error: unknown): boolean {
  return absentCodes.has(errnoOf(error) ?? '');
}

const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** The error for a path that the system does not let us read, with what to do about it on this platform. */
export function accessDenied(
  path: string,
  cause: unknown,
  platform: NodeJS.Platform = process.platform,
): ManifestError {
  const remedy =
    platform === 'darwin'
      ? 'allow this terminal or app in System Settings, Privacy & Security, Full Disk Access, start it again'
      : 'check the permissions of the folder';
  return new ManifestError('MANIFEST_ACCESS_DENIED', `The system does not allow to read ${path}; ${remedy}`, { cause });
}

/** Wraps an error of `node:fs` about `path`. */
export function readError(error: unknown, path: string, doing: string): unknown {
  const code = errnoOf(error);
  return code === 'EPERM' || code === 'EACCES' ? accessDenied(path, error) : ioError(error, path, doing);
}

/**
 * The backup in a local folder, read-only. Nothing in it is ever changed.
 *
 * `path` itself may be a symbolic link or lie behind one. Links *inside* the folder are not part of the tree, whatever they
 * point at: a folder that came from elsewhere could otherwise name any file of this computer. Nor are sockets, pipes and
 * devices.
 *
 * @throws {@link ManifestError} with code `MANIFEST_ACCESS_DENIED` from its calls, where the system refuses to read;
 * on macOS the message says how to allow it. {@link IoError} where a read fails otherwise.
 */
export function directoryTree(path: string): BackupTree {
  if (typeof path !== 'string' || path === '') throw new TypeError('path must be a non-empty string');
  const root = resolve(path);
  /** Folders inside the root that were seen to be folders and not links; a backup has 256 of them. */
  const folders = new Set<string>(['']);
  const direct = new DirectIo();

  const isFolder = async (treePath: string): Promise<boolean> => {
    if (folders.has(treePath)) return true;
    if (!(await isFolder(parentOf(treePath)))) return false;
    const full = join(root, treePath);
    const stat = direct.next() ? direct.run(() => lstatDirectly(full)) : await lstatOf(full);
    if (stat?.isDirectory() !== true) return false;
    folders.add(treePath);
    return true;
  };

  /** The full path of what may be opened as a file; `undefined` where there is certainly none. */
  const locate = async (treePath: string, options: AbortOptions | undefined): Promise<string | undefined> => {
    options?.signal?.throwIfAborted();
    checkTreePath(treePath);
    const parent = parentOf(treePath);
    if (treePath === '' || (!folders.has(parent) && !(await isFolder(parent)))) return undefined;
    const full = join(root, treePath);
    // oxlint-disable-next-line typescript/no-unnecessary-condition -- absent on Windows
    if (constants.O_NOFOLLOW === undefined && (await lstatOf(full))?.isFile() !== true) return undefined;
    return full;
  };

  /** An open regular file and its size; `undefined` where there is none. */
  const openRegular = async (
    full: string,
    options: AbortOptions | undefined,
  ): Promise<{ handle: FileHandle; size: number } | undefined> => {
    let handle: FileHandle;
    try {
      handle = await open(full, openFlags);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw readError(error, full, 'opening');
    }
    try {
      const stat = await handle.stat();
      options?.signal?.throwIfAborted();
      if (stat.isFile()) return { handle, size: stat.size };
    } catch (error) {
      await handle.close();
      throw readError(error, full, 'opening');
    }
    await handle.close();
    return undefined;
  };

  return {
    async open(treePath, options) {
      const full = await locate(treePath, options);
      if (full === undefined) return undefined;
      const file = await openRegular(full, options);
      return file && fileHandleSource(file.handle, file.size, full);
    },

    async readFile(treePath, options) {
      const full = await locate(treePath, options);
      if (full === undefined) return undefined;
      if (direct.next()) {
        const read = direct.run(() => readDirectly(full, { treePath, limit: options.limit }));
        if (read !== 'large') return read;
      }
      const file = await openRegular(full, options);
      if (file === undefined) return undefined;
      const { handle, size } = file;
      try {
        checkLimit(size, options.limit, { what: `The size of ${treePath}`, format: 'archive' });
        const bytes = new Uint8Array(size);
        let filled = 0;
        while (filled < size) {
          const { bytesRead } = await handle.read(bytes, filled, size - filled, filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
          options.signal?.throwIfAborted();
        }
        return filled === size ? bytes : bytes.slice(0, filled);
      } catch (error) {
        throw readError(error, full, 'reading');
      } finally {
        await handle.close();
      }
    },

    async *list(treePath, options): AsyncGenerator<TreeEntry, void, undefined> {
      options?.signal?.throwIfAborted();
      checkTreePath(treePath);
      if (!(await isFolder(treePath))) return;
      const full = join(root, treePath);
      try {
        for await (const { name } of await opendir(full)) {
          options?.signal?.throwIfAborted();
          const entryPath = treePath === '' ? name : `${treePath}/${name}`;
          if (unsafePathReason(entryPath) !== undefined) continue;
          const stat = await lstatOf(join(full, name));
          if (stat?.isDirectory() === true) yield { path: entryPath, kind: 'directory', size: 0 };
          else if (stat?.isFile() === true) yield { path: entryPath, kind: 'file', size: stat.size };
        }
      } catch (error) {
        if (isAbsent(error)) return;
        throw readError(error, full, 'listing');
      }
    },
  };
}

/** A regular file of up to {@link directBytes}; `undefined` where there is no such file. */
function readDirectly(full: string, file: { treePath: string; limit: number }): Uint8Array | 'large' | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(full, openFlags);
    const stat = fstatSync(fd);
    if (!stat.isFile()) return undefined;
    checkLimit(stat.size, file.limit, { what: `The size of ${file.treePath}`, format: 'archive' });
    if (stat.size > directBytes) return 'large';
    const bytes = uninitialisedBytes(stat.size);
    let filled = 0;
    while (filled < bytes.length) {
      const bytesRead = readSync(fd, bytes, filled, bytes.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled === bytes.length ? bytes : bytes.slice(0, filled);
  } catch (error) {
    if (fd === undefined && isAbsent(error)) return undefined;
    throw readError(error, full, fd === undefined ? 'opening' : 'reading');
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

const parentOf = (treePath: string): string => treePath.slice(0, Math.max(0, treePath.lastIndexOf('/')));

async function lstatOf(full: string): Promise<Stats | undefined> {
  try {
    return await lstat(full);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw readError(error, full, 'examining');
  }
}

function lstatDirectly(full: string): Stats | undefined {
  try {
    return lstatSync(full);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw readError(error, full, 'examining');
  }
}
