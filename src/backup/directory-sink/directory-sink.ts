import { copyFileSync, constants, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { open, opendir, statfs } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { AbortOptions } from '../../core/abort.js';
import type { BackupSink, TreeEntry } from '../../core/backup-tree.js';
import { fileHandleSource, type ByteSource } from '../../core/byte-source.js';
import { IoError, ioError, isBackupKitError } from '../../core/errors.js';
import type { Closeable } from '../../core/resource.js';
import { checkTreePath, unsafePathReason } from '../../core/safe-path.js';
import { linkOrCopy, lstatOf, parentOf, readFlags } from './file-system.js';
import { Layers, systemError, type Visible } from './layers.js';
import { removeTree, WorkFolder } from './work-folder.js';
import { writeContent } from './content-writer.js';

/** Options of {@link directorySink}. */
export interface DirectorySinkOptions {
  /**
   * Name of the one folder in `path` that may be read and written: the UDID of the device. Sinks for different devices can
   * then work in the same `path` at once. Without it, everything in `path` belongs to the sink.
   */
  udid?: string | undefined;
  /**
   * Whether a committed backup survives a loss of power, and not only the end of the process; true by default. @see
   * docs/design/backup-sink.md
   */
  durable?: boolean | undefined;
}

/** A folder that a device writes to. Until `commit`, nothing in it changes; closing it throws uncommitted changes away. */
export interface DirectorySink extends BackupSink, Closeable, AsyncDisposable {
  /** Absolute path of the folder. */
  readonly path: string;
}

/** Name of the sink's own folder, beside those of devices. */
const workName = '.ios-backup-kit';

/**
 * A sink over the local folder `path`, which is made where it does not exist: backups of devices lie in it, one folder each.
 *
 * What is written, moved and removed is seen at once through the sink, but the folder changes only with `commit`, all at
 * once: an error, an abort or a crash before it leaves the last backup as it was. What a killed process has left behind is
 * completed or thrown away at the first call. Links below `path` are never followed, and no path leads out of it.
 *
 * @throws BackupSessionError from its calls, `BACKUP_IN_USE` where another sink works on the same folder; {@link IoError}
 * with `IO_UNSAFE_PATH` for paths that lead elsewhere, and with `errno` for what the system refuses.
 * @throws TypeError where `path` or `udid` cannot be a folder.
 *
 * @example
 * await using sink = directorySink('/backups', { udid: device.udid });
 * await session.backUp(sink);
 */
export function directorySink(path: string, options: DirectorySinkOptions = {}): DirectorySink {
  if (typeof path !== 'string' || path === '') throw new TypeError('path must be a non-empty string');
  const { udid } = options;
  if (udid !== undefined && (udid === '' || udid.includes('/') || unsafePathReason(udid) !== undefined))
    throw new TypeError('udid must be the name of a folder');
  return new FolderSink(resolve(path), udid, options.durable ?? true);
}

class FolderSink implements DirectorySink {
  readonly path: string;
  readonly #scope: string | undefined;
  readonly #durable: boolean;
  readonly #workPath: string;
  readonly #writes = new Set<Promise<void>>();
  #layers: Layers;
  #work: Promise<WorkFolder | undefined> | undefined;
  #ignoresCase = false;
  #incoming = 0;
  #closing: Promise<void> | undefined;

  constructor(path: string, scope: string | undefined, durable: boolean) {
    this.path = path;
    this.#scope = scope;
    this.#durable = durable;
    this.#workPath = join(path, scope === undefined ? workName : `${workName}-${scope}`);
    this.#layers = new Layers(path, this.#workPath);
  }

  async open(path: string, options?: AbortOptions): Promise<ByteSource | undefined> {
    options?.signal?.throwIfAborted();
    return await this.#at(this.#check(path), 'opening', async () => {
      const found = this.#layers.lookup(path);
      if (found?.kind !== 'file') return undefined;
      const handle = await open(found.full, readFlags);
      return fileHandleSource(handle, found.stat.size, found.full);
    });
  }

  async *list(path: string, options?: AbortOptions): AsyncGenerator<TreeEntry, void, undefined> {
    options?.signal?.throwIfAborted();
    this.#check(path, { top: true });
    const folders = await this.#at(path, 'listing', () => this.#layers.foldersOf(path));
    try {
      for (const [index, folder] of folders.entries()) {
        for await (const { name } of await opendir(folder)) {
          options?.signal?.throwIfAborted();
          if (index > 0 && existsSync(join(folders[0] ?? '', name))) continue;
          const entry = this.#entry(path === '' ? name : `${path}/${name}`);
          if (entry !== undefined) yield entry;
        }
      }
    } catch (error) {
      throw ioError(error, join(this.path, path), 'listing');
    }
  }

  async write(path: string, data: AsyncIterable<Uint8Array>, options?: AbortOptions): Promise<void> {
    options?.signal?.throwIfAborted();
    this.#check(path);
    const write = this.#write(path, data, options);
    this.#writes.add(write);
    try {
      await write;
    } finally {
      this.#writes.delete(write);
    }
  }

  async move(from: string, to: string): Promise<void> {
    this.#checkPair(from, to);
    await this.#at(from, 'moving', async () => {
      const source = this.#found(from);
      if (from === to) return;
      const isNewFile = source.kind === 'file' && source.layer === 'new';
      if (!isNewFile) await this.#remove(to);
      if (isNewFile || (source.layer === 'new' && this.#layers.lookupOld(from) === undefined)) {
        await this.#place(source.full, to, { replaceFolder: true });
        if (source.kind === 'directory') this.#layers.forget(from);
        this.#layers.hideOld(from);
        return;
      }
      await this.#transfer(from, to, linkOrCopy);
      await this.#remove(from);
    });
  }

  async copy(from: string, to: string): Promise<void> {
    this.#checkPair(from, to);
    await this.#at(from, 'copying', async () => {
      this.#found(from);
      if (from === to) return;
      await this.#remove(to);
      // Not a second name: other tools write into files of a backup, and would then change both.
      await this.#transfer(from, to, (source, target) =>
        copyFileSync(source, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL),
      );
    });
  }

  async remove(path: string): Promise<void> {
    this.#check(path);
    await this.#at(path, 'removing', () => this.#remove(path));
  }

  async makeDirectory(path: string): Promise<void> {
    if (path === '') return;
    this.#check(path);
    await this.#at(path, 'making', () => {
      this.#spelledAsThere(path);
      this.#layers.makeFolder(path);
    });
  }

  async freeSpace(): Promise<number> {
    return await this.#at('', 'measuring', async () => {
      const { bavail, bsize } = await statfs(this.path);
      return bavail * bsize;
    });
  }

  async commit(): Promise<void> {
    await Promise.allSettled(this.#writes);
    await this.#at('', 'completing', async () => {
      const work = await this.#writable();
      const durable = this.#durable;
      if (durable) await work.syncNew();
      await work.markReady({ durable });
      await work.apply({ durable });
      await work.discard();
      this.#layers = new Layers(this.path, this.#workPath);
    });
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#writes);
    const work = await this.#work?.catch(() => undefined);
    if (work === undefined) return;
    try {
      // Where this fails, the next sink does it.
      await work.discard();
    } catch (error) {
      throw ioError(error, this.#workPath, 'removing');
    } finally {
      work.release();
    }
  }

  async #write(path: string, data: AsyncIterable<Uint8Array>, options: AbortOptions | undefined): Promise<void> {
    await this.#at(path, 'writing', async () => {
      const work = await this.#writable();
      this.#spelledAsThere(path);
      if (!this.#layers.begin(path)) {
        await this.#replace(join(work.path, 'incoming'), path, data, options);
        return;
      }
      try {
        await writeContent(this.#layers.newPath(path), data, options?.signal);
      } finally {
        this.#layers.finish(path);
      }
    });
  }

  /** Writes a file in place of one that this run has made, which stays until the new one is whole. */
  async #replace(
    incoming: string,
    path: string,
    data: AsyncIterable<Uint8Array>,
    options: AbortOptions | undefined,
  ): Promise<void> {
    this.#incoming += 1;
    const draft = join(incoming, String(this.#incoming));
    mkdirSync(incoming, { recursive: true });
    await writeContent(draft, data, options?.signal);
    try {
      await this.#place(draft, path, { replaceFolder: false });
    } catch (error) {
      await removeTree(draft);
      throw error;
    }
  }

  /** Puts something of this run in its place; a folder there is in the way, unless it is to be replaced. */
  async #place(full: string, path: string, { replaceFolder }: { replaceFolder: boolean }): Promise<void> {
    this.#spelledAsThere(path);
    try {
      this.#layers.place(full, path);
    } catch (error) {
      if (this.#layers.lookup(path)?.kind !== 'directory') throw error;
      if (!replaceFolder) throw systemError('EISDIR', 'a folder is there', path);
      await this.#remove(path);
      this.#layers.place(full, path);
    }
  }

  async #remove(path: string): Promise<void> {
    const found = this.#layers.lookup(path);
    if (found === undefined) return;
    if (found.layer === 'new') {
      await removeTree(found.full);
      if (found.kind === 'directory') this.#layers.forget(path);
    }
    this.#layers.hideOld(path);
  }

  /** Makes at `to` what is at `from`, file by file; both layers may have a part of it. */
  async #transfer(from: string, to: string, place: (source: string, target: string) => void): Promise<void> {
    const source = this.#found(from);
    if (source.kind === 'file') {
      this.#layers.makeFolder(parentOf(to));
      place(source.full, this.#layers.newPath(to));
      return;
    }
    this.#layers.makeFolder(to);
    for await (const { path } of this.list(from)) await this.#transfer(path, to + path.slice(from.length), place);
  }

  #found(path: string): Visible {
    const found = this.#layers.lookup(path);
    if (found === undefined) throw systemError('ENOENT', 'nothing is there', path);
    return found;
  }

  #entry(path: string): TreeEntry | undefined {
    if (!this.#isReachable(path)) return undefined;
    try {
      const found = this.#layers.lookup(path);
      if (found === undefined) return undefined;
      const { kind, stat } = found;
      return { path, kind, size: kind === 'file' ? stat.size : 0, modified: stat.mtime };
    } catch (error) {
      // A link: not part of the tree.
      if (error instanceof IoError && error.code === 'IO_UNSAFE_PATH') return undefined;
      throw error;
    }
  }

  /** Refuses a name that differs only by case from one that is there, on disks for which both are one. */
  #spelledAsThere(path: string): void {
    if (!this.#ignoresCase) return;
    const there = this.#layers.lookup(path);
    if (there === undefined || basename(realpathSync.native(there.full)) === basename(path)) return;
    throw systemError('EEXIST', 'a name that differs only by case is there', path);
  }

  #check(path: string, { top = false } = {}): string {
    checkTreePath(path);
    if (!(top && path === '') && !this.#isReachable(path)) {
      throw new IoError(
        'IO_UNSAFE_PATH',
        `Path ${JSON.stringify(path.slice(0, 200))} is refused because it is not in the folder of the device`,
        { path },
      );
    }
    return path;
  }

  #checkPair(from: string, to: string): void {
    this.#check(from);
    this.#check(to);
    if (from === to) return;
    if (to.startsWith(`${from}/`) || from.startsWith(`${to}/`))
      throw ioError(systemError('EINVAL', 'one path lies in the other', to), join(this.path, to), 'moving');
  }

  /** Whether a path belongs to this sink. */
  #isReachable(path: string): boolean {
    if (unsafePathReason(path) !== undefined || path === '') return false;
    if (process.platform === 'win32' && /[<>:"|?*]|[. ](?:\/|$)/.test(path)) return false;
    const [top = ''] = path.split('/', 1);
    return this.#scope === undefined ? !top.toLowerCase().startsWith(workName) : top === this.#scope;
  }

  /** Runs `work` when the sink is ready, and turns errors of the system into ours. */
  async #at<T>(path: string, doing: string, run: () => T | Promise<T>): Promise<T> {
    const full = join(this.path, path);
    if (this.#closing !== undefined)
      throw new IoError('IO_FAILED', `${this.path} was closed before this call`, { path: full });
    try {
      this.#work ??= this.#start();
      await this.#work;
      return await run();
    } catch (error) {
      throw ioError(error, full, doing);
    }
  }

  async #writable(): Promise<WorkFolder> {
    const work = await this.#work;
    if (work !== undefined) return work;
    throw systemError('EROFS', 'the folder is read-only', this.path);
  }

  /** The folder for changes; `undefined` where nothing can be written, and so can only be read. */
  async #start(): Promise<WorkFolder | undefined> {
    let work: WorkFolder;
    try {
      mkdirSync(this.path, { recursive: true });
      work = await WorkFolder.take(this.#workPath, this.path);
    } catch (error) {
      const refused = ioError(error, this.#workPath, 'making');
      if (isBackupKitError(refused, 'IO_ACCESS_DENIED') && lstatOf(this.path) !== undefined) return undefined;
      throw refused;
    }
    const other = join(this.path, basename(this.#workPath).toUpperCase());
    this.#ignoresCase = lstatOf(other) !== undefined && statSync(other).ino === statSync(this.#workPath).ino;
    return work;
  }
}
