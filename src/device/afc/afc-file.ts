import type { AbortOptions } from '../../core/abort.js';
import type { Closeable } from '../../core/resource.js';
import { IoError, isBackupKitError } from '../../core/errors.js';
import { afcClosed } from './afc-error.js';
import type { AfcRequest, AfcRequests } from './afc-requests.js';
import { afcLock, afcOperation as op } from './protocol.js';

/** Most bytes of one read or write. Known clients use at most 4 MiB. */
export const afcChunkBytes = 1024 * 1024;

/** An open file of a device, with a position. Calls are carried out in order. */
export class AfcFile implements Closeable, AsyncDisposable {
  readonly #requests: AfcRequests;
  readonly #handle: bigint;
  readonly #path: string;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(requests: AfcRequests, handle: bigint, path: string) {
    this.#requests = requests;
    this.#handle = handle;
    this.#path = path;
  }

  /** Up to `length` bytes from the position on, at most 1 MiB; empty at the end of the file. */
  async read(length: number, options?: AbortOptions): Promise<Uint8Array> {
    checkCount(length, 'length');
    const most = BigInt(Math.min(length, afcChunkBytes));
    const reply = await this.#requests.send(this.#request(op.readFile, 'reading', most), op.data, options);
    // What exceeds the request would be the device's mistake, and the caller's buffer overflow.
    return reply.payload.subarray(0, Number(most));
  }

  /** Writes all bytes at the position. */
  async write(bytes: Uint8Array, options?: AbortOptions): Promise<void> {
    for (let at = 0; at < bytes.length; at += afcChunkBytes) {
      const payload = bytes.subarray(at, at + afcChunkBytes);
      await this.#requests.send({ ...this.#request(op.writeFile, 'writing'), payload }, op.status, options);
    }
  }

  /** Moves the position to an offset from the start, in bytes. */
  async seek(offset: number, options?: AbortOptions): Promise<void> {
    checkCount(offset, 'offset');
    await this.#requests.send(this.#request(op.seekFile, 'seeking in', 0n, BigInt(offset)), op.status, options);
  }

  /** The position: offset from the start, in bytes. */
  async tell(options?: AbortOptions): Promise<number> {
    return Number(
      await this.#requests.sendForNumber(this.#request(op.tellFile, 'reading'), op.tellFileResult, options),
    );
  }

  /** Sets the size in bytes: cuts off what is beyond, fills with zeros what is missing. */
  async truncate(size: number, options?: AbortOptions): Promise<void> {
    checkCount(size, 'size');
    await this.#requests.send(this.#request(op.setFileSize, 'resizing', BigInt(size)), op.status, options);
  }

  /**
   * Takes a lock on the file, without waiting: `false` where another one holds it. It is given up by {@link unlock} and when the
   * file is closed.
   */
  async lock(kind: 'shared' | 'exclusive', options?: AbortOptions): Promise<boolean> {
    try {
      await this.#requests.send(this.#request(op.lockFile, 'locking', BigInt(afcLock[kind])), op.status, options);
      return true;
    } catch (error) {
      if (error instanceof IoError && error.errno === 'EAGAIN') return false;
      throw error;
    }
  }

  /** Gives up the lock. */
  async unlock(options?: AbortOptions): Promise<void> {
    await this.#requests.send(this.#request(op.lockFile, 'unlocking', BigInt(afcLock.unlock)), op.status, options);
  }

  /** Closes the file; calling it again does nothing. */
  async close(): Promise<void> {
    this.#closing ??= this.#close(this.#request(op.closeFile, 'closing'));
    await this.#closing;
  }

  /** Same as {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(request: AfcRequest): Promise<void> {
    try {
      await this.#requests.send(request, op.status);
    } catch (error) {
      // Where its connection was closed before, so was the file.
      if (!isBackupKitError(error, 'DEVICE_CLOSED')) throw error;
    }
  }

  #request(operation: number, doing: string, ...args: bigint[]): AfcRequest {
    if (this.#closing !== undefined) throw afcClosed(this.#path);
    return { operation, args: [this.#handle, ...args], path: this.#path, doing };
  }
}

/** @throws RangeError where `value` is no whole number from 0 on */
export function checkCount(value: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name} must be a non-negative integer, not ${value}`);
}
