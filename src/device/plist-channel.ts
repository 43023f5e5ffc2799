import { abortable, type AbortOptions } from '../core/abort.js';
import { DeviceError, ProtocolError, type ProtocolName } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { Closeable } from '../core/resource.js';
import { asDict } from '../plist/guards.js';
import type { PlistDict, PlistInput, PlistValue } from '../plist/types.js';
import { encodePlistFrame, readPlistFrame, type PlistFormat, type PlistFrame } from './plist-frame.js';
import { SerialQueue } from './serial-queue.js';
import type { ServiceConnection } from './transport.js';

/** Options of a {@link PlistChannel}. */
export interface PlistChannelOptions {
  /** How requests are written; `xml` by default. Replies are read in either format. */
  format?: PlistFormat | undefined;
  /** Name of the service in errors. */
  service?: string | undefined;
  /** Protocol in errors; `service` by default. */
  protocol?: ProtocolName | undefined;
}

/**
 * Property lists over a connection, each behind its length, as lockdownd and most services of a device talk. It owns the
 * connection.
 *
 * @example
 * const misagent = new PlistChannel(await device.startService('com.apple.misagent'));
 * const reply = await misagent.request({ MessageType: 'CopyAll', ProfileType: 'Provisioning' });
 */
export class PlistChannel implements Closeable, AsyncDisposable {
  readonly #connection: ServiceConnection;
  readonly #format: PlistFormat;
  readonly #service: string | undefined;
  readonly #protocol: ProtocolName;
  readonly #requests = new SerialQueue();
  #reading: Promise<PlistFrame | undefined> | undefined;

  constructor(connection: ServiceConnection, options: PlistChannelOptions = {}) {
    this.#connection = connection;
    this.#format = options.format ?? 'xml';
    this.#service = options.service;
    this.#protocol = options.protocol ?? 'service';
  }

  /** The connection, to go on in TLS or in another protocol. */
  get connection(): ServiceConnection {
    return this.#connection;
  }

  /** Sends a message. @throws DeviceError `DEVICE_DISCONNECTED`, `DEVICE_CLOSED` */
  async send(message: PlistInput, options?: AbortOptions): Promise<void> {
    await this.#connection.write(encodePlistFrame(message, this.#format), options);
  }

  /**
   * The next message; `undefined` where the device has ended the connection between two messages. One call at a time; one that
   * is aborted takes nothing: the next one gets the message.
   *
   * @throws DeviceError `DEVICE_DISCONNECTED`, `DEVICE_CLOSED`; ProtocolError `PROTOCOL_MALFORMED`, `PROTOCOL_LIMIT_EXCEEDED`
   */
  async receive(options?: AbortOptions): Promise<PlistValue | undefined> {
    options?.signal?.throwIfAborted();
    const limit = limits.deviceMessageBytes;
    this.#reading ??= readPlistFrame(this.#connection, { protocol: this.#protocol, limit });
    // What is still being read after an abort belongs to the next call; after a failure nothing more can be understood.
    const frame = await abortable(this.#reading, options?.signal);
    this.#reading = undefined;
    return frame?.value;
  }

  /**
   * Sends a message and gives the reply, a dictionary. Requests are sent one after the other.
   *
   * @throws as {@link receive}; DeviceError `DEVICE_DISCONNECTED` where the device ends the connection without a reply
   */
  async request(message: PlistInput, options?: AbortOptions): Promise<PlistDict> {
    return this.#dict(await this.exchange(message, options));
  }

  /** As {@link request}, for a reply of any type. */
  async exchange(message: PlistInput, options?: AbortOptions): Promise<PlistValue> {
    return await this.#requests.run(async () => {
      await this.send(message);
      return await this.#next();
    }, options);
  }

  /** The next message, which must be a dictionary. @throws as {@link request} */
  async expect(options?: AbortOptions): Promise<PlistDict> {
    return this.#dict(await this.#next(options));
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** Same as {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #next(options?: AbortOptions): Promise<PlistValue> {
    const message = await this.receive(options);
    if (message !== undefined) return message;
    throw new DeviceError(
      'DEVICE_DISCONNECTED',
      `The device ended the connection to ${this.#service ?? 'its service'}; connect again`,
      { service: this.#service },
    );
  }

  #dict(message: PlistValue): PlistDict {
    const dict = asDict(message);
    if (dict !== undefined) return dict;
    throw new ProtocolError('PROTOCOL_MALFORMED', 'A message that should be a dictionary is none', {
      protocol: this.#protocol,
    });
  }
}
