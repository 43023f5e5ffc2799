import { concatBytes, utf8Decode, utf8Encode } from '../../../../core/bytes.js';
import { DeviceError, ProtocolError } from '../../../../core/errors.js';
import { limits } from '../../../../core/limits.js';
import { asDict, asInteger, asString } from '../../../../plist/guards.js';
import type { PlistDict, PlistInput, PlistValue } from '../../../../plist/types.js';
import {
  encodeDeviceMessage,
  parseHostMessage,
  signed64,
  type DeviceMessage,
} from '../../../../backup/device-link/messages.js';
import {
  blockCode,
  decodeLength,
  encodeBlock,
  encodeBlockHead,
  encodeName,
  endOfFiles,
  maxBlockBytes,
  statusCode,
} from '../../../../backup/device-link/wire.js';
import type { ServiceConnection } from '../../types.js';

/** What a host answers to a message. */
export interface HostStatus {
  readonly code: number;
  readonly text: string | undefined;
  readonly payload: PlistValue | undefined;
}

/** A file that goes to the host. */
export interface OutgoingFile {
  /** Where it lies on the device; only informs. */
  readonly devicePath: string;
  readonly hostPath: string;
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** How it ends, asked for when the content is out: well by default. */
  readonly end?: (() => { readonly code: number; readonly text?: string | undefined } | undefined) | undefined;
}

/** Takes one file of a host to its end. */
export type TakeFile = (path: string, chunks: AsyncIterable<Uint8Array>) => Promise<void>;

/** How a device writes. */
export interface DeviceLinkOptions {
  readonly version: readonly [major: number, minor: number];
  readonly xml: boolean;
  /** Elements of the message that announces a batch. */
  readonly uploadElements: number | undefined;
}

/** Longest block that a device takes; current ones are ended by the system at longer ones. */
const longestBlock = 16 * 1024 * 1024;
/** Content that is sent in one write, in bytes. */
const writeBytes = 128 * 1024;

/** The device's side of Device Link: sends a message, waits for the status, never two at a time. FORMAT facts: docs/format/device-link.md. */
export class DeviceLink {
  /** Longest block of content that came from the host, in bytes. */
  longestBlock = 0;
  /** Percent of the whole run, sent with messages. */
  progress = 0;
  readonly #connection: ServiceConnection;
  readonly #options: DeviceLinkOptions;

