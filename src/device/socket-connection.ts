import type { Duplex } from 'node:stream';
import type { AbortOptions } from '../core/abort.js';
import { DeviceError } from '../core/errors.js';
import { ByteChannel } from './byte-channel.js';
import { startClientTls, type Peer } from './client-tls.js';
import type { DeviceTlsOptions, ServiceConnection } from './transport.js';

/** How long a connection that is closed may take to send what was written, in milliseconds, before it is cut. */
const closingMs = 2000;

/**
 * A connection to a service over an open stream, e.g. a socket that a daemon has turned into a tunnel. It owns the stream
 * from here on.
 */
export function connectionOverStream(stream: Duplex, peer: Peer): ServiceConnection {
  return new StreamConnection(stream, peer);
}

class StreamConnection implements ServiceConnection {
  readonly #peer: Peer;
  #channel: ByteChannel;
  #closing: Promise<void> | undefined;

  constructor(stream: Duplex, peer: Peer) {
    this.#peer = peer;
    this.#channel = new ByteChannel(stream, peer.service, peer.udid);
  }

  async readExactly(length: number, options?: AbortOptions): Promise<Uint8Array> {
    return await this.#whileOpen(async (channel) => await channel.readExactly(length, options));
  }

  async readExactlyOrEnd(length: number, options?: AbortOptions): Promise<Uint8Array | undefined> {
    return await this.#whileOpen(async (channel) => await channel.readExactlyOrEnd(length, options));
  }

  async readSome(limit: number, options?: AbortOptions): Promise<Uint8Array | undefined> {
    return await this.#whileOpen(async (channel) => await channel.readSome(limit, options));
  }

  async write(bytes: Uint8Array, options?: AbortOptions): Promise<void> {
    await this.#whileOpen(async (channel) => await channel.write(bytes, options));
  }

  async startTls(tls: DeviceTlsOptions, options?: AbortOptions): Promise<void> {
    await this.#whileOpen(async (channel) => {
      const stream = channel.release();
      const socket = await startClientTls(stream, { tls, signal: options?.signal, peer: this.#peer });
      this.#channel = new ByteChannel(socket, this.#peer.service, this.#peer.udid);
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
    const channel = this.#channel;
    const cut = setTimeout(() => channel.destroy(), closingMs);
    await channel.close();
    clearTimeout(cut);
  }

  /** Runs `use`; once this program has closed the connection, that is what its calls report. */
  async #whileOpen<T>(use: (channel: ByteChannel) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw this.#closed();
    try {
      const result = await use(this.#channel);
      // The end of the stream is then the end that this program has made.
      if (result === undefined && this.#isClosing) throw this.#closed();
      return result;
    } catch (error) {
      throw this.#isClosing && error instanceof DeviceError ? this.#closed() : error;
    }
  }

  get #isClosing(): boolean {
    return this.#closing !== undefined;
  }

  #closed(): DeviceError {
    return new DeviceError('DEVICE_CLOSED', `The connection to ${this.#peer.service} was closed`, this.#peer);
  }
}
