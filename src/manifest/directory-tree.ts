import { constants, lstatSync, type Stats } from 'node:fs';
import { lstat, open, opendir, type FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { AbortOptions } from '../core/abort.js';
import type { BackupTree, TreeEntry } from '../core/backup-tree.js';
import { fileHandleSource } from '../core/byte-source.js';
import { DirectIo } from '../core/direct-io.js';
import { checkLimit } from '../core/limits.js';
import { checkTreePath, unsafePathReason } from '../core/safe-path.js';
import { isAbsent, openFlags, readError, readRegularFile } from './regular-file.js';

/** Files up to this size, in bytes, may be read without the thread pool. */
const directBytes = 1024 * 1024;

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

    localFile(treePath) {
      checkTreePath(treePath);
      // oxlint-disable-next-line typescript/no-unnecessary-condition -- absent on Windows
      if (constants.O_NOFOLLOW === undefined || !direct.isQuick) return undefined;
      const parent = parentOf(treePath);
      // Checked paths are clean: there is nothing to resolve.
      return parent !== '' && folders.has(parent) ? `${root}/${treePath}` : undefined;
    },

    async readFile(treePath, options) {
      const full = await locate(treePath, options);
      if (full === undefined) return undefined;
      if (direct.next()) {
        const read = direct.run(() =>
          readRegularFile(full, { name: treePath, limit: options.limit, largest: directBytes, room: options.room }),
        );
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
