import { concatBytes, utf8Decode, utf8Encode } from '../../../../src/core/bytes.js';
import { parseDeviceMessage, type DeviceMessage } from '../../../../src/backup/device-link/messages.js';
import { decodeLength, encodeBlock, encodeName, endOfFiles } from '../../../../src/backup/device-link/wire.js';
import {
  memoryTree,
  type MemoryTree,
  type VirtualDevice,
  type VirtualFileEntry,
} from '../../../../src/entry/testing.js';
import { Backup } from '../../../../src/entry/index.js';
import { readPlistFrame } from '../../../../src/device/plist-frame.js';
import { PlistReal, type PlistDict, type PlistInput, type PlistValue } from '../../../../src/plist/types.js';
import { Host, type PlistConnection } from '../host.js';

const empty = '___EmptyParameterString___';

/** What a host has on its disk, and how it differs from a well-behaved one. */
export class MiniHost {
  /** Files by path: `UDID/…`. */
  readonly disk: MemoryTree;
  readonly udid: string;
  /** Names of the messages that came, in order, without the ones that begin a session. */
  readonly log: string[] = [];
  /** Paths that were uploaded, as they came. */
  readonly uploads: string[] = [];
  /** Progress that came with messages. */
  readonly progress: number[] = [];
  freeBytes = 2 ** 40;
  /** Answers messages by itself: `undefined` lets the usual answer go out. */
  answer: ((message: DeviceMessage) => readonly [code: number, text?: string] | undefined) | undefined;
  /** Changes a message's raw list before it is looked at. */
  onRaw: ((value: PlistValue) => void) | undefined;
  readonly #host: Host;

  private constructor(host: Host, udid: string, disk: MemoryTree) {
    this.#host = host;
    this.udid = udid;
    this.disk = disk;
  }

  static async paired(device: Pick<VirtualDevice, 'address' | 'udid'>, disk = memoryTree()): Promise<MiniHost> {
    return new MiniHost(await Host.paired(device), device.udid, disk);
  }

  /** A session after the Hello. */
  async connect(): Promise<PlistConnection> {
    const connection = await this.#host.service('com.apple.mobilebackup2', this.#host.escrowBag);
    const offer = (await connection.receive()) as unknown[];
    await connection.send(['DLMessageVersionExchange', 'DLVersionsOk', offer[1] as number], 'binary');
    await connection.receive();
    const versions = [new PlistReal(2), new PlistReal(2.1)];
    const hello = { MessageName: 'Hello', SupportedProtocolVersions: versions };
    await connection.send(['DLMessageProcessMessage', hello], 'binary');
    await connection.receive();
    return connection;
  }

  /** Sends a request and serves the device until it has an answer; `undefined` where the device ended the session. */
  async request(
    name: string,
    keys: Record<string, PlistInput> = {},
    connected?: PlistConnection,
  ): Promise<{ code: number; text: string | undefined; content: unknown } | undefined> {
    const connection = connected ?? (await this.connect());
    try {
      const ids = { MessageName: name, TargetIdentifier: this.udid, SourceIdentifier: this.udid };
      await connection.send(['DLMessageProcessMessage', { ...ids, ...keys }], 'binary');
      for (;;) {
        const frame = await readPlistFrame(connection.channel, { protocol: 'device-link', limit: 2 ** 26 });
        if (frame === undefined) return undefined;
        this.onRaw?.(frame.value);
        const message = parseDeviceMessage(frame.value);
        this.log.push(message.type === 'unknown' ? message.name : message.type);
        if ('progress' in message && message.progress !== undefined) this.progress.push(message.progress);
        if (message.type === 'DLMessageDisconnect') return undefined;
        if (message.type === 'DLMessageProcessMessage') return response(message.message);
        if (message.type !== 'DLMessagePing') await this.#serve(connection, message);
      }
    } catch (error) {
      if ((error as { code?: string }).code === 'DEVICE_DISCONNECTED') return undefined;
      throw error;
    } finally {
      if (connected === undefined) connection.close();
    }
  }

  /** The backup on the disk, opened. */
  async open(password?: string): Promise<Backup> {
    const prefix = `${this.udid}/`;
    const files = [...this.disk.files].map(([path, bytes]) => [path.slice(prefix.length), bytes] as const);
    return await Backup.open(memoryTree(files), { password });
  }

