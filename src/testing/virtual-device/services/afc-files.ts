import { afcLock, afcOpenMode } from '../../../device/afc/protocol.js';
import { errnoError, type OpenFile } from '../folder/backend.js';
import type { VirtualFolder } from '../folder/virtual-folder.js';

/** Most files that one connection has open. */
const mostFiles = 1024;
/** Most bytes of one read; hosts go on where they get fewer than they asked for. */
const readBytes = 4 * 1024 * 1024;

/** An open file and where in it the next byte is read or written. */
interface FileHandle {
  readonly file: OpenFile;
  readonly isWritable: boolean;
  readonly appends: boolean;
  position: number;
}

/** The files that one connection of AFC has open, by the numbers that it knows them by. */
export class AfcFiles {
  readonly #folder: VirtualFolder;
  readonly #open = new Map<bigint, FileHandle>();
  #next = 1n;

  constructor(folder: VirtualFolder) {
    this.#folder = folder;
  }

  async open(path: string, mode: bigint): Promise<bigint> {
    if (this.#open.size >= mostFiles) throw errnoError('EMFILE', path);
    const number = Number(mode);
    if (!Object.values<number>(afcOpenMode).includes(number)) throw errnoError('EINVAL', path);
    const isWritable = number !== afcOpenMode.read;
    const file = await this.#folder.open(path, {
      write: isWritable,
      create: isWritable,
      truncate: number === afcOpenMode.write || number === afcOpenMode.writeRead,
    });
    const appends = number === afcOpenMode.append || number === afcOpenMode.appendRead;
    const handle = this.#next;
    this.#next += 1n;
    this.#open.set(handle, { file, isWritable, appends, position: 0 });
    return handle;
  }

  async read(handle: bigint, length: bigint): Promise<Uint8Array> {
    const entry = this.#get(handle);
    const left = Math.max(0, (await entry.file.size()) - entry.position);
    const bytes = await entry.file.read(entry.position, Math.min(Number(length), readBytes, left));
    entry.position += bytes.length;
    return bytes;
  }

  async write(handle: bigint, bytes: Uint8Array): Promise<void> {
    const entry = this.#writable(handle);
    if (entry.appends) entry.position = await entry.file.size();
    await entry.file.write(entry.position, bytes);
    entry.position += bytes.length;
  }

  /** Moves from the start (0), from where it is (1), or from the end (2). */
  async seek(handle: bigint, whence: bigint, offset: bigint): Promise<void> {
    const entry = this.#get(handle);
    const base = [0, entry.position, await entry.file.size()][Number(whence)];
    const position = base === undefined ? -1 : base + Number(offset);
    if (position < 0 || !Number.isSafeInteger(position)) throw errnoError('EINVAL', 'seek');
    entry.position = position;
  }

  tell(handle: bigint): bigint {
    return BigInt(this.#get(handle).position);
  }

  async setSize(handle: bigint, size: bigint): Promise<void> {
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw errnoError('ENOSPC', 'size');
    await this.#writable(handle).file.truncate(Number(size));
  }

  lock(handle: bigint, operation: bigint): void {
    const entry = this.#get(handle);
    const { locks } = this.#folder;
    switch (Number(operation)) {
      case afcLock.unlock:
        locks.unlock(entry.file.id, entry);
        return;
      case afcLock.shared:
      case afcLock.exclusive:
        if (!locks.lock(entry.file.id, entry, Number(operation) === afcLock.exclusive))
          throw errnoError('EAGAIN', 'lock');
        return;
      default:
        throw errnoError('EINVAL', 'lock');
    }
  }

  async close(handle: bigint): Promise<void> {
    const entry = this.#get(handle);
    this.#open.delete(handle);
    this.#folder.locks.unlock(entry.file.id, entry);
    await entry.file.close();
  }

  /** Closes all files and gives their locks back, as a device does when the connection ends. */
  async closeAll(): Promise<void> {
    for (const handle of this.#open.keys()) await this.close(handle);
  }

  #get(handle: bigint): FileHandle {
    const entry = this.#open.get(handle);
    if (entry === undefined) throw errnoError('EINVAL', 'handle');
    return entry;
  }

  #writable(handle: bigint): FileHandle {
    const entry = this.#get(handle);
    if (!entry.isWritable) throw errnoError('EACCES', 'handle');
    return entry;
  }
}
