import type { AbortOptions } from '../core/abort.js';
import type { BackupSink, BackupTree } from '../core/backup-tree.js';
import { BackupSessionError, isBackupKitError } from '../core/errors.js';
import type { Closeable } from '../core/resource.js';
import type { ServiceHost } from '../device/services/service-host.js';
import type { ServiceConnection } from '../device/transport.js';
import { asString } from '../plist/guards.js';
import { readBackupState, requireFinished } from './backup-metadata.js';
import { DeviceLinkChannel, unexpected } from './device-link/channel.js';
import {
  encodeHello,
  encodeRequest,
  mobileBackup2Service,
  parseResponse,
  type BackupRequest,
} from './mobilebackup2.js';
import { remoteError, throwFailure } from './remote-error.js';
import { RequestServer, type ServedRequest } from './request-server.js';
import { TransferRun, type TransferOptions } from './transfer-run.js';

/** Options of {@link BackupSession.backUp}. */
export interface BackUpOptions extends TransferOptions {
  /** Asks for a full backup; the device decides otherwise, and sends only changes where it can. */
  full?: boolean | undefined;
}

/** What a backup was. */
export interface BackupResult {
  /** UDID of the device, the name of the backup's folder in the sink. */
  readonly udid: string;
  /** Files that the device has sent, also those that it could not read to their end. */
  readonly filesReceived: number;
  /** Bytes of content that it has sent, as stored: encrypted where the backup is. */
  readonly bytesReceived: number;
  /** Files that the device was sent, because it asked to see them: its own lists, before and after. */
  readonly filesSent: number;
  /** Bytes of content that it was sent. */
  readonly bytesSent: number;
  /** Files and folders that were put in their place. */
  readonly itemsMoved: number;
  /** Files and folders that were removed because the device has them no more. */
  readonly itemsRemoved: number;
  /** Whether the device says that this was a full backup; not dependable on all releases of iOS. */
  readonly isFull: boolean | undefined;
  /** Whether Manifest.plist, as the device has written it, declares the backup encrypted. */
  readonly isEncrypted: boolean;
  /** How often `onIssue` was called. */
  readonly issues: number;
}

/** Options of {@link BackupSession.restore}. */
export interface RestoreOptions extends TransferOptions {
  /** UDID of the device whose backup it is, the name of its folder in the tree; that of the connected device by default. */
  source?: string | undefined;
  /** Password of the backup, where it is encrypted. */
  password?: string | undefined;
  /** Also restores domains of the system; false by default. */
  systemFiles?: boolean | undefined;
  /** Restarts the device at the end; true by default. */
  reboot?: boolean | undefined;
  /** Has the device copy the backup on this computer first; false by default. Needs a sink, which is not committed. */
  copyBackup?: boolean | undefined;
  /** Keeps the settings of the device; true by default. */
  preserveSettings?: boolean | undefined;
  /** Deletes what is on the device and not in the backup; false by default. */
  removeItemsNotRestored?: boolean | undefined;
}

/** What a restore was. */
export interface RestoreResult {
  /** Files that the device has asked for and was sent whole. */
  readonly filesSent: number;
  /** Bytes of content that it was sent, as stored: encrypted where the backup is. */
  readonly bytesSent: number;
  /** Files that the device has sent itself: mostly none. */
  readonly filesReceived: number;
  /** Bytes of content that it has sent. */
  readonly bytesReceived: number;
  /** How often `onIssue` was called. */
  readonly issues: number;
}

/** Which backup of which device is meant, and where it lies. */
export interface StoredBackupOptions extends TransferOptions {
  /** UDID of the device whose backup it is; that of the connected device by default. */
  source?: string | undefined;
  /** Password of the backup, where it is encrypted. */
  password?: string | undefined;
}

/**
 * A connection to the backup service of a device, for one request at a time. It does what the protocol asks for and nothing
 * around it: `backUpDevice` and `restoreDevice` also lock the device against other programs, write Info.plist and watch for
 * the owner's cancel.
 *
 * @example
 * await using session = await BackupSession.start(device);
 * await using sink = directorySink('/backups', { udid: device.udid });
 * const { bytesReceived } = await session.backUp(sink);
 */
export class BackupSession implements Closeable, AsyncDisposable {
  /** UDID of the device. */
  readonly udid: string;
  /** Version of MobileBackup2 that was agreed on, e.g. 2.1. */
  readonly protocolVersion: number;
  readonly #connection: ServiceConnection;
  readonly #channel: DeviceLinkChannel;
  #busy = false;
  #closing: Promise<void> | undefined;

  private constructor(
    udid: string,
    protocolVersion: number,
    connection: ServiceConnection,
    channel: DeviceLinkChannel,
  ) {
    this.udid = udid;
    this.protocolVersion = protocolVersion;
    this.#connection = connection;
    this.#channel = channel;
  }

