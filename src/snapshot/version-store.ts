import type { AbortOptions } from '../core/abort.js';
import { SnapshotError } from '../core/errors.js';
import { ResourceOwner, type Closeable } from '../core/resource.js';
import type { BlobStore } from './blobs/blob-store.js';
import { DeviceVersions, type VersionSink } from './device-versions.js';
import { isUdid } from './format/version-id.js';
import type { RunOptions } from './run/run-sink.js';
import { withReserve } from './store/reserve.js';
import { cleanUp } from './store/clean-up.js';
import { openStore, type OpenedStore, type OpenStoreOptions, type StoreGround } from './store/open-store.js';
import type { Site } from './store/site.js';
import type { StoredVersion } from './store/version.js';
import { leaseStore, requireLocal, type WaitOptions } from './store/work-leases.js';
import type { BackupKnowledge, StoreInfo } from './types.js';
import { deleteDevice, type DeletedDevice, type DeleteDeviceOptions } from './work/delete-device.js';
import { measureStore, type StoreUsage, type UsageOptions } from './work/usage.js';
import { compactStore, type CompactOptions, type CompactReport } from './work/compact.js';
import { verifyStore, type VerifyOptions, type VerifyRun } from './work/verify/verify.js';
import { repairStore, type MendOptions } from './work/repair/repair.js';
import type { RepairReport } from './work/repair/report.js';
import { copyVersions, type CopyOptions, type CopyReport } from './work/copy-store.js';
import { purgeStore, type PurgeOptions, type PurgeReport } from './work/purge.js';

/** Options of mending a store. */
export interface RepairOptions extends MendOptions {
  /** Another store that has some of the same versions: see {@link VersionStore.copyTo}. */
  from?: VersionStore | undefined;
}

/** A store of versions over anything that can describe a backup. Users have `SnapshotStore`, which knows iOS backups. */
export class VersionStore implements Closeable, AsyncDisposable {
  /** What is known of the store. */
  readonly info: StoreInfo;
  readonly #site: Site;
  readonly #owner = new ResourceOwner();

  /** @internal */
  protected constructor({ site, info }: OpenedStore) {
    this.#site = site;
    this.info = info;
  }

  /** Opens the parts of a store, completes what killed processes have left, and makes the store of them. @internal */
  static async openParts(
    location: string | BlobStore,
    options: OpenStoreOptions & StoreGround & { knowledge: BackupKnowledge },
  ): Promise<OpenedStore> {
    const opened = await openStore(location, options);
    if (opened.site.local !== undefined && !opened.site.readOnly) await cleanUp(opened.site, opened.site.local);
    return opened;
  }

  /** UDIDs of the devices of which the store has versions, or has had. */
  async devices(options?: AbortOptions): Promise<string[]> {
    this.#requireOpen();
    return await this.#site.records.devices(options);
  }

