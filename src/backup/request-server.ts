import type { AbortOptions } from '../core/abort.js';
import type { BackupSink, BackupTree } from '../core/backup-tree.js';
import { IoError } from '../core/errors.js';
import { checkTreePath } from '../core/safe-path.js';
import type { PlistInput } from '../plist/types.js';
import { unexpected, type DeviceLinkChannel } from './device-link/channel.js';
import type { DeviceMessage } from './device-link/messages.js';
import { receiveFiles, type ReceivedFile } from './device-link/receive-files.js';
import { sendFiles } from './device-link/send-files.js';
import { statusOfError, type Status } from './device-link/status.js';
import { emptyParameter, statusCode } from './device-link/wire.js';
import { parseResponse, type BackupResponse } from './mobilebackup2.js';

/** Something that did not go as it should have, and did not end the request. */
export interface BackupIssue {
  /**
   * - `file-incomplete`: the device could not read a file, or not to its end;
   * - `file-absent`: the device asked for a file that is not there, as it does before a first backup;
   * - `request-failed`: something that the device wanted was refused, or could not be done on this computer;
   * - `unknown-message`: the device wanted something that this package does not know.
   */
  readonly kind: 'file-incomplete' | 'file-absent' | 'request-failed' | 'unknown-message';
  /** Path in the backup, or name of the message. */
  readonly subject: string;
  /** What happened, for people. */
  readonly message: string;
}

/** What has gone over the wire. */
export interface TransferTotals {
  /** Files that the device has sent, also those that it could not read to their end. */
  filesReceived: number;
  /** Bytes of content that the device has sent. */
  bytesReceived: number;
  /** Files that the device was sent whole. */
  filesSent: number;
  /** Bytes of content that the device was sent. */
  bytesSent: number;
  /** Files and folders that the device has moved to their place, and removed. */
  moved: number;
  removed: number;
}

/** Told of what happens while a request is served. */
export interface RequestEvents {
  /** A message of the device has come. */
  onMessage(): void;
  /** How far the device says that the whole request is, 0 to 1. */
  onOverall(fraction: number): void;
  /** Content has come or gone; `batchBytes` is what was announced for the batch. */
  onBytes(path: string, bytes: number, batchBytes: number | undefined): void;
  onIssue(issue: BackupIssue): void;
}

/** A request that the device has ended. */
export interface ServedRequest {
  readonly response: BackupResponse;
  readonly totals: Readonly<TransferTotals>;
  /** What could not be done on this side first; the device was told, and may have gone on. */
  readonly failure: unknown;
}

/**
 * Serves a device that works on a request: does what it asks for in one folder of a tree until it ends the request. Every
 * message is answered, also those that are not known, because a device waits for the answer without end.
 */
