import { copyFileSync, constants, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { open, opendir, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AbortOptions } from '../core/abort.js';
import type { BackupSink, TreeEntry } from '../core/backup-tree.js';
import { fileHandleSource, type ByteSource } from '../core/byte-source.js';
import { IoError, ioError, isBackupKitError } from '../core/errors.js';
import type { Closeable } from '../core/resource.js';
import { checkTreePath, unsafePathReason } from '../core/safe-path.js';
import { syncFileSystem } from '../core/sync-file-system.js';
import type { WholeContent } from '../core/whole-content.js';
import { isSmall, writeContent, writeSmall } from './content-writer.js';
import { linkOrCopy, lstatOf, parentOf, readFlags } from './file-system.js';
import { Layers, systemError, type Visible } from './layers.js';
import { storeFolderName } from './names.js';
import { removeTree, WorkFolder } from './work-folder.js';

/** What makes a {@link LayeredSink}. */
export interface LayeredSinkParts {
  /** The folder in which backups lie. */
  readonly path: string;
  /** The one folder in it that may be read and written; all but the sink's own where it is absent. */
  readonly scope: string | undefined;
  /** Where changes lie until they are committed, on the same volume. */
  readonly workPath: string;
  /** Whether `commit` brings everything to the disk, so that the disk may as well begin before. */
  readonly durable: boolean;
  /** Called before the first change; may refuse by throwing. */
  beforeWriting?(): void;
  /** Sees each chunk of a file on its way to the disk, and what file has become of them. */
  watch?(): ContentWatch;
  /** Makes the changes, `files` new files among them, part of the backup; what is left in the work folder afterwards is thrown away. */
  commit(work: WorkFolder, made: { readonly files: number }): Promise<void>;
  /** Whether what lies in the work folder is needed still, because a commit has begun and did not end. */
  keepsWork?(): boolean;
}

/** Bytes that are written before the disk is told to take them, while more come. */
const syncBytes = 256 * 1024 * 1024;

/** Follows the content of one file that is being received. */
export interface ContentWatch {
  /** A part of the content, in order. */
  chunk(bytes: Uint8Array): void;
  /** The file at `full` is whole. */
  end(full: string): void;
}

/**
 * A folder with changes laid over it, which become part of it with `commit`.
 * @see docs/design/backup-sink.md
 */
export class LayeredSink implements BackupSink, Closeable, AsyncDisposable {
  /** Absolute path of the folder. */
  readonly path: string;
  readonly #parts: LayeredSinkParts;
  readonly #writes = new Set<Promise<void>>();
  #layers: Layers;
  #work: Promise<WorkFolder | undefined> | undefined;
  #ignoresCase = false;
  #incoming = 0;
  #allowed = false;
  /** Files that were written or linked since the last commit. */
  #newFiles = 0;
  /** Bytes that were written since the disk was last told to take them. */
  #unsynced = 0;
  /** While the disk is told so. */
  #syncing: Promise<unknown> | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: LayeredSinkParts) {
    this.path = parts.path;
    this.#parts = parts;
    this.#layers = new Layers(parts.path, parts.workPath);
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
      if (!this.#ignoresCase && this.#layers.moveNewFile(from, to)) return;
      const source = this.#found(from);
      if (from === to) return;
      const isNewFile = source.kind === 'file' && source.layer === 'new';
      if (!isNewFile) await this.#remove(to);
      if (isNewFile || (source.layer === 'new' && this.#layers.lookupOld(from) === undefined)) {
        await this.#place(source.full, to, { replaceFolder: true });
        if (source.kind === 'directory') this.#layers.folderMoved(from);
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
    await Promise.allSettled([...this.#writes, this.#syncing]);
    await this.#at('', 'completing', async () => {
      const work = await this.#writable();
      await this.#parts.commit(work, { files: this.#newFiles });
      this.#newFiles = 0;
      await work.discard();
      this.#layers = new Layers(this.path, this.#parts.workPath);
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
    await Promise.allSettled([...this.#writes, this.#syncing]);
    const work = await this.#work?.catch(() => undefined);
    if (work === undefined) return;
    try {
      // Where this fails, the next sink does it.
      if (this.#parts.keepsWork?.() !== true) await work.discard();
    } catch (error) {
      throw ioError(error, this.#parts.workPath, 'removing');
    } finally {
      work.release();
    }
  }

  async #write(path: string, data: AsyncIterable<Uint8Array>, options: AbortOptions | undefined): Promise<void> {
    await this.#at(path, 'writing', async () => {
      const work = await this.#writable();
      this.#spelledAsThere(path);
      this.#newFiles += 1;
      if (isSmall(data) && this.#createSmall(path, data)) return;
      if (!this.#layers.begin(path)) {
        await this.#replace(join(work.path, 'incoming'), path, data, options);
        return;
      }
      try {
        await this.#receive(this.#layers.newPath(path), data, options?.signal);
      } finally {
        this.#layers.finish(path);
      }
    });
  }

  /**
   * Counts what was written, and has the disk take it now and then. Systems hold back gigabytes until `commit`, which would
   * wait for all of them; it still syncs everything itself, so nothing depends on what comes of this.
   */
  #syncSoon(bytes: number): void {
    this.#unsynced += bytes;
    if (!this.#parts.durable || this.#unsynced < syncBytes || this.#syncing !== undefined) return;
    this.#unsynced = 0;
    this.#syncing = syncFileSystem(this.#parts.workPath)
      .catch(() => false)
      .finally(() => (this.#syncing = undefined));
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
    await this.#receive(draft, data, options?.signal);
    try {
      await this.#place(draft, path, { replaceFolder: false });
    } catch (error) {
      await removeTree(draft);
      throw error;
    }
  }

  /** Makes a small file where this run has none yet: whether it did. */
  #createSmall(path: string, data: WholeContent): boolean {
    return this.#layers.create(path, (full) => {
      writeSmall(full, data.parts);
      const watch = this.#parts.watch?.();
      for (const part of data.parts) watch?.chunk(part);
      watch?.end(full);
    });
  }

  async #receive(full: string, data: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<void> {
    const watch = this.#parts.watch?.();
    this.#syncSoon(await writeContent(full, watch === undefined ? data : watched(data, watch), signal));
    watch?.end(full);
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
      this.#newFiles += 1;
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
    const { scope } = this.#parts;
    const [top = ''] = path.split('/', 1);
    return scope === undefined ? !top.toLowerCase().startsWith(storeFolderName) : top === scope;
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
    if (work !== undefined) {
      if (!this.#allowed) this.#parts.beforeWriting?.();
      this.#allowed = true;
      return work;
    }
    throw systemError('EROFS', 'the folder is read-only', this.path);
  }

  /** The folder for changes; `undefined` where nothing can be written, and so can only be read. */
  async #start(): Promise<WorkFolder | undefined> {
    let work: WorkFolder;
    try {
      mkdirSync(this.path, { recursive: true });
      work = await WorkFolder.take(this.#parts.workPath, this.path);
    } catch (error) {
      const refused = ioError(error, this.#parts.workPath, 'making');
      if (isBackupKitError(refused, 'IO_ACCESS_DENIED') && lstatOf(this.path) !== undefined) return undefined;
      throw refused;
    }
    const other = join(this.path, basename(this.#parts.workPath).toUpperCase());
    this.#ignoresCase = lstatOf(other) !== undefined && statSync(other).ino === statSync(this.#parts.workPath).ino;
    return work;
  }
}

async function* watched(
  data: AsyncIterable<Uint8Array>,
  watch: ContentWatch,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of data) {
    watch.chunk(chunk);
    yield chunk;
  }
}