  /** The versions of a device; the store need not have any yet. @throws TypeError where `udid` cannot name a device */
  device(udid: string): DeviceVersions {
    this.#requireOpen();
    if (!isUdid(udid)) throw new TypeError('udid must be letters, digits and hyphens, at most 64');
    return new DeviceVersions(this.#site, udid, this.#owner);
  }

  /**
   * The newest version of a device that was made by a time: a `Date`, or `2026-11-01` for the end of that day.
   *
   * @throws SnapshotError `SNAPSHOT_NOT_FOUND`
   */
  async at(udid: string, when: Date | string, options?: AbortOptions): Promise<StoredVersion> {
    return await this.device(udid).get(typeof when === 'string' ? endOf(when) : when, options);
  }

  /** Begins a run of a device: see {@link DeviceVersions.begin}. With this a store is what `backUpDevice` writes to. */
  async begin(udid: string, options: RunOptions & WaitOptions = {}): Promise<VersionSink> {
    return await this.device(udid).begin(options);
  }

  /**
   * Removes what no version needs any more: of versions in the trash those whose days of grace are over. Works on a full disk.
   *
   * @throws SnapshotError `SNAPSHOT_LOCKED` while others work on the store; `SNAPSHOT_CORRUPT` where a record cannot be read:
   * then nothing is removed, because nobody knows what it needs
   */
  async purge(options: PurgeOptions & WaitOptions = {}): Promise<PurgeReport> {
    this.#requireOpen();
    if (options.dryRun === true) return await purgeStore(this.#site, undefined, options);
    return await withReserve(this.#site.local?.place, async () => {
      await using lease = await leaseStore(this.#site, 'purge', options);
      return await purgeStore(this.#site, lease, options);
    });
  }

  /**
   * Puts all versions of a device into the trash, the last one too. Its newest backup, a folder of the user, stays.
   *
   * @throws SnapshotError `SNAPSHOT_GUARD` for pinned versions without `evenPinned`; `SNAPSHOT_LOCKED` for those that somebody
   * has open. Nothing is deleted then
   */
  async deleteDevice(udid: string, options: DeleteDeviceOptions = {}): Promise<DeletedDevice> {
    return await deleteDevice(this.#site, this.device(udid).udid, options);
  }

  /**
   * Measures what the location takes of the disk, and with `perVersion` what each version takes and would give back.
   *
   * @throws SnapshotError `SNAPSHOT_CORRUPT` where a record cannot be read: `verify` tells more
   */
  async usage(options: UsageOptions = {}): Promise<StoreUsage> {
    this.#requireOpen();
    return await measureStore(this.#site, options);
  }

  /**
   * Makes history smaller: what newer versions have replaced becomes the difference to them, or moves into compressed packs. Nothing
   * is removed before what takes its place was read back and is on the disk. May be stopped, and called at any time; runs can go on
   * meanwhile. Space that is free by that is in the report; more may become free with the next `purge`.
   *
   * @throws SnapshotError `SNAPSHOT_LOCKED` while another program compacts or purges; `SNAPSHOT_READ_ONLY`; IoError
   */
  async compact(options: CompactOptions = {}): Promise<CompactReport> {
    this.#requireOpen();
    return await compactStore(this.#site, options);
  }

  /**
   * Checks the store: gives what is damaged, missing or unusual, each with the versions and paths that it concerns. Damage to one
   * part does not stop the rest.
   *
   * @throws SnapshotError `SNAPSHOT_LOCKED` while a purge runs; TypeError, RangeError
   *
   * @example
   * const check = store.verify({ level: 'full' });
   * for await (const { severity, message, versions } of check) console.log(severity, message, versions);
   * const { errors } = await check.summary;
   */
  verify(options: VerifyOptions = {}): VerifyRun {
    this.#requireOpen();
    return verifyStore(this.#site, options);
  }

  /**
   * Mends what `verify` has found, as far as whole bytes are somewhere: in the newest backup, elsewhere in this store, in a folder
   * of an opened version, or in another store. Bad bytes are set aside in `quarantine/`. Says only what it would do, unless
   * `dryRun` is `false`.
   *
   * @throws SnapshotError `SNAPSHOT_LOCKED` while others work on the store; `SNAPSHOT_READ_ONLY`
   */
  async repair({ from, ...options }: RepairOptions = {}): Promise<RepairReport> {
    return await repairStore(this.site, { ...options, replica: from?.site });
  }

  /**
   * Copies versions into another store, which may lie on another disk or in a blob store: with identity, time, pins and notes.
   * Each content is compared with its hash on the way. What is there is left out, so that calling again goes on. A copy in a folder
   * is made small after every 256 MiB of contents, as by `compact`.
   *
   * @throws SnapshotError `SNAPSHOT_NOT_FOUND` for `versions` that are not there; `SNAPSHOT_LOCKED`, `SNAPSHOT_READ_ONLY`; IoError
   */
  async copyTo(target: VersionStore, options: CopyOptions = {}): Promise<CopyReport> {
    if (target === this) throw new TypeError('A store cannot be copied into itself');
    return await copyVersions(this.site, target.site, options);
  }

  /** Completes runs of processes that were killed while this store was open. @throws SnapshotError `SNAPSHOT_UNSUPPORTED` */
  async recover(): Promise<void> {
    this.#requireOpen();
    await cleanUp(this.#site, requireLocal(this.#site, 'recovery'));
  }

  /** Closes runs, edits and versions that are open; runs that were not committed leave no trace. */
  async close(): Promise<void> {
    await this.#owner.close();
    this.#site.seals.close();
    await this.#site.blobs.close();
  }

  /** The same as `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What the store is made of, for what builds on it. @internal */
  protected get site(): Site {
    this.#requireOpen();
    return this.#site;
  }

  #requireOpen(): void {
    if (this.#owner.closed) throw new SnapshotError('SNAPSHOT_CLOSED', 'The store was closed before this call');
  }
}

/** The time that a text means: the end of a day, or the moment that it names. */
function endOf(text: string): Date {
  const day = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const date =
    day === null ? new Date(text) : new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3]) + 1, 0, 0, 0, -1);
  if (Number.isNaN(date.getTime())) throw new TypeError(`"${text.slice(0, 60)}" is no date`);
  return date;
}
