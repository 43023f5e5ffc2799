import type { AbortOptions } from '../../core/abort.js';
import { concatBytes, utf8Encode } from '../../core/bytes.js';
import { DeviceError, ProtocolError } from '../../core/errors.js';
import type { Closeable } from '../../core/resource.js';
import { SerialQueue } from '../serial-queue.js';
import type { ServiceConnection } from '../transport.js';
import { afcError } from './afc-error.js';
import { encodeAfcPacket, readAfcPacket, type AfcPacket } from './framing.js';
import { afcOperation, afcStatus } from './protocol.js';

/* FORMAT facts: docs/format/afc.md. */

/** One request of AFC. */
export interface AfcRequest {
  readonly operation: number;
  /** Arguments in order: 64-bit numbers, and texts, which end with a NUL. */
  readonly args: readonly (bigint | string)[];
  /** Content of a file. */
  readonly payload?: Uint8Array | undefined;
  /** What it is about, for errors. */
  readonly path: string;
  /** What it does, for errors, e.g. `reading`. */
  readonly doing: string;
}

/** `onLate` gets a reply that comes after an abort. */
type AfcSendOptions = AbortOptions & { onLate?: ((reply: AfcPacket) => void) | undefined };

/** Requests and replies over one connection, which it owns. */
export class AfcRequests implements Closeable {
  readonly #connection: ServiceConnection;
  readonly #queue = new SerialQueue();
  #number = 0n;
  #failure: { readonly error: unknown } | undefined;

  constructor(connection: ServiceConnection) {
    this.#connection = connection;
  }

  /**
   * Sends a request and gives its reply, which is `expected` or an error.
   *
   * @throws IoError for what the device refuses; DeviceError `DEVICE_DISCONNECTED`, `DEVICE_CLOSED`; ProtocolError
   */
  async send(request: AfcRequest, expected: number, options: AfcSendOptions = {}): Promise<AfcPacket> {
    const reply = await this.#queue.run(async () => await this.#exchange(request), options);
    if (reply.operation === afcOperation.status) {
      const status = readU64(reply.data);
      if (status !== BigInt(afcStatus.ok)) throw afcError(Number(status), request);
    }
    // A reply of nothing may come as a status of success.
    if (reply.operation !== expected && reply.operation !== afcOperation.status)
      throw malformed(`The device answered operation ${request.operation} with ${reply.operation}`);
    return reply;
  }

  /** As {@link send}, and gives the number in the reply. */
  async sendForNumber(request: AfcRequest, expected: number, options?: AfcSendOptions): Promise<bigint> {
    const reply = await this.send(request, expected, options);
    if (reply.operation !== expected)
      throw malformed(`The device answered operation ${request.operation} without a number`);
    return readU64(reply.data);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** Once an exchange has failed, replies and requests would not match any more. */
  async #exchange(request: AfcRequest): Promise<AfcPacket> {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      return await this.#ask(request);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  async #ask({ operation, args, payload = new Uint8Array() }: AfcRequest): Promise<AfcPacket> {
    this.#number += 1n;
    const number = this.#number;
    const data = concatBytes(args.map((arg) => (typeof arg === 'bigint' ? writeU64(arg) : utf8Encode(`${arg}\0`))));
    await this.#connection.write(encodeAfcPacket({ number, operation, data, payload }));
    const reply = await readAfcPacket(this.#connection);
    if (reply === undefined)
      throw new DeviceError('DEVICE_DISCONNECTED', 'The device ended the connection to its files; connect again', {
        service: 'com.apple.afc',
      });
    if (reply.number !== number) throw malformed('The device answered another request');
    return reply;
  }
}

function writeU64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

/** The number in a reply. */
export function readU64(bytes: Uint8Array): bigint {
  if (bytes.length < 8) throw malformed('A reply of AFC is too short');
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('PROTOCOL_MALFORMED', message, { protocol: 'afc' });
}
