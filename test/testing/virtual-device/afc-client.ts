import { encodeAfcPacket, readAfcPacket } from '../../../src/device/afc/framing.js';
import type { PlistConnection } from './host.js';

/** A tiny client of AFC: operations by number, arguments as they lie on the wire. */
export class AfcClient {
  readonly #connection: PlistConnection;
  #number = 0n;

  constructor(connection: PlistConnection) {
    this.#connection = connection;
  }

  /** Sends numbers as u64 and texts with a NUL. Gives the text of DATA, the number of a result, or `-status`; 0 is success. */
  async ask(operation: number, ...args: (number | bigint | string)[]): Promise<string | number> {
    return await this.write(operation, new Uint8Array(), ...args);
  }

  /** The same with a payload. */
  async write(operation: number, payload: Uint8Array, ...args: (number | bigint | string)[]): Promise<string | number> {
    this.#number += 1n;
    const data = Buffer.concat(
      args.map((arg) => {
        if (typeof arg === 'string') return Buffer.from(`${arg}\0`);
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(arg)));
        return bytes;
      }),
    );
    await this.#connection.channel.write(encodeAfcPacket({ number: this.#number, operation, data, payload }));
    const reply = await readAfcPacket(this.#connection.channel);
    if (reply === undefined) throw new Error('The device has closed the connection');
    if (reply.number !== this.#number) throw new Error('The reply is not for this request');
    if (reply.operation === 2) return Buffer.from(reply.payload).toString();
    const value = Number(Buffer.from(reply.data).readBigUInt64LE());
    return reply.operation === 1 && value > 0 ? -value : value;
  }

  async names(path: string): Promise<string[]> {
    return String(await this.ask(0x03, path))
      .split('\0')
      .slice(0, -1);
  }

  async info(path: string): Promise<Record<string, string>> {
    const texts = String(await this.ask(0x0a, path)).split('\0');
    const info: Record<string, string> = {};
    for (let i = 0; i + 1 < texts.length; i += 2) info[texts[i] ?? ''] = texts[i + 1] ?? '';
    return info;
  }

  close(): void {
    this.#connection.close();
  }
}
