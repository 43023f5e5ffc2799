import { abortable, type AbortOptions } from '../../core/abort.js';
import type { ByteRange } from '../../core/byte-source.js';
import { concatBytes, isBytes } from '../../core/bytes.js';
import { FormatError, IoError, isBackupKitError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Closeable } from '../../core/resource.js';
import type { ServiceConnection } from '../transport.js';
import { AfcFile, afcChunkBytes, checkCount } from './afc-file.js';
import { AfcRequests, readU64, type AfcRequest } from './afc-requests.js';
import { readDeviceInfo, readFileInfo, splitTexts, type AfcDeviceInfo, type AfcStat } from './file-info.js';
import type { AfcPacket } from './framing.js';
import { afcLinkType, afcOpenMode, afcOperation as op } from './protocol.js';

/** Most symbolic links that are followed for one path, as on most systems. */
const mostLinks = 32;

/**
 * How a file is opened. `r` reads; `r+` reads and writes, `w` and `w+` begin with an empty file, `a` and `a+` append: all of
 * these make the file where there is none.
 */
export type AfcOpenFlags = 'r' | 'r+' | 'w' | 'w+' | 'a' | 'a+';

const modes: Readonly<Record<AfcOpenFlags, number>> = {
  r: afcOpenMode.read,
  'r+': afcOpenMode.readWrite,
  w: afcOpenMode.write,
  'w+': afcOpenMode.writeRead,
  a: afcOpenMode.append,
  'a+': afcOpenMode.appendRead,
};

/**
 * Files of a device, in the manner of `node:fs/promises`: its media folder (`device.openAfc()`), or what an app shows
 * (`device.openAppFiles()`). Paths begin with `/`, which is that folder. Requests are carried out one after the other; for more at
 * a time open another client.
 *
 * Failures are IoErrors with `errno`: `IO_NOT_FOUND`, `IO_ACCESS_DENIED`, `IO_EXISTS`, `IO_NO_SPACE`, `IO_FAILED`. Once the client is
 * closed, calls reject with DeviceError `DEVICE_CLOSED`.
 */
export class AfcClient implements Closeable, AsyncDisposable {
  readonly #requests: AfcRequests;

  /** Over a connection on which AFC is spoken, which the client owns. */
  constructor(connection: ServiceConnection) {
    this.#requests = new AfcRequests(connection);
  }

