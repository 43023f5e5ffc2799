import { utf8Encode } from '../../../core/bytes.js';
import { limits } from '../../../core/limits.js';
import { errnoError, type FolderBackend, type NodeInfo, type OpenFile, type VolumeSpace } from './backend.js';
import { FileLocks } from './file-locks.js';

const mostLinks = 32;
const nameBytes = 255;

/** How a path is walked. */
interface Walk {
  /** Whether a link in the last place is followed. */
  followLast: boolean;
  /** What is done where a folder on the way is missing. */
  missing?: 'create' | 'fail';
}

/**
 * A folder of a virtual device, such as its media folder. Paths begin at its top, with or without `/`; `..` and links, also
 * absolute ones, stay inside it. Errors have a `code` of `errno`: `ENOENT`, `EISDIR`, `ENOTDIR`, `EEXIST`, `ENOTEMPTY`,
 * `EACCES`, `ENOSPC`, `ELOOP`, `EINVAL`.
 */
export class VirtualFolder {
  readonly #backend: FolderBackend;
  /** Names at the top that can be reached; all of them where `undefined`. */
  readonly #only: readonly string[] | undefined;
  readonly #queue: { last: Promise<unknown> };
  /** Locks on its files, shared by all connections. */
  readonly locks: FileLocks;

  /** @internal Made by `openFolder`. */
  constructor(
    backend: FolderBackend,
    shared?: { only: readonly string[]; locks: FileLocks; queue: { last: Promise<unknown> } },
  ) {
    this.#backend = backend;
    this.#only = shared?.only;
    this.#queue = shared?.queue ?? { last: Promise.resolve() };
    this.locks = shared?.locks ?? new FileLocks();
  }

  /** The same folder where only these names at its top can be reached. */
  only(...names: string[]): VirtualFolder {
    return new VirtualFolder(this.#backend, { only: names, locks: this.locks, queue: this.#queue });
  }

  /** What is at a path, without following a link there; `undefined` where nothing is. */
  async stat(path: string): Promise<NodeInfo | undefined> {
    return await this.#run(async () => {
      const at = await this.#walk(path, { followLast: false });
      const info = await this.#backend.stat(at);
      return info?.kind === 'symlink' ? { ...info, linkTarget: await this.#backend.readLink(at) } : info;
    });
  }

