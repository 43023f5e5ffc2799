import type { AbortOptions } from '../../core/abort.js';
import { concatBytes } from '../../core/bytes.js';
import { DeviceError } from '../../core/errors.js';
import type { ByteInput } from '../../device/byte-channel.js';
import type { ServiceConnection } from '../../device/transport.js';

/** Bytes that are asked of the connection at a time. */
const readBytes = 64 * 1024;

/**
 * Reads a connection through a buffer: a backup has many small parts, lengths and names, which would cost a read each.
 * What it gives may share memory with other parts, which nobody changes.
 */
export class BufferedInput implements ByteInput {
  readonly #connection: Pick<ServiceConnection, 'readSome'>;
  readonly #service: string;
  #chunk: Uint8Array = new Uint8Array();
  #at = 0;

  constructor(connection: Pick<ServiceConnection, 'readSome'>, service: string) {
    this.#connection = connection;
    this.#service = service;
  }

  /** What has come and was not taken yet: to look at before {@link skip}. */
  get buffered(): Uint8Array {
    return this.#chunk.subarray(this.#at);
  }

  /** Takes bytes that {@link buffered} has shown. */
  skip(length: number): void {
    this.#at += Math.min(length, this.#chunk.length - this.#at);
  }

  async readSome(limit: number, options?: AbortOptions): Promise<Uint8Array | undefined> {
    if (this.#at === this.#chunk.length && !(await this.#fill(options))) return undefined;
    return this.#take(Math.min(limit, this.#chunk.length - this.#at));
  }

  async readExactly(length: number, options?: AbortOptions): Promise<Uint8Array> {
    const bytes = await this.readExactlyOrEnd(length, options);
    if (bytes === undefined) throw this.#ended();
    return bytes;
  }

  async readExactlyOrEnd(length: number, options?: AbortOptions): Promise<Uint8Array | undefined> {
    if (length <= this.#chunk.length - this.#at) return this.#take(length);
    const parts: Uint8Array[] = [];
    for (let missing = length; missing > 0;) {
      const part = await this.readSome(missing, options);
      if (part === undefined && parts.length === 0) return undefined;
      if (part === undefined) throw this.#ended();
      parts.push(part);
      missing -= part.length;
    }
    return concatBytes(parts);
  }

  async #fill(options: AbortOptions | undefined): Promise<boolean> {
    const chunk = await this.#connection.readSome(readBytes, options);
    if (chunk === undefined) return false;
    this.#chunk = chunk;
    this.#at = 0;
    return true;
  }

  #take(length: number): Uint8Array {
    const start = this.#at;
    this.#at += length;
    return this.#chunk.subarray(start, this.#at);
  }

  #ended(): DeviceError {
    return new DeviceError('DEVICE_DISCONNECTED', `The connection to ${this.#service} ended; connect again`, {
      service: this.#service,
    });
  }
}