export class RequestServer {
  readonly #channel: DeviceLinkChannel;
  readonly #tree: BackupTree | BackupSink;
  readonly #folder: string;
  readonly #events: RequestEvents;
  readonly #options: AbortOptions;
  readonly #totals: TransferTotals = {
    filesReceived: 0,
    bytesReceived: 0,
    filesSent: 0,
    bytesSent: 0,
    moved: 0,
    removed: 0,
  };
  #failure: unknown;

  /** `folder` is the name of the one folder in `tree` that the device may see. */
  constructor(
    channel: DeviceLinkChannel,
    tree: BackupTree | BackupSink,
    { folder, events, signal }: AbortOptions & { folder: string; events: RequestEvents },
  ) {
    this.#channel = channel;
    this.#tree = tree;
    this.#folder = folder;
    this.#events = events;
    this.#options = { signal };
  }

  /** Settles when the device has ended the request, with an error or without. @throws DeviceError, ProtocolError, the signal's reason */
  async run(): Promise<ServedRequest> {
    for (;;) {
      const message = await this.#channel.receive(this.#options);
      this.#events.onMessage();
      if (message.type === 'DLMessageProcessMessage') {
        return { response: parseResponse(message.message), totals: this.#totals, failure: this.#failure };
      }
      if ('progress' in message && message.progress !== undefined)
        this.#events.onOverall(Math.min(1, Math.max(0, message.progress / 100)));
      const status = await this.#answer(message);
      if (status !== undefined) await this.#channel.send({ type: 'DLMessageStatusResponse', ...status }, this.#options);
    }
  }

  /** Does what a message asks for and gives the status to answer with; `undefined` for messages that have no answer. */
  async #answer(message: Exclude<DeviceMessage, { type: 'DLMessageProcessMessage' }>): Promise<Status | undefined> {
    switch (message.type) {
      case 'DLMessageDownloadFiles':
        return await this.#send(message.paths);
      case 'DLMessageUploadFiles':
        return await this.#receive(message.bytes);
      case 'DLMessageGetFreeDiskSpace':
        return await this.#look('free space', async () => ok(await this.#sink().freeSpace()));
      case 'DLMessagePurgeDiskSpace':
        // Devices take this for an answer, and stop with their error 105 only where space is really short.
        return { code: statusCode.failed, text: 'Operation not supported', payload: {} };
      case 'DLContentsOfDirectory':
        return await this.#look(message.path, async () => ok(await this.#contents(message.path)));
      case 'DLMessageCreateDirectory':
        return await this.#change(message.path, async () => {
          await this.#sink().makeDirectory(this.#check(message.path));
          return ok(emptyParameter);
        });
      case 'DLMessageMoveItems':
      case 'DLMessageMoveFiles':
        return await this.#move(message.moves);
      case 'DLMessageRemoveItems':
      case 'DLMessageRemoveFiles':
        return await this.#remove(message.paths);
      case 'DLMessageCopyItem':
        return await this.#change(message.from, async () => {
          await this.#sink().copy(this.#check(message.from), this.#check(message.to));
          return ok();
        });
      case 'DLMessagePing':
        return undefined;
      case 'unknown':
        return this.#unknown(message.name);
      case 'DLMessageVersionExchange':
      case 'DLMessageDeviceReady':
      case 'DLMessageDisconnect':
        throw unexpected(message);
    }
  }

  async #send(paths: readonly string[]): Promise<Status> {
    const failed = await sendFiles(paths, {
      ...this.#options,
      open: async (path, options) => await this.#tree.open(this.#check(path), options),
      write: async (bytes) => await this.#channel.write(bytes, this.#options),
      onBytes: (path, bytes) => {
        this.#totals.bytesSent += bytes;
        this.#events.onBytes(path, bytes, undefined);
      },
      onFile: () => (this.#totals.filesSent += 1),
    });
    if (failed.size === 0) return ok();
    const payload = new Map<string, PlistInput>();
    for (const [path, { code, text = '' }] of failed) {
      payload.set(path, { DLFileErrorString: text, DLFileErrorCode: code });
      const kind = code === statusCode.notFound ? 'file-absent' : 'request-failed';
      this.#events.onIssue({ kind, subject: path, message: `The device could not be given ${path}: ${text}` });
    }
    return { code: statusCode.multiple, text: 'Multi status', payload };
  }

  async #receive(batchBytes: number | undefined): Promise<Status> {
    let failure: unknown;
    await receiveFiles(
      this.#channel.input,
      {
        store: async (path, content) => {
          if (failure !== undefined) throw failure;
          await this.#sink().write(this.#check(path), content, this.#options);
        },
        onFile: (file, failed) => {
          if (failed === undefined) this.#countFile(file);
          else if (failure === undefined) {
            failure = failed;
            this.#fail(file.path, failed);
          }
        },
        onBytes: (path, bytes) => {
          this.#totals.bytesReceived += bytes;
          this.#events.onBytes(path, bytes, batchBytes);
        },
      },
      this.#options,
    );
    return failure === undefined ? ok() : { payload: {}, ...statusOfError(failure) };
  }

  async #move(moves: readonly (readonly [string, string])[]): Promise<Status> {
    for (const [from, to] of moves) {
      const status = await this.#change(from, async () => {
        await this.#sink().move(this.#check(from), this.#check(to));
        return ok();
      });
      if (status.code !== statusCode.ok) return status;
      this.#totals.moved += 1;
      this.#options.signal?.throwIfAborted();
    }
    return ok();
  }

  async #remove(paths: readonly string[]): Promise<Status> {
    for (const path of paths) {
      const status = await this.#change(path, async () => {
        await this.#sink().remove(this.#check(path));
        return ok();
      });
      if (status.code !== statusCode.ok) return status;
      this.#totals.removed += 1;
      this.#options.signal?.throwIfAborted();
    }
    return ok();
  }

  async #contents(path: string): Promise<PlistInput> {
    const contents = new Map<string, PlistInput>();
    const checked = this.#check(path);
    for await (const entry of this.#tree.list(checked, this.#options)) {
      contents.set(entry.path.slice(checked.length + 1), {
        DLFileType: entry.kind === 'directory' ? 'DLFileTypeDirectory' : 'DLFileTypeRegular',
        DLFileSize: entry.size,
        DLFileModificationDate: entry.modified ?? new Date(0),
      });
    }
    return contents;
  }

  #unknown(name: string): Status {
    const subject = name.slice(0, 100);
    this.#events.onIssue({
      kind: 'unknown-message',
      subject,
      message: `The device asked for ${subject}, which is not known; it was told so`,
    });
    return { code: statusCode.failed, text: 'Operation not supported', payload: {} };
  }

  /** The status of something that changes the tree. Where it fails, the whole request has failed, whatever the device says. */
  async #change(subject: string, work: () => Promise<Status>): Promise<Status> {
    return await this.#try(work, (error) => this.#fail(subject, error));
  }

  /** The status of something that changes nothing: its failure is the device's to judge. */
  async #look(subject: string, work: () => Promise<Status>): Promise<Status> {
    return await this.#try(work, (error) => this.#report(subject, error));
  }

  async #try(work: () => Promise<Status>, onFailure: (error: unknown) => void): Promise<Status> {
    try {
      return await work();
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      onFailure(error);
      return { payload: {}, ...statusOfError(error) };
    }
  }

  #fail(subject: string, error: unknown): void {
    this.#failure ??= error;
    this.#report(subject, error);
  }

  #report(subject: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#events.onIssue({ kind: 'request-failed', subject: subject.slice(0, 1000), message });
  }

  #countFile(file: ReceivedFile): void {
    this.#totals.filesReceived += 1;
    if (file.problem === undefined) return;
    this.#events.onIssue({
      kind: 'file-incomplete',
      subject: file.path,
      message: `The device could not read ${file.devicePath || file.path} to its end: ${file.problem}`,
    });
  }

  /** The tree, for writing. @throws IoError `IO_ACCESS_DENIED` where it can only be read */
  #sink(): BackupSink {
    if ('write' in this.#tree) return this.#tree;
    throw new IoError('IO_ACCESS_DENIED', 'The backup can only be read; give a sink instead of a tree', {
      path: this.#folder,
      errno: 'EROFS',
    });
  }

  /** A path of the device in the form of a tree. @throws IoError `IO_UNSAFE_PATH` where it leads out of the device's folder */
  #check(devicePath: string): string {
    const path = checkTreePath(devicePath.replace(/\/+$/, '').replaceAll(/\/{2,}/g, '/'));
    if (path === this.#folder || path.startsWith(`${this.#folder}/`)) return path;
    throw new IoError(
      'IO_UNSAFE_PATH',
      `Path ${JSON.stringify(path.slice(0, 200))} is refused because it is not in the folder of the device`,
      { path },
    );
  }
}

const ok = (payload: PlistInput = {}): Status => ({ code: statusCode.ok, payload });
