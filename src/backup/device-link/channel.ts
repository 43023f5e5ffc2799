import type { AbortOptions } from '../../core/abort.js';
import { DeviceError, ProtocolError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { encodePlistFrame, readPlistFrame } from '../../device/plist-frame.js';
import type { ServiceConnection } from '../../device/transport.js';
import { BufferedInput } from './buffered-input.js';
import { encodeHostMessage, parseDeviceMessage, type DeviceMessage, type HostMessage } from './messages.js';

/** Device Link over a connection to a service that speaks it: the host's side. It does not own the connection. */
export class DeviceLinkChannel {
  /** For the files of a batch, between two messages. */
  readonly input: BufferedInput;
  readonly #connection: ServiceConnection;
  readonly #service: string;

  private constructor(connection: ServiceConnection, service: string) {
    this.#connection = connection;
    this.#service = service;
    this.input = new BufferedInput(connection, service);
  }

  /**
   * Agrees on a version with the device, which speaks first: whatever it offers is accepted, as nothing that this package
   * uses has changed since the first. Settles when the device is ready.
   *
   * @throws {@link ProtocolError} `PROTOCOL_MALFORMED` where it speaks another protocol; {@link DeviceError}
   * `DEVICE_DISCONNECTED`
   */
  static async open(
    connection: ServiceConnection,
    { service, signal }: AbortOptions & { service: string },
  ): Promise<DeviceLinkChannel> {
    const channel = new DeviceLinkChannel(connection, service);
    const offer = await channel.receive({ signal });
    if (offer.type !== 'DLMessageVersionExchange') throw unexpected(offer);
    await channel.send({ type: 'DLMessageVersionExchange', major: offer.major }, { signal });
    const ready = await channel.receive({ signal });
    if (ready.type !== 'DLMessageDeviceReady') throw unexpected(ready);
    return channel;
  }

  /** The next message of the device, however long it takes. @throws as {@link open} */
  async receive(options?: AbortOptions): Promise<DeviceMessage> {
    const { input } = this;
    const frame = await readPlistFrame(
      {
        readExactly: async (length) => await input.readExactly(length, options),
        readExactlyOrEnd: async (length) => await input.readExactlyOrEnd(length, options),
      },
      { protocol: 'device-link', limit: limits.deviceLinkMessageBytes },
    );
    if (frame === undefined) throw this.#ended('ended the connection');
    const message = parseDeviceMessage(frame.value);
    if (message.type === 'DLMessageDisconnect') throw this.#ended('has said goodbye');
    return message;
  }

  /** Sends a message, in the binary format. */
  async send(message: HostMessage, options?: AbortOptions): Promise<void> {
    await this.write(encodePlistFrame(encodeHostMessage(message), 'binary'), options);
  }

  /** Sends bytes between two messages. */
  async write(bytes: Uint8Array, options?: AbortOptions): Promise<void> {
    await this.#connection.write(bytes, options);
  }

  #ended(how: string): DeviceError {
    return new DeviceError('DEVICE_DISCONNECTED', `The device ${how} before the end of the request; connect again`, {
      service: this.#service,
    });
  }
}

/** The error for a message in the wrong place. */
export function unexpected(message: DeviceMessage): ProtocolError {
  const name = message.type === 'unknown' ? message.name : message.type;
  return new ProtocolError('PROTOCOL_MALFORMED', `The device has sent ${name.slice(0, 100)} where it does not belong`, {
    protocol: 'device-link',
  });
}