  /** Names in a folder, in the device's order, without `.` and `..`. */
  async readdir(path: string, options?: AbortOptions): Promise<string[]> {
    const { payload } = await this.#send(
      { operation: op.readDirectory, args: [path], path, doing: 'listing' },
      options,
    );
    return splitTexts(payload).filter((name) => name !== '.' && name !== '..');
  }

  /** What a path leads to, links followed. @throws IoError `IO_NOT_FOUND`; `IO_FAILED` with `ELOOP` for links in a circle */
  async stat(path: string, options?: AbortOptions): Promise<AfcStat> {
    let at = path;
    for (let links = 0; links <= mostLinks; links += 1) {
      const info = await this.lstat(at, options);
      if (info.kind !== 'symlink' || info.linkTarget === undefined) return info;
      at = linkedPath(at, info.linkTarget);
    }
    throw new IoError('IO_FAILED', `Links lead from ${path} in a circle`, { path, errno: 'ELOOP' });
  }

  /** What a path is, a link itself. @throws IoError `IO_NOT_FOUND` */
  async lstat(path: string, options?: AbortOptions): Promise<AfcStat> {
    const { payload } = await this.#send(
      { operation: op.getFileInfo, args: [path], path, doing: 'looking at' },
      options,
    );
    return readFileInfo(payload);
  }

  /** The whole content of a file of at most `limits.wholeFileBytes`. */
  async readFile(path: string, options?: AbortOptions): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of this.read(path, {}, options)) {
      length += part.length;
      if (length > limits.wholeFileBytes)
        throw new FormatError('FORMAT_LIMIT_EXCEEDED', `${path} is too large to be read as a whole; use read()`, {
          format: 'archive',
        });
      parts.push(part);
    }
    return concatBytes(parts);
  }

  /**
   * Streams a file, or a range of it, in chunks of at most 1 MiB, each the caller's own. The next chunk is asked for when it is
   * wanted, and leaving the loop early is allowed.
   */
  async *read(
    path: string,
    range: ByteRange = {},
    options?: AbortOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { offset = 0, length = Infinity } = range;
    checkCount(offset, 'offset');
    if (length !== Infinity) checkCount(length, 'length');
    const file = await this.open(path, 'r', options);
    let isDone = false;
    try {
      if (offset > 0) await file.seek(offset, options);
      for (let left = length; left > 0;) {
        const chunk = await file.read(Math.min(left, afcChunkBytes), options);
        if (chunk.length === 0) break;
        left -= chunk.length;
        yield chunk;
      }
      isDone = true;
    } finally {
      await leave(file, isDone, options);
    }
  }

  /** Writes a file whole, in place of an older one; its folder must exist. What was written before an error stays. */
  async writeFile(path: string, data: Uint8Array | AsyncIterable<Uint8Array>, options?: AbortOptions): Promise<void> {
    const file = await this.open(path, 'w', options);
    let isDone = false;
    try {
      if (isBytes(data)) await file.write(data, options);
      else for await (const chunk of data) await file.write(chunk, options);
      isDone = true;
    } finally {
      await leave(file, isDone, options);
    }
  }

  /** Opens a file; the caller closes it. */
  async open(path: string, flags: AfcOpenFlags = 'r', options?: AbortOptions): Promise<AfcFile> {
    if (!Object.hasOwn(modes, flags))
      throw new RangeError(`flags must be one of ${Object.keys(modes).join(', ')}, not ${flags}`);
    const request = { operation: op.openFile, args: [BigInt(modes[flags]), path], path, doing: 'opening' };
    const toFile = (handle: bigint): AfcFile => new AfcFile(this.#requests, handle, path);
    const onLate = (reply: AfcPacket): void => {
      if (reply.operation === op.openFileResult)
        toFile(readU64(reply.data))
          .close()
          .catch(() => undefined);
    };
    return toFile(await this.#requests.sendForNumber(request, op.openFileResult, { signal: options?.signal, onLate }));
  }

  /** Makes a folder and those above it; nothing happens where it exists. */
  async mkdir(path: string, options?: AbortOptions): Promise<void> {
    await this.#send({ operation: op.makeDirectory, args: [path], path, doing: 'making' }, options);
  }

  /**
   * Removes a file, a link, or an empty folder; with `recursive` a folder with all that is in it. `force` does nothing where there
   * is none.
   */
  async rm(
    path: string,
    { recursive = false, force = false, signal }: AbortOptions & { recursive?: boolean; force?: boolean } = {},
  ): Promise<void> {
    const operation = recursive ? op.removePathAndContents : op.removePath;
    try {
      await this.#send({ operation, args: [path], path, doing: 'removing' }, { signal });
    } catch (error) {
      if (!force || !isBackupKitError(error, 'IO_NOT_FOUND')) throw error;
    }
  }

  /** Moves a file or folder, replacing a file at `to`. */
  async rename(from: string, to: string, options?: AbortOptions): Promise<void> {
    await this.#send({ operation: op.rename, args: [from, to], path: from, doing: 'renaming' }, options);
  }

  /** Makes `path` another name of the file `existing`. */
  async link(existing: string, path: string, options?: AbortOptions): Promise<void> {
    const args = [BigInt(afcLinkType.hard), existing, path];
    await this.#send({ operation: op.makeLink, args, path, doing: 'linking' }, options);
  }

  /** Makes `path` a symbolic link to `target`, which need not exist. */
  async symlink(target: string, path: string, options?: AbortOptions): Promise<void> {
    const args = [BigInt(afcLinkType.symbolic), target, path];
    await this.#send({ operation: op.makeLink, args, path, doing: 'linking' }, options);
  }

  /** Sets the size of a file in bytes. */
  async truncate(path: string, size: number, options?: AbortOptions): Promise<void> {
    checkCount(size, 'size');
    await this.#send({ operation: op.truncate, args: [BigInt(size), path], path, doing: 'resizing' }, options);
  }

  /** Sets when a file was modified, to the millisecond. @throws RangeError for times before 1970 */
  async setModified(path: string, modified: Date, options?: AbortOptions): Promise<void> {
    checkCount(modified.getTime(), 'modified');
    const time = BigInt(modified.getTime()) * 1_000_000n;
    await this.#send({ operation: op.setModified, args: [time, path], path, doing: 'touching' }, options);
  }

  /** Size and free space of the disk. */
  async deviceInfo(options?: AbortOptions): Promise<AfcDeviceInfo> {
    const request = { operation: op.getDeviceInfo, args: [], path: '/', doing: 'looking at' };
    return readDeviceInfo((await this.#send(request, options)).payload);
  }

  /** Ends the connection; open files are closed by that, their locks given up. */
  async close(): Promise<void> {
    await this.#requests.close();
  }

  /** Same as {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #send(request: AfcRequest, options?: AbortOptions): Promise<AfcPacket> {
    const { operation } = request;
    return await this.#requests.send(request, withData.has(operation) ? op.data : op.status, options);
  }
}

/** Operations that are answered with data. */
const withData: ReadonlySet<number> = new Set([op.readDirectory, op.getFileInfo, op.getDeviceInfo]);

/** Closes a file. After a failure that is for the device to do in its own time, and the failure is what is reported. */
async function leave(file: AfcFile, isDone: boolean, options: AbortOptions | undefined): Promise<void> {
  const closing = file.close();
  if (isDone) await abortable(closing, options?.signal);
  else closing.catch(() => undefined);
}

/** Where a link leads, `..` resolved as text. */
function linkedPath(path: string, target: string): string {
  const from = target.startsWith('/') ? [] : path.split('/').slice(0, -1);
  const parts: string[] = [];
  for (const part of [...from, ...target.split('/')]) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