  /** Names in a folder, sorted. */
  async list(path = ''): Promise<string[]> {
    return await this.#run(async () => {
      const at = await this.#walk(path, { followLast: true });
      const info = await this.#backend.stat(at);
      if (info === undefined) throw errnoError('ENOENT', path);
      if (info.kind !== 'directory') throw errnoError('ENOTDIR', path);
      const names = await this.#backend.list(at);
      return at.length === 0 && this.#only !== undefined ? names.filter((name) => this.#only?.includes(name)) : names;
    });
  }

  /** The whole content of a file. */
  async readFile(path: string): Promise<Uint8Array> {
    const file = await this.open(path);
    try {
      const size = await file.size();
      if (size > limits.wholeFileBytes) throw errnoError('EFBIG', path);
      return await file.read(0, size);
    } finally {
      await file.close();
    }
  }

  /** Creates or replaces a file, and the folders above it. */
  async writeFile(path: string, content: Uint8Array | string): Promise<void> {
    await this.#run(async () => await this.#walk(path, { followLast: true, missing: 'create' }));
    const file = await this.open(path, { write: true, create: true, truncate: true });
    try {
      await file.write(0, typeof content === 'string' ? utf8Encode(content) : content);
    } finally {
      await file.close();
    }
  }

  /** Opens a file, to read by default. */
  async open(path: string, options: { write?: boolean; create?: boolean; truncate?: boolean } = {}): Promise<OpenFile> {
    const { write = false, create = false, truncate = false } = options;
    return await this.#run(async () => {
      const at = await this.#walk(path, { followLast: true });
      if (at.length === 0) throw errnoError('EISDIR', path);
      return await this.#backend.open(at, { write, create, truncate });
    });
  }

  /** Creates a folder and those above it; one that is there is left as it is. */
  async makeDirectory(path: string): Promise<void> {
    await this.#run(async () => {
      const at = await this.#walk(path, { followLast: true, missing: 'create' });
      const info = await this.#backend.stat(at);
      if (info === undefined) await this.#backend.makeDirectory(at);
      else if (info.kind !== 'directory') throw errnoError('EEXIST', path);
    });
  }

  /** Removes a file, a link, or a folder: an empty one, or with all that is in it where `recursive`. */
  async remove(path: string, { recursive = false }: { recursive?: boolean } = {}): Promise<void> {
    await this.#run(async () => {
      const at = await this.#walk(path, { followLast: false });
      if (at.length === 0) throw errnoError('EACCES', path);
      if (recursive) await this.#removeTree(at);
      else await this.#backend.remove(at);
    });
  }

  /** Renames what is at a path; a file in the way is replaced. */
  async rename(from: string, to: string): Promise<void> {
    await this.#run(async () => {
      const source = await this.#walk(from, { followLast: false });
      const target = await this.#walk(to, { followLast: false });
      if (source.length === 0 || target.length === 0) throw errnoError('EACCES', from);
      await this.#backend.rename(source, target);
    });
  }

  /** Makes a symbolic link. The target is stored as it is and followed inside of the folder only. */
  async symlink(target: string, path: string): Promise<void> {
    if (target === '' || target.includes('\0')) throw errnoError('EINVAL', path);
    await this.#run(async () => {
      await this.#backend.symlink(target, await this.#walk(path, { followLast: false }));
    });
  }

  /** Gives a file a second name. */
  async hardLink(existing: string, path: string): Promise<void> {
    await this.#run(async () => {
      const source = await this.#walk(existing, { followLast: true });
      await this.#backend.hardLink(source, await this.#walk(path, { followLast: false }));
    });
  }

  /** Sets the time of the last change. */
  async setModified(path: string, modified: Date): Promise<void> {
    await this.#run(async () => {
      await this.#backend.setModified(await this.#walk(path, { followLast: true }), modified);
    });
  }

  /** Bytes of the volume. */
  async space(): Promise<VolumeSpace> {
    return await this.#backend.space();
  }

  /**
   * One call after the other: between the walk along a path and the use of what it found, no other client may put a link
   * in its place.
   */
  async #run<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#queue.last.then(call);
    this.#queue.last = result.catch(() => undefined);
    return await result;
  }

  async #removeTree(at: readonly string[]): Promise<void> {
    const info = await this.#backend.stat(at);
    if (info?.kind === 'directory')
      for (const name of await this.#backend.list(at)) await this.#removeTree([...at, name]);
    await this.#backend.remove(at);
  }

  /** The place of a path after all links: its components from the top. */
  async #walk(path: string, { followLast, missing = 'fail' }: Walk): Promise<string[]> {
    if (utf8Encode(path).length > limits.pathBytes) throw errnoError('ENAMETOOLONG', path);
    const pending = path.split('/').toReversed();
    const at: string[] = [];
    let links = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        at.pop();
        continue;
      }
      checkName(name);
      at.push(name);
      this.#checkReach(at);
      const isLast = pending.every((rest) => rest === '');
      if (isLast && !followLast) break;
      const info = await this.#backend.stat(at);
      if (info?.kind === 'symlink') {
        links += 1;
        if (links > mostLinks) throw errnoError('ELOOP', path);
        const target = await this.#backend.readLink(at);
        if (target.startsWith('/')) at.length = 0;
        else at.pop();
        pending.push(...target.split('/').toReversed());
      } else if (!isLast) {
        if (info === undefined && missing === 'create') await this.#backend.makeDirectory(at);
        else if (info === undefined) throw errnoError('ENOENT', path);
        else if (info.kind !== 'directory') throw errnoError('ENOTDIR', path);
      }
    }
    return at;
  }

  #checkReach(at: readonly string[]): void {
    if (this.#only !== undefined && !this.#only.includes(at[0] ?? '')) throw errnoError('EACCES', at);
  }
}

function checkName(name: string): void {
  if (name.includes('\0')) throw errnoError('EINVAL', name);
  if (name.length > nameBytes || utf8Encode(name).length > nameBytes) throw errnoError('ENAMETOOLONG', name);
}
