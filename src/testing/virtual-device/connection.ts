import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { concatBytes } from '../../core/bytes.js';
import { DeviceError, type ProtocolName } from '../../core/errors.js';
import { ByteChannel } from '../../device/byte-channel.js';
import { encodePlistFrame, readPlistFrame, type PlistFormat } from '../../device/plist-frame.js';
import type { PlistInput, PlistValue } from '../../plist/types.js';
import type { FaultScript, ReplyDamage } from './faults.js';
import { MeteredStream } from './metered-stream.js';
import type { ServiceConnection, VirtualMessageEvent } from './types.js';

/** Most bytes of a property list that a host may send. */
const requestBytes = 16 * 1024 * 1024;

/** What a connection belongs to. */
export interface ConnectionOwner {
  readonly udid: string;
  readonly faults: FaultScript;
  readonly onMessage: ((event: VirtualMessageEvent) => void) | undefined;
}

/** A connection of a host to lockdownd or a service, with the fault script applied. */
export class DeviceConnection implements ServiceConnection {
  readonly #owner: ConnectionOwner;
  readonly #service: string;
  readonly #protocol: ProtocolName;
  readonly #ended = new AbortController();
  #channel: ByteChannel;
  #format: PlistFormat = 'xml';

  constructor(stream: Duplex, service: string, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#service = service;
    this.#protocol = service === lockdownName ? 'lockdown' : 'service';
    const meter = owner.faults.meterFor(service);
    this.#channel = this.#open(meter === undefined ? stream : new MeteredStream(stream, meter));
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get pendingBytes(): number {
    return this.#channel.pendingBytes;
  }

  async receive(): Promise<PlistValue | undefined> {
    const frame = await readPlistFrame(this.#channel, { protocol: this.#protocol, limit: requestBytes });
    if (frame === undefined) return undefined;
    this.#format = frame.format;
    this.#report('received', frame.value);
    await this.messageReceived();
    return frame.value;
  }

  async send(value: PlistInput, options: { format?: PlistFormat | undefined } = {}): Promise<void> {
    const frame = encodePlistFrame(value, options.format ?? this.#format);
    await this.sendMessage(frame);
    this.#report('sent', value);
  }

  async sendMessage(bytes: Uint8Array): Promise<void> {
    const { faults } = this.#owner;
    const ms = faults.replyDelay(this.#service);
    if (ms > 0) await this.#wait(ms);
    await faults.untilHeard(this.#service, this.signal);
    const damage = faults.replyDamage(this.#service);
    await this.write(damage === undefined ? bytes : damaged(bytes, damage));
    if (damage === 'truncated') await this.close();
    // What the cable is pulled after must have arrived.
    if (faults.watchesMessages(this.#service)) await this.#channel.flush();
    this.#countMessage();
  }

  async messageReceived(): Promise<void> {
    this.#countMessage();
    await this.#owner.faults.untilHeard(this.#service, this.signal);
  }

  async readExactly(length: number): Promise<Uint8Array> {
    return await this.#channel.readExactly(length);
  }

  async readExactlyOrEnd(length: number): Promise<Uint8Array | undefined> {
    return await this.#channel.readExactlyOrEnd(length);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#channel.write(bytes);
  }

  /** Goes on in TLS on the same stream, from the next byte. */
  async secure(upgrade: (stream: Duplex) => Promise<Duplex>): Promise<void> {
    const plain = this.#channel;
    this.#channel = this.#open(await upgrade(plain.release()));
  }

  /** Delivers what was sent, then ends the connection. */
  async close(): Promise<void> {
    await this.#channel.close();
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#channel.destroy();
  }

  #open(stream: Duplex): ByteChannel {
    stream.once('close', () => this.#ended.abort());
    if (stream.destroyed) this.#ended.abort();
    return new ByteChannel(stream, this.#service);
  }

  #countMessage(): void {
    this.#owner.faults.countMessage(this.#service);
    if (!this.signal.aborted) return;
    const message = `The connection to ${this.#service} ended`;
    throw new DeviceError('DEVICE_DISCONNECTED', message, { service: this.#service });
  }

  #report(direction: 'received' | 'sent', message: PlistValue | PlistInput): void {
    const { udid, onMessage } = this.#owner;
    onMessage?.({ udid, service: this.#service, direction, message });
  }

  async #wait(ms: number): Promise<void> {
    try {
      await delay(ms, undefined, { signal: this.signal });
    } catch {
      // The connection ended; the write that follows says so.
    }
  }
}

/** Name of lockdownd in fault scripts and events: what it calls itself. */
export const lockdownName = 'com.apple.mobile.lockdown';

function damaged(frame: Uint8Array, damage: ReplyDamage): Uint8Array {
  if (damage === 'oversized') return concatBytes([new Uint8Array(4).fill(0xff), frame.subarray(4)]);
  if (damage === 'garbage') return concatBytes([frame.subarray(0, 4), new Uint8Array(frame.length - 4).fill(0x2a)]);
  if (damage === 'truncated') return frame.subarray(0, Math.ceil(frame.length / 2));
  if (damage === 'empty') return new Uint8Array(4);
  return damage;
}