  /** Paths below the backup folder, sorted. */
  paths(): string[] {
    return [...this.disk.files.keys()].map((path) => path.slice(this.udid.length + 1)).toSorted();
  }

  async #serve(connection: PlistConnection, message: DeviceMessage): Promise<void> {
    const { disk } = this;
    const status = async (code: number, payload: PlistInput = {}, text = empty): Promise<void> => {
      await connection.send(['DLMessageStatusResponse', code, text, payload], 'binary');
    };
    const forced = this.answer?.(message);
    if (message.type === 'DLMessageUploadFiles') await this.#receive(connection, forced === undefined);
    if (forced !== undefined) return await status(forced[0], {}, forced[1]);
    switch (message.type) {
      case 'DLMessageDownloadFiles':
        return await status(...(await this.#send(connection, message.paths)));
      case 'DLMessageGetFreeDiskSpace':
        return await status(0, this.freeBytes);
      case 'DLMessagePurgeDiskSpace':
        return await status(-1, {}, 'Operation not supported');
      case 'DLContentsOfDirectory':
        return await status(0, await listing(disk, message.path));
      case 'DLMessageCreateDirectory':
        await disk.makeDirectory(message.path);
        break;
      case 'DLMessageMoveItems':
        for (const [from, to] of message.moves) await disk.move(from, to);
        break;
      case 'DLMessageRemoveItems':
        for (const path of message.paths) await disk.remove(path);
        break;
      case 'DLMessageCopyItem':
        await disk.copy(message.from, message.to);
        break;
      default:
        break;
    }
    return await status(message.type === 'unknown' ? -1 : 0);
  }

  async #receive({ channel }: PlistConnection, keep: boolean): Promise<void> {
    const name = async (): Promise<string | undefined> => {
      const length = decodeLength(await channel.readExactly(4));
      return length === 0 ? undefined : utf8Decode(await channel.readExactly(length));
    };
    while ((await name()) !== undefined) {
      const path = (await name()) ?? '';
      const parts: Uint8Array[] = [];
      for (;;) {
        const length = decodeLength(await channel.readExactly(4));
        const [code] = await channel.readExactly(1);
        const rest = await channel.readExactly(length - 1);
        if (code !== 0x0c) break;
        parts.push(rest);
      }
      this.uploads.push(path);
      if (keep && !path.includes('..') && !path.startsWith('/')) this.disk.files.set(path, concatBytes(parts));
    }
  }

  async #send({ channel }: PlistConnection, paths: readonly string[]): Promise<[code: number, payload: PlistInput]> {
    const failed: Record<string, PlistInput> = {};
    for (const path of paths) {
      const bytes = this.disk.files.get(path);
      await channel.write(encodeName(path));
      if (bytes === undefined) {
        await channel.write(encodeBlock(0x06, utf8Encode('No such file or directory')));
        failed[path] = { DLFileErrorString: 'No such file or directory', DLFileErrorCode: -6 };
        continue;
      }
      for (let at = 0; at < bytes.length; at += 32_768)
        await channel.write(encodeBlock(0x0c, bytes.subarray(at, at + 32_768)));
      await channel.write(encodeBlock(0));
    }
    await channel.write(endOfFiles);
    return Object.keys(failed).length === 0 ? [0, {}] : [-13, failed];
  }
}

function response(message: PlistDict): { code: number; text: string | undefined; content: unknown } {
  return {
    code: Number(message.get('ErrorCode')),
    text: message.get('ErrorDescription') as string | undefined,
    content: message.get('Content'),
  };
}

async function listing(disk: MemoryTree, path: string): Promise<PlistInput> {
  const entries: [string, PlistInput][] = [];
  for await (const { path: name, kind, size } of disk.list(path)) {
    const type = kind === 'directory' ? 'DLFileTypeDirectory' : 'DLFileTypeRegular';
    const entry = { DLFileType: type, DLFileSize: size, DLFileModificationDate: new Date(0) };
    entries.push([name.slice(name.lastIndexOf('/') + 1), entry]);
  }
  return new Map(entries);
}

/** What is on a device, to compare. */
export async function snapshot(device: Pick<VirtualDevice, 'fileSystem'>): Promise<VirtualFileEntry[]> {
  const entries: VirtualFileEntry[] = [];
  for await (const entry of device.fileSystem.entries()) entries.push(entry);
  return entries;
}
