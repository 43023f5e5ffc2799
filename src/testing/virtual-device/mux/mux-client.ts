import type { Duplex } from 'node:stream';
import { ByteChannel } from '../../../device/byte-channel.js';
import { parsePayload } from '../../../device/plist-frame.js';
import {
  encodeMuxFrame,
  muxMessageType,
  muxVersion,
  readMuxFrame,
  type MuxFrame,
} from '../../../device/usbmux/framing.js';
import { muxResult, swapPort } from '../../../device/usbmux/messages.js';
import { asData, asDict, asNumber, asString } from '../../../plist/guards.js';
import type { PlistDict, PlistInput } from '../../../plist/types.js';
import { writeXmlPlist } from '../../../plist/xml-write.js';
import type { Attachments, MuxEvent } from './attachments.js';

/** What all clients of a usbmuxd share. */
export interface MuxState {
  readonly attachments: Attachments;
  readonly listeners: Set<MuxClient>;
  readonly pairRecords: Map<string, Uint8Array>;
  readonly systemBuid: string;
}

/** Values of `errno` that requests about pair records give. */
const errno = { noEntry: 2, invalid: 22, noSpace: 28 } as const;
const mostRecords = 1000;
const mostIdCharacters = 128;
/** Bytes that wait for a listener that does not read, before it is dropped. */
const mostPendingBytes = 1024 * 1024;

/** What a request leads to: a reply, or the tunnel that the connection becomes after one. */
type Outcome = { readonly reply: PlistInput } | { readonly result: number; readonly tunnel?: (stream: Duplex) => void };

/** usbmuxd towards one client. FORMAT facts: docs/format/usbmux.md. */
export class MuxClient {
  readonly #state: MuxState;
  readonly #channel: ByteChannel;
  #name = '';

  constructor(stream: Duplex, state: MuxState) {
    this.#state = state;
    this.#channel = new ByteChannel(stream, 'a client of usbmuxd');
  }

  /** Answers requests until the client is gone, breaks the protocol, or has its tunnel. */
  async serve(): Promise<void> {
    try {
      for (;;) {
        const frame = await readMuxFrame(this.#channel);
        if (frame === undefined) break;
        const isAlive = await this.#answer(frame);
        if (isAlive === 'tunnel') return;
        if (!isAlive) break;
      }
      await this.#channel.close();
    } catch {
      this.#channel.destroy();
    } finally {
      this.#state.listeners.delete(this);
    }
  }

  /** Tells a client that listens what happened. */
  notify(event: MuxEvent): void {
    if (this.#channel.pendingBytes > mostPendingBytes) this.#channel.destroy();
    else this.#send(0, event).catch(() => undefined);
  }

  async #answer(frame: MuxFrame): Promise<boolean | 'tunnel'> {
    if (frame.version !== muxVersion.plist || frame.type !== muxMessageType.plist) {
      await this.#refuseVersion(frame);
      return true;
    }
    // After Listen a connection only speaks; who asks on is told so and left.
    const isListening = this.#state.listeners.has(this);
    const request = asDict(parsePayload(frame.payload, 'usbmux')) ?? new Map();
    const outcome = isListening ? { result: muxResult.badCommand } : this.#handle(request);
    if ('reply' in outcome) {
      await this.#send(frame.tag, outcome.reply);
      return true;
    }
    await this.#send(frame.tag, { MessageType: 'Result', Number: outcome.result });
    if (asString(request.get('MessageType')) === 'Listen' && !isListening) await this.#listen(request);
    if (outcome.tunnel === undefined) return !isListening;
    outcome.tunnel(this.#channel.release());
    return 'tunnel';
  }

  #handle(request: PlistDict): Outcome {
    switch (asString(request.get('MessageType'))) {
      case 'ListDevices':
        return { reply: { DeviceList: this.#state.attachments.list() } };
      case 'Listen':
        return { result: muxResult.ok };
      case 'ListListeners':
        return { reply: { ListenerList: [...this.#state.listeners].map((client) => client.#describe()) } };
      case 'Connect':
        return this.#connect(request);
      case 'ReadBUID':
        return { reply: { BUID: this.#state.systemBuid } };
      case 'ReadPairRecord':
        return this.#readPairRecord(request);
      case 'SavePairRecord':
        return { result: this.#savePairRecord(request) };
      case 'DeletePairRecord': {
        const isDeleted = this.#state.pairRecords.delete(recordId(request) ?? '');
        return { result: isDeleted ? muxResult.ok : errno.noEntry };
      }
      default:
        return { result: muxResult.badCommand };
    }
  }

  async #listen(request: PlistDict): Promise<void> {
    this.#name = asString(request.get('ProgName')) ?? '';
    this.#state.listeners.add(this);
    for (const event of this.#state.attachments.list()) await this.#send(0, event);
  }

  #connect(request: PlistDict): Outcome {
    const port = asNumber(request.get('PortNumber'));
    const id = asNumber(request.get('DeviceID'));
    const attachment = id === undefined ? undefined : this.#state.attachments.get(id);
    if (id !== undefined && port === undefined) return { result: muxResult.badCommand };
    if (attachment === undefined || port === undefined) return { result: muxResult.badDevice };
    const tunnel = attachment.device.openPort(swapPort(port & 0xffff));
    return tunnel === undefined ? { result: muxResult.connectionRefused } : { result: muxResult.ok, tunnel };
  }

  #readPairRecord(request: PlistDict): Outcome {
    const record = this.#state.pairRecords.get(recordId(request) ?? '');
    return record === undefined ? { result: errno.noEntry } : { reply: { PairRecordData: record } };
  }

  #savePairRecord(request: PlistDict): number {
    const id = recordId(request);
    const record = asData(request.get('PairRecordData'));
    const { pairRecords, attachments } = this.#state;
    if (id === undefined || record === undefined || record.length === 0) return errno.invalid;
    if (pairRecords.size >= mostRecords && !pairRecords.has(id)) return errno.noSpace;
    pairRecords.set(id, record);
    attachments.paired(id);
    return muxResult.ok;
  }

  #describe(): PlistInput {
    return { ProgName: this.#name, 'Is Blacklisted': false };
  }

  /** A client of the binary protocol gets the answer in it. */
  async #refuseVersion({ tag }: MuxFrame): Promise<void> {
    const payload = Uint8Array.of(muxResult.badVersion, 0, 0, 0);
    const { binary: version } = muxVersion;
    await this.#channel.write(encodeMuxFrame({ version, type: muxMessageType.result, tag, payload }));
  }

  async #send(tag: number, message: PlistInput): Promise<void> {
    const frame = { version: muxVersion.plist, type: muxMessageType.plist, tag, payload: writeXmlPlist(message) };
    await this.#channel.write(encodeMuxFrame(frame));
  }
}

function recordId(request: PlistDict): string | undefined {
  const id = asString(request.get('PairRecordID'));
  return id === undefined || id === '' || id.length > mostIdCharacters ? undefined : id;
}