  constructor(connection: ServiceConnection, options: DeviceLinkOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Agrees on a version; false where the host does not. */
  async open(): Promise<boolean> {
    const [major, minor] = this.#options.version;
    await this.send({ type: 'DLMessageVersionExchange', major, minor });
    const answer = await this.#connection.receive();
    if (answer === undefined || parseHostMessage(answer).type !== 'DLMessageVersionExchange') return false;
    await this.send({ type: 'DLMessageDeviceReady' });
    return true;
  }

  /** The next request of the host; `undefined` where it has ended the session. */
  async receiveRequest(): Promise<PlistDict | undefined> {
    const value = await this.#connection.receive();
    if (value === undefined) return undefined;
    const message = parseHostMessage(value);
    if (message.type === 'DLMessageDisconnect') return undefined;
    if (message.type !== 'DLMessageProcessMessage') throw unexpected(message.type);
    return message.message;
  }

  async send(message: DeviceMessage): Promise<void> {
    await this.sendValue(encodeDeviceMessage(message));
  }

  async sendValue(value: PlistInput): Promise<void> {
    await this.#connection.send(value, { format: this.#options.xml ? 'xml' : 'binary' });
  }

  /** Sends a message and waits for the status of the host. */
  async call(message: DeviceMessage): Promise<HostStatus> {
    await this.send(message);
    return await this.receiveStatus();
  }

  /** The status of the host. @throws DeviceError `DEVICE_DISCONNECTED` where it ends the session instead. */
  async receiveStatus(): Promise<HostStatus> {
    const value = await this.#connection.receive();
    const message = value === undefined ? undefined : parseHostMessage(value);
    if (message === undefined || message.type === 'DLMessageDisconnect')
      throw new DeviceError('DEVICE_DISCONNECTED', 'The host ended the session');
    if (message.type !== 'DLMessageStatusResponse') throw unexpected(message.type);
    return message;
  }

  /** Sends files as one batch of `bytes` bytes. */
  async upload(files: AsyncIterable<OutgoingFile> | Iterable<OutgoingFile>, bytes: number): Promise<HostStatus> {
    const message = encodeDeviceMessage({ type: 'DLMessageUploadFiles', progress: this.progress, bytes });
    await this.sendValue(
      Array.isArray(message) ? (message as PlistInput[]).slice(0, this.#options.uploadElements) : message,
    );
    for await (const file of files) await this.#sendFile(file);
    await this.#connection.write(endOfFiles);
    return await this.receiveStatus();
  }

  /**
   * Asks for files. `take` gets each as it comes; those that the host did not send whole are in the result, with its words.
   */
  async download(paths: readonly string[], take: TakeFile): Promise<ReadonlyMap<string, string>> {
    await this.send({ type: 'DLMessageDownloadFiles', paths, progress: this.progress });
    const missing = new Map(paths.map((path) => [path, 'The host did not send it']));
    let failure: { readonly error: unknown } | undefined;
    for (;;) {
      const nameBytes = decodeLength(await this.#connection.readExactly(4));
      if (nameBytes === 0) break;
      checkLength(nameBytes, limits.pathBytes, 'A path');
      const path = utf8Decode(await this.#connection.readExactly(nameBytes));
      const ended: { error?: string | undefined } = {};
      const chunks = this.#receiveFile(ended);
      try {
        if (failure === undefined && missing.has(path)) await take(path, chunks);
      } catch (error) {
        failure = { error };
      }
      for await (const _rest of chunks) continue;
      await this.#connection.messageReceived();
      if (ended.error === undefined) missing.delete(path);
      else missing.set(path, ended.error);
    }
    const status = await this.receiveStatus();
    if (failure !== undefined) throw failure.error;
    for (const [path, text] of failedPaths(status)) missing.set(path, text);
    return missing;
  }

  /** Free bytes of the host; `undefined` where it does not tell. */
  async freeSpace(): Promise<number | undefined> {
    const { code, payload } = await this.call({ type: 'DLMessageGetFreeDiskSpace' });
    const bytes = asInteger(payload);
    return code === statusCode.ok && bytes !== undefined ? signed64(bytes) : undefined;
  }

  /** Names in a folder of the host, and whether they are folders. */
  async list(path: string): Promise<ReadonlyMap<string, { readonly isDirectory: boolean }>> {
    const { code, payload } = await this.call({ type: 'DLContentsOfDirectory', path });
    const entries = code === statusCode.ok ? (asDict(payload) ?? new Map<string, PlistValue>()) : [];
    return new Map(
      Array.from(entries, ([name, entry]) => [
        name,
        { isDirectory: asString(asDict(entry)?.get('DLFileType')) === 'DLFileTypeDirectory' },
      ]),
    );
  }

  /** One write for what is small: header, content and end together. */
  async #sendFile({ devicePath, hostPath, content, end }: OutgoingFile): Promise<void> {
    let pending: Uint8Array[] = [encodeName(devicePath), encodeName(hostPath)];
    let pendingBytes = 0;
    let isFirst = true;
    const flush = async (): Promise<void> => {
      const bytes = concatBytes(pending);
      pending = [];
      pendingBytes = 0;
      // A file counts as one message of the fault script.
      if (isFirst) await this.#connection.sendMessage(bytes);
      else await this.#connection.write(bytes);
      isFirst = false;
    };
    for await (const chunk of content) {
      for (let at = 0; at < chunk.length; at += maxBlockBytes)
        pending.push(...dataBlock(chunk.subarray(at, at + maxBlockBytes)));
      pendingBytes += chunk.length;
      if (pendingBytes >= writeBytes) await flush();
    }
    const last = end?.();
    pending.push(encodeBlock(last?.code ?? blockCode.end, utf8Encode(last?.text ?? '')));
    await flush();
  }

  /** The content of one file; ends with its last block, whatever the reader does. */
  #receiveFile(ended: { error?: string | undefined }): AsyncIterable<Uint8Array> {
    let isOver = false;
    const next = async (): Promise<Uint8Array | undefined> => {
      while (!isOver) {
        const length = decodeLength(await this.#connection.readExactly(4));
        if (length === 0) throw malformed('A block has no code');
        checkLength(length, longestBlock, 'A block');
        const [code = 0] = await this.#connection.readExactly(1);
        const rest = await this.#connection.readExactly(length - 1);
        if (code === blockCode.data) {
          this.longestBlock = Math.max(this.longestBlock, rest.length);
          if (rest.length > 0) return rest;
        } else {
          isOver = true;
          if (code !== blockCode.end) ended.error = utf8Decode(rest) || `The host ended it with code ${code}`;
        }
      }
      return undefined;
    };
    return {
      // Leaving the loop early does not end the file: what is left is read by the next one.
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          const value = await next();
          return value === undefined ? { done: true, value } : { done: false, value };
        },
      }),
    };
  }
}

/** Paths that a status of several errors names, with the host's words. */
function* failedPaths({ code, payload }: HostStatus): Generator<[path: string, text: string], void, undefined> {
  if (code === statusCode.ok) return;
  for (const [path, entry] of asDict(payload) ?? [])
    yield [path, asString(asDict(entry)?.get('DLFileErrorString')) ?? 'The host could not send it'];
}

/** A block of content in two parts, so that the content is copied once. */
function dataBlock(content: Uint8Array): [head: Uint8Array, content: Uint8Array] {
  return [encodeBlockHead(blockCode.data, content.length), content];
}

function checkLength(length: number, limit: number, what: string): void {
  if (length <= limit) return;
  throw new ProtocolError('PROTOCOL_LIMIT_EXCEEDED', `${what} of ${length} bytes is more than ${limit} bytes`, {
    protocol: 'device-link',
  });
}

const unexpected = (name: string): ProtocolError => malformed(`${name} was not expected now`);

function malformed(message: string): ProtocolError {
  return new ProtocolError('PROTOCOL_MALFORMED', message, { protocol: 'device-link' });
}
