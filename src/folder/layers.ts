import { closeSync, mkdirSync, openSync, renameSync, rmSync, type Stats } from 'node:fs';
import { errnoOf } from '../core/errno.js';
import { IoError } from '../core/errors.js';
import { lstatOf, parentOf } from './file-system.js';

/** Something that the device sees under a path. */
export interface Visible {
  readonly kind: 'file' | 'directory';
  /** Where it lies: in the layer of this run, or only in the last backup. */
  readonly layer: 'new' | 'old';
  /** Full path. */
  readonly full: string;
  readonly stat: Stats;
}

/** Folders of the last backup that are remembered; one has 257, a hostile device can name more. */
const rememberedFolders = 10_000;

/**
 * The changes of a run laid over the last backup: `new/` holds what the device has made, `gone/` an empty file for each path
 * of the last backup that it has removed. @see docs/design/backup-sink.md
 */
export class Layers {
  /** Top of the last backup. */
  readonly #old: string;
  /** Top of what is new. */
  readonly #new: string;
  /** Top of what is gone. */
  readonly #gone: string;
  /** Folders of the last backup that are there and not behind a link, and those that are not. */
  readonly #oldFolders = new Map<string, boolean>();
  readonly #newFolders = new Set<string>();
  /** Whether all folders of this run are in `newFolders`: not those that lie in one that was moved. */
  #knowsNewFolders = true;
  /** Files that are being written and are not there yet for the device. */
  readonly #unfinished = new Set<string>();
  #anyGone = false;

  constructor(root: string, work: string) {
    this.#old = root;
    this.#new = `${work}/new`;
    this.#gone = `${work}/gone`;
  }

