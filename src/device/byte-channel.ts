import type { Duplex } from 'node:stream';
import { abortable, type AbortOptions } from '../core/abort.js';
import { concatBytes, ownBytes, plainView } from '../core/bytes.js';
import { DeviceError } from '../core/errors.js';
import type { Closeable } from '../core/resource.js';

/** Most bytes that one read takes out of the stream's buffer. */
const readBytes = 64 * 1024;

/** Larger buffers are memory of their own; smaller ones come out of a pool of Node's, and are copied. */
const sharedBytes = 16 * 1024;

/** What messages are read from. */
export type ByteInput = Pick<ByteChannel, 'readExactly' | 'readExactlyOrEnd'>;

/**
 * Reads and writes a stream of bytes in order, with back-pressure. Never takes more out of the stream than was asked for, so
 * that the stream can be handed on, to TLS for instance. One read at a time. A read that is aborted takes nothing.
 */
export class ByteChannel implements Closeable {
  readonly #stream: Duplex;
  readonly #peer: string;
  readonly #udid: string | undefined;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  /** `peer` names the other side in errors, `udid` its device. */
  constructor(stream: Duplex, peer: string, udid?: string) {
    this.#stream = stream;
    this.#peer = peer;
    this.#udid = udid;
    stream.on('error', this.#onError);
    stream.on('readable', this.#onChange);
    stream.on('end', this.#onChange);
    stream.on('close', this.#onChange);
  }

  /** Bytes that were written and not yet taken by the system. */
  get pendingBytes(): number {
    return this.#stream.writableLength;
  }

  /** Exactly `length` bytes. @throws {@link DeviceError} `DEVICE_DISCONNECTED` where the stream ends before. */
  async readExactly(length: number, options?: AbortOptions): Promise<Uint8Array> {
    const bytes = await this.readExactlyOrEnd(length, options);
    if (bytes === undefined && length > 0) throw this.#disconnected();
    return bytes ?? new Uint8Array();
  }

  /** Exactly `length` bytes, or `undefined` where the stream has ended before the first. @throws as {@link readExactly}. */
  async readExactlyOrEnd(length: number, options?: AbortOptions): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      const part = await this.readSome(missing, options).catch((error: unknown) => {
        if (options?.signal?.aborted === true) for (const taken of parts.toReversed()) this.#stream.unshift(taken);
        throw error;
      });
      if (part === undefined) {
        if (parts.length === 0) return undefined;
        throw this.#disconnected();
      }
      parts.push(part);
      missing -= part.length;
    }
    const [first] = parts;
    return first !== undefined && parts.length === 1 ? first : concatBytes(parts);
  }

  /** What is there, 1 to `limit` bytes and at most 64 KiB; `undefined` at the end of the stream. */
  async readSome(limit: number, options?: AbortOptions): Promise<Uint8Array | undefined> {
    for (;;) {
      options?.signal?.throwIfAborted();
      const stream = this.#stream;
      if (stream.destroyed) return undefined;
      if (stream.readableLength > 0) {
        const part = stream.read(Math.min(stream.readableLength, limit, readBytes)) as Uint8Array | null;
        if (part !== null) return part.length < sharedBytes ? ownBytes(part) : plainView(part);
      }
      if (stream.readableEnded) return undefined;
      // At the end of the data, `end` is emitted only after a read that finds nothing.
      stream.read(0);
      if (this.#wake !== undefined) throw new Error('A channel has one reader at a time');
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      await abortable(woken, options?.signal).finally(() => (this.#wake = undefined));
    }
  }

  /** Writes all bytes, in order; settles when more may follow without growing a buffer. An abort ends the wait only. */
  async write(bytes: Uint8Array, options?: AbortOptions): Promise<void> {
    options?.signal?.throwIfAborted();
    const stream = this.#stream;
    if (!stream.writable) throw this.#disconnected();
    if (stream.write(bytes)) return;
    const drained = new Promise<void>((resolve) => {
      const settle = (): void => {
        stream.off('drain', settle);
        stream.off('close', settle);
        resolve();
      };
      stream.on('drain', settle);
      stream.on('close', settle);
    });
    await abortable(drained, options?.signal);
    if (stream.destroyed) throw this.#disconnected();
  }

  /** Settles when the system has taken all that was written, or the stream is closed. */
  async flush(): Promise<void> {
    if (!this.#stream.writable) return;
    await new Promise<void>((resolve) => this.#stream.write(new Uint8Array(), () => resolve()));
  }

  /** Stops reading and hands the stream on, with what is unread still in it. The channel is of no use afterwards. */
  release(): Duplex {
    this.#stream.off('readable', this.#onChange);
    this.#stream.off('end', this.#onChange);
    this.#stream.off('close', this.#onChange);
    return this.#stream;
  }

  /** Sends what was written and an end, then closes; also where the other side does not. */
  async close(): Promise<void> {
    const stream = this.#stream;
    if (stream.destroyed) return;
    await new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.end(() => stream.destroy());
    });
  }

  /** Closes at once; what was not sent is lost. */
  destroy(): void {
    this.#stream.destroy();
  }

  readonly #onChange = (): void => {
    if (this.#wake !== undefined) this.#wake();
    // A stream notices its end only when it is read; nobody reads while a reply is being made.
    else if (this.#stream.readableLength === 0) this.#stream.read(0);
  };

  /** Stays on the stream when it is handed on: an error without a listener would end the process. */
  readonly #onError = (error: Error): void => {
    this.#error = error;
    this.#wake?.();
  };

  #disconnected(): DeviceError {
    return new DeviceError('DEVICE_DISCONNECTED', `The connection to ${this.#peer} ended; connect again`, {
      service: this.#peer,
      udid: this.#udid,
      cause: this.#error,
    });
  }
}