  /**
   * Connects to the backup service of a device.
   *
   * @throws DeviceError where the device cannot be reached or refuses the service; ProtocolError where it breaks the
   * protocol; {@link BackupSessionError} `BACKUP_REMOTE_FAILED` where it supports no version that this package speaks
   */
  static async start(device: ServiceHost, options: AbortOptions = {}): Promise<BackupSession> {
    const connection = await device.startService(mobileBackup2Service, { ...options, escrowBag: true });
    try {
      const { signal } = options;
      const channel = await DeviceLinkChannel.open(connection, { service: mobileBackup2Service, signal });
      await channel.send({ type: 'DLMessageProcessMessage', message: encodeHello() }, { signal });
      const answer = await channel.receive({ signal });
      if (answer.type !== 'DLMessageProcessMessage') throw unexpected(answer);
      const response = parseResponse(answer.message);
      if (response.errorCode !== 0) throw remoteError(response);
      return new BackupSession(device.udid, response.protocolVersion ?? 0, connection, channel);
    } catch (error) {
      await connection.close().catch(() => undefined);
      throw error;
    }
  }

  /**
   * Backs the device up into its folder in `sink`, and commits it once the device has answered success and its record says so.
   * Whether all or only changes are sent is the device's decision. Where it fails, nothing was committed.
   *
   * @throws {@link BackupSessionError}: `BACKUP_REMOTE_FAILED`, `BACKUP_DEVICE_LOCKED`, `BACKUP_NO_SPACE`,
   * `BACKUP_CANCELLED`, `BACKUP_UNSAFE_PATH`, `BACKUP_INCOMPLETE`; DeviceError `DEVICE_DISCONNECTED`; ProtocolError;
   * IoError from the commit
   */
  async backUp(sink: BackupSink, options: BackUpOptions = {}): Promise<BackupResult> {
    const { udid } = this;
    const run = new TransferRun(options);
    const served = await this.#request(run, sink, {
      name: 'Backup',
      target: udid,
      source: udid,
      options: options.full === true ? { ForceFullBackup: true } : undefined,
    });
    run.phase('finishing');
    const state = await readBackupState(sink, udid, options);
    requireFinished(state, 'The device has ended the backup without finishing it');
    await sink.commit();
    run.complete();
    const { totals } = served;
    return {
      udid,
      filesReceived: totals.filesReceived,
      bytesReceived: totals.bytesReceived,
      filesSent: totals.filesSent,
      bytesSent: totals.bytesSent,
      itemsMoved: totals.moved,
      itemsRemoved: totals.removed,
      isFull: state.isFull,
      isEncrypted: state.isEncrypted ?? false,
      issues: run.issues,
    };
  }

  /**
   * Restores the device from a backup in `tree`, which is only read (a sink is never committed). The device restarts
   * afterwards unless told otherwise.
   *
   * @throws {@link BackupSessionError}: `BACKUP_INCOMPLETE` where the backup was not finished, `BACKUP_PASSWORD_REQUIRED`,
   * `BACKUP_PASSWORD_INCORRECT`, and those of {@link backUp}
   */
  async restore(tree: BackupTree | BackupSink, options: RestoreOptions = {}): Promise<RestoreResult> {
    const { source = this.udid, password } = options;
    const state = await readBackupState(tree, source, options);
    requireFinished(state, `The backup of ${source} cannot be restored`);
    if (state.isEncrypted === true && password === undefined)
      throw new BackupSessionError('BACKUP_PASSWORD_REQUIRED', 'The backup is encrypted; give its password');
    const run = new TransferRun(options);
    const { totals } = await this.#request(run, tree, {
      name: 'Restore',
      target: this.udid,
      source,
      options: {
        RestoreSystemFiles: options.systemFiles ?? false,
        RestoreShouldReboot: options.reboot === false ? false : undefined,
        RestoreDontCopyBackup: options.copyBackup === true ? undefined : true,
        RestorePreserveSettings: options.preserveSettings ?? true,
        RemoveItemsNotRestored: options.removeItemsNotRestored ?? false,
        Password: password,
      },
    });
    run.complete();
    const { filesSent, bytesSent, filesReceived, bytesReceived } = totals;
    return { filesSent, bytesSent, filesReceived, bytesReceived, issues: run.issues };
  }

  /**
   * Sets the backup password that the device keeps (`to` only), removes it (`from` only) or changes it (both). Once set, the
   * device encrypts every backup on any computer with it. Newer devices ask for their passcode first, which can take long.
   *
   * @throws {@link BackupSessionError} `BACKUP_PASSWORD_INCORRECT` where `from` is wrong, and those of {@link backUp};
   * TypeError where both are missing
   */
  async changePassword(
    change: { from?: string | undefined; to?: string | undefined },
    options: TransferOptions = {},
  ): Promise<void> {
    const { from, to } = change;
    if ((from ?? '') === '' && (to ?? '') === '') throw new TypeError('from, to or both must be given');
    await this.#request(new TransferRun(options), undefined, {
      name: 'ChangePassword',
      target: this.udid,
      extra: { OldPassword: from, NewPassword: to },
    });
  }

  /** Switches the device's own backups to iCloud on or off. @throws as {@link backUp} */
  async setCloudBackup(enabled: boolean, options: TransferOptions = {}): Promise<void> {
    await this.#request(new TransferRun(options), undefined, {
      name: 'EnableCloudBackup',
      target: this.udid,
      source: this.udid,
      options: { CloudBackupState: enabled },
      extra: { CloudBackupState: enabled },
    });
  }

  /** Lets the device describe a backup, as text. Devices since iOS 10 mostly refuse; `Backup.inspect` needs none. @throws as {@link backUp} */
  async info(tree: BackupTree, options: StoredBackupOptions = {}): Promise<string | undefined> {
    return await this.#ask('Info', tree, options);
  }

  /** Lets the device list the files of a backup, as CSV. Devices since iOS 10 mostly refuse; `Backup` needs none. @throws as {@link backUp} */
  async list(tree: BackupTree, options: StoredBackupOptions = {}): Promise<string | undefined> {
    return await this.#ask('List', tree, options);
  }

  /**
   * Lets the device unpack a backup into the folder `_unback_` beside its files, and commits it. Devices since iOS 10 mostly
   * refuse; `backup.extract()` needs none.
   *
   * @throws as {@link backUp}
   */
  async unback(sink: BackupSink, options: StoredBackupOptions = {}): Promise<void> {
    await this.#stored('Unback', sink, options, {});
    await sink.commit();
  }

  /** Lets the device unpack one file of a backup, and commits it. @throws as {@link backUp} */
  async extract(
    sink: BackupSink,
    file: { domain: string; relativePath: string },
    options: StoredBackupOptions = {},
  ): Promise<void> {
    await this.#stored('Extract', sink, options, { DomainName: file.domain, RelativePath: file.relativePath });
    await sink.commit();
  }

  /**
   * Erases all content and settings of the device. `confirm` must be its UDID, so that no other device is erased by mistake.
   * Devices mostly restart without an answer, which is success.
   *
   * @throws as {@link backUp}; TypeError where `confirm` is not the UDID
   */
  async eraseDevice(confirm: { confirm: string }, options: TransferOptions = {}): Promise<void> {
    if (confirm.confirm !== this.udid)
      throw new TypeError('confirm must be the UDID of the device that is to be erased');
    try {
      await this.#request(new TransferRun(options), undefined, {
        name: 'EraseDevice',
        target: this.udid,
        source: this.udid,
      });
    } catch (error) {
      if (!isBackupKitError(error, 'DEVICE_DISCONNECTED')) throw error;
    }
  }

  /** Says goodbye to the device and ends the connection. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  /** Same as {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    // Within a request the device does not listen to it, and the end of the connection says as much.
    if (!this.#busy) await this.#channel.send({ type: 'DLMessageDisconnect' }).catch(() => undefined);
    await this.#connection.close();
  }

  async #ask(name: 'Info' | 'List', tree: BackupTree, options: StoredBackupOptions): Promise<string | undefined> {
    const { response } = await this.#stored(name, tree, options, {});
    return asString(response.content);
  }

  async #stored(
    name: BackupRequest['name'],
    tree: BackupTree | BackupSink,
    options: StoredBackupOptions,
    extra: NonNullable<BackupRequest['extra']>,
  ): Promise<ServedRequest> {
    const { source = this.udid, password: Password } = options;
    return await this.#request(new TransferRun(options), tree, {
      name,
      target: this.udid,
      source,
      options: Password === undefined ? undefined : { Password },
      extra: { ...extra, Password },
    });
  }

  /** Sends a request and serves the device until it has ended it with success. */
  async #request(
    run: TransferRun,
    tree: BackupTree | BackupSink | undefined,
    request: BackupRequest,
  ): Promise<ServedRequest> {
    const { signal } = run;
    signal.throwIfAborted();
    if (this.#busy) throw new Error('A session serves one request at a time');
    this.#busy = true;
    run.phase('negotiating');
    try {
      const folder = request.source ?? this.udid;
      const server = new RequestServer(this.#channel, tree ?? noTree, { folder, events: run, signal });
      await this.#channel.send({ type: 'DLMessageProcessMessage', message: encodeRequest(request) }, { signal });
      run.awaitFirst();
      const served = await server.run();
      this.#busy = false;
      throwFailure(served);
      return served;
    } finally {
      run.end();
    }
  }
}

/** For requests without files. */
const noTree: BackupTree = {
  open: async () => undefined,
  async *list() {
    // Nothing is there.
  },
};