  /** What the device sees at `path`. */
  lookup(path: string): Visible | undefined {
    if (this.#unfinished.has(path)) return this.lookupOld(path);
    const full = `${this.#new}/${path}`;
    const stat = this.#newFolders.size === 0 ? undefined : lstatOf(full);
    if (stat?.isFile() === true) return { kind: 'file', layer: 'new', full, stat };
    if (stat?.isDirectory() === true) return { kind: 'directory', layer: 'new', full, stat };
    return this.lookupOld(path);
  }

  /** What the device would see at `path` of the last backup if nothing lay over it at this very path. */
  lookupOld(path: string): Visible | undefined {
    if (!this.#isOldFolder(parentOf(path)) || this.#isHidden(path)) return undefined;
    const full = `${this.#old}/${path}`;
    const stat = lstatOf(full);
    if (stat?.isFile() === true) return { kind: 'file', layer: 'old', full, stat };
    if (stat?.isDirectory() === true) return { kind: 'directory', layer: 'old', full, stat };
    if (stat === undefined) return undefined;
    throw new IoError('IO_UNSAFE_PATH', `${full} is a link or a special file, which is not followed`, { path });
  }

  /**
   * Makes the file `path` by way of `write`, which makes a new one whole or throws, where this run has nothing there yet; asks
   * the system for nothing else where that is so. Makes its folders.
   *
   * @returns whether the file was made; otherwise it is to be replaced, or cannot be
   */
  create(path: string, write: (full: string) => void): boolean {
    this.makeFolder(parentOf(path));
    if (this.#unfinished.has(path) || this.lookupOld(path)?.kind === 'directory') return false;
    try {
      write(`${this.#new}/${path}`);
      return true;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      return false;
    }
  }

  /**
   * Renames the file `from` of this run to `to`, where the device sees a file or nothing, with one call of the system; the
   * last backup must have nothing at `from`. The folders of both are there.
   *
   * @returns whether it was done; otherwise nothing is known of either path, and nothing was changed
   */
  moveNewFile(from: string, to: string): boolean {
    if (!this.#knowsNewFolders || this.#newFolders.has(from) || this.#newFolders.has(to)) return false;
    if (this.#unfinished.has(from) || this.#unfinished.has(to) || from === to) return false;
    if (!this.#newFolders.has(parentOf(from)) || !this.#newFolders.has(parentOf(to))) return false;
    if (this.lookupOld(from) !== undefined || this.lookupOld(to)?.kind === 'directory') return false;
    try {
      renameSync(`${this.#new}/${from}`, `${this.#new}/${to}`);
      return true;
    } catch {
      // Seldom, so that another look tells why.
      return false;
    }
  }

  /**
   * Whether a file can be written at `path` directly, because this run has made none there; then it is not seen before
   * {@link finish}. Makes its folders.
   *
   * @throws an error with errno `ENOTDIR`, `EISDIR`
   */
  begin(path: string): boolean {
    this.makeFolder(parentOf(path));
    const found = this.lookup(path);
    if (found?.kind === 'directory') throw systemError('EISDIR', 'a folder is there', path);
    if (found?.layer === 'new' || this.#unfinished.has(path)) return false;
    this.#unfinished.add(path);
    return true;
  }

  /** Lets a file be seen that was begun, or that is not there after all. */
  finish(path: string): void {
    this.#unfinished.delete(path);
  }

  /**
   * Renames a file of this run, or one that was just received, to `path`, where it replaces a file; makes its folders. Most go
   * to a place where nothing is and cost one call of the system.
   *
   * @throws an error with errno `ENOTDIR`, `EISDIR`
   */
  place(full: string, path: string): void {
    this.makeFolder(parentOf(path));
    if (this.lookupOld(path)?.kind === 'directory') throw systemError('EISDIR', 'a folder is there', path);
    renameSync(full, `${this.#new}/${path}`);
  }

  /** Makes a folder and those above it. */
  makeFolder(path: string): void {
    if (this.#newFolders.has(path)) return;
    if (path !== '') {
      this.makeFolder(parentOf(path));
      if (this.lookup(path)?.kind === 'file') throw systemError('ENOTDIR', 'a file is in the way', path);
    }
    mkdirSync(`${this.#new}/${path}`, { recursive: true });
    this.#newFolders.add(path);
  }

  /** Hides what the last backup has at `path`, for good. */
  hideOld(path: string): void {
    if (this.lookupOld(path) === undefined) return;
    const marker = `${this.#gone}/${path}`;
    mkdirSync(`${this.#gone}/${parentOf(path)}`, { recursive: true });
    rmSync(marker, { recursive: true, force: true });
    closeSync(openSync(marker, 'wx'));
    this.#anyGone = true;
  }

  /** Full path of what is new at `path`. */
  newPath(path: string): string {
    return `${this.#new}/${path}`;
  }

  /** Remembers that a folder of this run is at `from` no more. */
  folderMoved(from: string): void {
    this.#knowsNewFolders = false;
    this.forget(from);
  }

  /** Forgets what was remembered of folders of this run at and below `path`, which was removed. */
  forget(path: string): void {
    for (const folder of this.#newFolders)
      if (folder === path || folder.startsWith(`${path}/`)) this.#newFolders.delete(folder);
  }

  /** Full paths of a folder in each layer in which it is visible, the newer one first. */
  foldersOf(path: string): string[] {
    const folders: string[] = [];
    const stat = lstatOf(`${this.#new}/${path}`);
    if (stat !== undefined && !stat.isDirectory()) return folders;
    if (stat !== undefined) folders.push(`${this.#new}/${path}`);
    if (this.#isOldFolder(path) && !this.#isHidden(path)) folders.push(`${this.#old}/${path}`);
    return folders;
  }

  /** Whether `path` is a folder of the last backup, and no link leads to it. @throws IoError `IO_UNSAFE_PATH` for a link */
  #isOldFolder(path: string): boolean {
    const known = this.#oldFolders.get(path);
    if (known !== undefined) return known;
    let found = path === '' || this.#isOldFolder(parentOf(path));
    if (found) {
      const stat = lstatOf(`${this.#old}/${path}`);
      if (path !== '' && stat?.isSymbolicLink() === true)
        throw new IoError('IO_UNSAFE_PATH', `${this.#old}/${path} is a link, which is not followed`, { path });
      found = path === '' ? stat !== undefined : stat?.isDirectory() === true;
    }
    if (this.#oldFolders.size >= rememberedFolders) this.#oldFolders.clear();
    this.#oldFolders.set(path, found);
    return found;
  }

  /** Whether the device has removed `path` of the last backup, or something above it. */
  #isHidden(path: string): boolean {
    if (!this.#anyGone) return false;
    for (let at = path; at !== ''; at = parentOf(at))
      if (lstatOf(`${this.#gone}/${at}`)?.isFile() === true) return true;
    return false;
  }
}

/** An error as the file system gives it. */
export function systemError(code: string, why: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${why}, '${path}'`), { code });
}
