import type { AbortOptions } from '../core/abort.js';
import type { BackupSink, BackupTree } from '../core/backup-tree.js';
import { SnapshotError } from '../core/errors.js';
import type { Closeable, ResourceOwner } from '../core/resource.js';
import { directoryTreeOf } from './fs/folder-tree.js';
import { nodeFs } from './fs/node-fs.js';
import type { RecordHeader } from './format/record.js';
import { RunSink, type RunOptions } from './run/run-sink.js';
import { readSettings, requireIntactSettings, writeSettings, type DeviceSettings } from './store/device-settings.js';
import type { ListedRecord, ReadRecordOptions } from './store/records.js';
import type { Site } from './store/site.js';
import { withReserve } from './store/reserve.js';
import { versionInfo } from './store/version-info.js';
import { HelperAhead } from './thread/helper-ahead.js';
import { StoredVersion } from './store/version.js';
import { leaseDevice, leaseSettings, requireLocal, type WaitOptions, type WorkLeases } from './store/work-leases.js';
import type { StoreProgress, VersionInfo } from './types.js';
import { captureLive, type CaptureOptions } from './work/capture.js';
import { holdersOf, moveRecord } from './work/delete.js';
import { EditSink } from './work/edit.js';
import { exportArchive, type ExportArchiveOptions } from './work/archive-export.js';
import { takeArchive, type ImportArchiveOptions } from './work/archive-import.js';
import { commitImported, describeWhole, importTree, type ImportOptions } from './work/import-tree.js';
import {
  exportVersionFolder,
  openVersionFolder,
  type OpenedFolder,
  type OpenFolderOptions,
} from './work/open-folder.js';
import type { WrittenFolder } from './work/write-folder.js';
import { diffTables, type FileChange } from './work/diff.js';
import type { RetentionPlan } from './retention/plan.js';
import type { RetentionPolicy } from './retention/policy.js';
import { planDevice, policyAsJson, readPolicy, type PlanOptions } from './work/retain.js';
import type { ProgressOptions } from '../core/progress.js';
import { rollBack, type RollbackOptions } from './work/rollback.js';
import { resolve } from 'node:path';

/** From so many files or bytes on a second thread is worth its start when a version is opened as a folder. */
const worthHelp = { files: 2000, bytes: 256 * 1024 * 1024 };

/** Options of listing versions. */
export interface ListVersionsOptions extends AbortOptions {
  /** Whether versions in the trash are listed too. */
  deleted?: boolean | undefined;
  /** Told of each record that cannot be read, and of settings; without it the first one is thrown. */
  onDamage?: ((error: SnapshotError) => void) | undefined;
}

/** Options of deleting versions. */
export interface DeleteOptions extends WaitOptions {
  /** Whether the next purge takes them, without days of grace. */
  permanently?: boolean | undefined;
}

/** Options of dropping versions that no rule keeps. */
export interface PruneOptions extends DeleteOptions, PlanOptions {}

/** A sink that makes a version. Its paths begin with the UDID; the newest backup changes only with `commit`. */
export interface VersionSink extends BackupSink, Closeable, AsyncDisposable {
  /** The version that the last `commit` has made; `undefined` before. */
  version(): Promise<VersionInfo | undefined>;
}

/** All versions of one device. */
export class DeviceVersions {
  /** UDID of the device. */
  readonly udid: string;
  readonly #openSite: Site;
  readonly #owner: ResourceOwner;

  /** @internal */
  constructor(site: Site, udid: string, owner: ResourceOwner) {
    this.#openSite = site;
    this.udid = udid;
    this.#owner = owner;
  }

  /** Versions, newest first. @throws SnapshotError `SNAPSHOT_CORRUPT` without `onDamage` */
  async list(options: ListVersionsOptions = {}): Promise<VersionInfo[]> {
    const settings = await this.#settings(options);
    const records = await this.#site.records.list(this.udid, options);
    return records
      .filter(({ deleted }) => options.deleted === true || !deleted)
      .map((record) => versionInfo(record, settings));
  }

  /**
   * A version to read: the newest of them, the newest one made by a time, or by its identity. Close it, or the store.
   *
   * @throws SnapshotError `SNAPSHOT_NOT_FOUND`, `SNAPSHOT_CORRUPT`, `SNAPSHOT_LOCKED`
   */
  async get(which: string | Date = 'newest', options?: AbortOptions): Promise<StoredVersion> {
    return await this.#read(which, { signal: options?.signal });
  }

  async #read(which: string | Date, options: ReadRecordOptions): Promise<StoredVersion> {
    const id = await this.#find(which, options);
    const record = id === undefined ? undefined : await this.#site.records.read(this.udid, id, options);
    if (record === undefined) throw this.#notFound(which);
    const info = await this.#info(record);
    const closed = (version: StoredVersion): void => {
      this.#owner.detach(version);
    };
    return this.#owner.attach(new StoredVersion(this.#site, info, record.table, closed));
  }

  /**
   * Begins a run of the device: completes what a killed run has left, keeps what other tools have made of the newest backup,
   * and gives the sink for `BackupSession` and `backUpDevice`. Closing it without `commit` leaves everything as it was.
   *
   * @throws SnapshotError `SNAPSHOT_LOCKED`, `SNAPSHOT_READ_ONLY`, `SNAPSHOT_UNSUPPORTED`; its `commit` throws
   * `SNAPSHOT_INCOMPLETE` for a backup that the device has not finished, and `SNAPSHOT_LEASE_LOST`
   */
  async begin(options: RunOptions & WaitOptions = {}): Promise<VersionSink> {
    const local = requireLocal(this.#site, 'a run of a device');
    const leases = await leaseDevice(this.#site, this.udid, 'backup', options);
    try {
      const sink = await RunSink.begin(this.#site, local, { ...options, udid: this.udid, leases });
      return this.#owner.attach(this.#withVersion(sink));
    } catch (error) {
      await leases.release();
      throw error;
    }
  }

  /**
   * Makes a version of the newest backup as it lies in its folder, whichever tool wrote it. Where nothing has changed, the last
   * version is given.
   *
   * @throws SnapshotError `SNAPSHOT_INCOMPLETE`, `SNAPSHOT_NOT_FOUND`, `SNAPSHOT_LOCKED`, `SNAPSHOT_READ_ONLY`
   */
  async capture(options: CaptureOptions = {}): Promise<VersionInfo> {
    return await this.#infoOf(await captureLive(this.#site, this.udid, options));
  }

  /**
   * Makes a version of a backup that lies elsewhere: the path of its folder, or a tree of it. Nothing there is changed.
   *
   * @throws SnapshotError `SNAPSHOT_INCOMPLETE`, `SNAPSHOT_NOT_FOUND` for an empty tree, `SNAPSHOT_LOCKED`
   */
  async import(from: string | BackupTree, options: ImportOptions = {}): Promise<VersionInfo> {
    const tree = typeof from === 'string' ? directoryTreeOf(nodeFs, resolve(from)) : from;
    return await this.#infoOf(await importTree(this.#site, this.udid, tree, options));
  }

  /**
   * Opens a version as a folder that any backup tool reads, of links or clones where the disk has them. Close it, or the store.
   *
   * @throws SnapshotError `SNAPSHOT_UNSUPPORTED` where that would be a full copy and `allowCopy` was not asked for
   */
  async openFolder(which: string | Date, options: OpenFolderOptions = {}): Promise<OpenedFolder> {
    await using ahead = new HelperAhead(this.#site.local?.place, worthHelp);
    // The folder holds the version by itself, and needs none of its table any more.
    await using version = await this.#read(which, { signal: options.signal, onHeader: ahead.begin });
    return this.#owner.attach(await openVersionFolder(this.#site, version, { ...options, helper: ahead.helper }));
  }

  /**
   * Writes a version into the new folder `to`, anywhere: a backup that shares nothing with the store.
   *
   * @throws IoError `IO_EXISTS` where something is at `to`, `IO_NO_SPACE`; SnapshotError `SNAPSHOT_CORRUPT`
   */
  async exportFolder(
    which: string | Date,
    to: string,
    options: AbortOptions & ProgressOptions<StoreProgress> = {},
  ): Promise<WrittenFolder> {
    const version = await this.get(which, options);
    try {
      return await exportVersionFolder(this.#site, version, { ...options, to });
    } finally {
      await version.close();
    }
  }

  /**
   * The bytes of an archive of a version, in memory that does not depend on its size. Its entries lie in a folder named after the
   * device, with times to the microsecond; `importArchive` gives the same version again. Errors end the loop.
   *
   * @throws TypeError for another format, at once
   *
   * @example
   * await pipeline(device.exportArchive('newest', { format: 'tar' }), createWriteStream('iphone.tar'));
   */
  exportArchive(which: string | Date, options: ExportArchiveOptions): AsyncIterable<Uint8Array> {
    if (options.format !== 'tar' && options.format !== 'zip') throw new TypeError('format must be tar or zip');
    return exportArchive(this.#site, async () => await this.get(which, options), options);
  }

  /**
   * Makes a version of a backup in a tar or zip archive, given as its path or its bytes. What it holds is hostile until proven:
   * names that leave the folder, links, sizes beyond the disk and archives that were cut are errors, and no version is made then.
   *
   * @throws FormatError `FORMAT_INVALID`, `FORMAT_UNSUPPORTED`; IoError `IO_UNSAFE_PATH`, `IO_NO_SPACE`; SnapshotError
   * `SNAPSHOT_INCOMPLETE`, `SNAPSHOT_NOT_FOUND` for an empty archive, `SNAPSHOT_LOCKED`
   */
  async importArchive(
    from: string | AsyncIterable<Uint8Array>,
    options: ImportArchiveOptions = {},
  ): Promise<VersionInfo> {
    await using lease = await leaseDevice(this.#site, this.udid, 'import', options);
    const { tree, table } = await takeArchive(this.#site, from, options);
    const backup = await describeWhole(this.#site, tree, options);
    return await this.#infoOf(await commitImported(this.#site, this.udid, { ...options, table, backup, lease }));
  }

  /** What differs between two versions, in the order of paths. @throws SnapshotError `SNAPSHOT_NOT_FOUND` */
  async *diff(
    before: string | Date,
    after: string | Date = 'newest',
    options?: AbortOptions,
  ): AsyncGenerator<FileChange, void, undefined> {
    await using old = await this.get(before, options);
    await using next = await this.get(after, options);
    for (const change of diffTables(old.table, next.table)) {
      options?.signal?.throwIfAborted();
      yield change;
    }
  }

  /**
   * Begins an edit of a version. Its `commit` makes a version of kind `edit`; the version and the newest backup stay as they are.
   * Digests and sizes in the manifest are the business of who edits.
   */
  async edit(which: string | Date, options: RunOptions & OpenFolderOptions = {}): Promise<VersionSink> {
    const { allowCopy, onProgress, signal } = options;
    await using ahead = new HelperAhead(this.#site.local?.place, worthHelp);
    await using version = await this.#read(which, { signal, onHeader: ahead.begin });
    const { helper } = ahead;
    const folder = await openVersionFolder(this.#site, version, { allowCopy, onProgress, signal, helper });
    return this.#owner.attach(this.#withVersion(EditSink.begin(this.#site, { version, folder }, options)));
  }

  /**
   * Makes the newest backup what a version is, as a new version. What it was is kept first.
   *
   * @throws SnapshotError `SNAPSHOT_LOCKED`, `SNAPSHOT_CORRUPT`, `SNAPSHOT_UNSUPPORTED`
   */
  async rollback(which: string | Date, options: RollbackOptions = {}): Promise<VersionInfo> {
    const version = await this.get(which, options);
    try {
      return await this.#infoOf(await rollBack(this.#site, version, options));
    } finally {
      await version.close();
    }
  }

  /**
   * Puts versions into the trash, from where `undelete` takes them back until a purge after their days of grace.
   *
   * @throws SnapshotError `SNAPSHOT_GUARD` for pinned ones and for the last one that is left; `SNAPSHOT_LOCKED` for those that
   * somebody has open; `SNAPSHOT_NOT_FOUND`. Nothing is deleted then
   */
  async delete(ids: readonly string[], options: DeleteOptions = {}): Promise<void> {
    await withReserve(this.#site.local?.place, async () => {
      await using lease = await leaseDevice(this.#site, this.udid, 'delete', options);
      await this.#delete(ids, { ...options, lease });
    });
  }

  async #delete(ids: readonly string[], options: DeleteOptions & { lease: Pick<WorkLeases, 'check'> }): Promise<void> {
    const { lease, permanently, signal } = options;
    const versions = await this.list({ signal });
    for (const id of ids) await this.#requireDeletable(versions, id);
    if (ids.length > 0 && versions.every(({ id }) => ids.includes(id)))
      throw new SnapshotError(
        'SNAPSHOT_GUARD',
        `These are all versions of ${this.udid}; delete the device to remove it whole`,
      );
    lease.check();
    const when = permanently === true ? new Date(0) : new Date();
    await this.#change(({ trashed, ...rest }) => ({
      ...rest,
      trashed: new Map([...trashed, ...ids.map((id) => [id, when.toISOString()] as const)]),
    }));
    for (const id of ids) await moveRecord(this.#site, this.udid, id, 'trash');
  }

  /** Takes versions back from the trash. @throws SnapshotError `SNAPSHOT_NOT_FOUND` */
  async undelete(ids: readonly string[], options: WaitOptions = {}): Promise<void> {
    await using lease = await leaseDevice(this.#site, this.udid, 'undelete', options);
    const trash = (await this.list({ ...options, deleted: true })).filter(({ deleted }) => deleted);
    for (const id of ids) if (!trash.some((version) => version.id === id)) throw this.#notFound(id);
    lease.check();
    for (const id of ids) await moveRecord(this.#site, this.udid, id, 'versions');
  }

  /** Keeps a version from retention and deleting; `note` says why. @throws SnapshotError `SNAPSHOT_NOT_FOUND` */
  async pin(id: string, note?: string): Promise<void> {
    await this.#requireVersion(id);
    await this.#change((settings) => ({
      ...settings,
      pins: new Set([...settings.pins, id]),
      notes: note === undefined ? settings.notes : new Map([...settings.notes, [id, note]]),
    }));
  }

  /** Lets retention and deleting have a version again. */
  async unpin(id: string): Promise<void> {
    await this.#change((settings) => ({ ...settings, pins: new Set([...settings.pins].filter((pin) => pin !== id)) }));
  }

  /** Writes something about a version, in place of what was there. @throws SnapshotError `SNAPSHOT_NOT_FOUND` */
  async note(id: string, text: string): Promise<void> {
    await this.#requireVersion(id);
    await this.#change((settings) => ({ ...settings, notes: new Map([...settings.notes, [id, text]]) }));
  }

  /** The rules by which versions are kept; empty, which means the defaults, where none were set. @throws FormatError */
  async retention(options?: AbortOptions): Promise<RetentionPolicy> {
    return await readPolicy(this.#site, this.udid, options);
  }

  /** Sets the rules by which versions are kept; they are in effect with the next `prune`. @throws FormatError */
  async setRetention(policy: RetentionPolicy): Promise<void> {
    const retention = policyAsJson(policy);
    await this.#change((settings) => ({ ...settings, retention }));
  }

  /**
   * What `prune` would do: which versions stay and why, which go, and how many bytes that frees once they are purged.
   *
   * @param policy - the one that was set by default
   */
  async plan(policy?: RetentionPolicy, options: PlanOptions = {}): Promise<RetentionPlan> {
    const { signal } = options;
    const rules = policy ?? (await this.retention({ signal }));
    return await planDevice(this.#site, await this.list({ signal }), { ...options, policy: rules });
  }

  /**
   * Puts the versions that no rule keeps into the trash.
   *
   * @param policy - the one that was set by default
   * @returns the plan that was carried out
   * @throws SnapshotError `SNAPSHOT_LOCKED`, `SNAPSHOT_READ_ONLY`; `SNAPSHOT_CORRUPT` where pins may be missing
   */
  async prune(policy?: RetentionPolicy, options: PruneOptions = {}): Promise<RetentionPlan> {
    await using lease = await leaseDevice(this.#site, this.udid, 'prune', options);
    await requireIntactSettings(this.#site.blobs, this.udid, options);
    const plan = await this.plan(policy, options);
    const ids = plan.drop.map(({ id }) => id);
    if (ids.length > 0) await this.#delete(ids, { ...options, lease });
    return plan;
  }

  /** What the store is made of. @throws SnapshotError `SNAPSHOT_CLOSED` */
  get #site(): Site {
    if (this.#owner.closed) throw new SnapshotError('SNAPSHOT_CLOSED', 'The store was closed before this call');
    return this.#openSite;
  }

  async #requireVersion(id: string): Promise<void> {
    if (!(await this.list({ deleted: true })).some((version) => version.id === id)) throw this.#notFound(id);
  }

  async #requireDeletable(versions: readonly VersionInfo[], id: string): Promise<void> {
    const version = versions.find((each) => each.id === id);
    if (version === undefined) throw this.#notFound(id);
    if (version.pinned)
      throw new SnapshotError('SNAPSHOT_GUARD', `Version ${id} is pinned; unpin it first`, { version: id });
    const [holder] = await holdersOf(this.#site, id);
    if (holder !== undefined)
      throw new SnapshotError('SNAPSHOT_LOCKED', `Version ${id} is open: ${holder}`, { version: id, holder });
  }

  async #change(change: (settings: DeviceSettings) => DeviceSettings): Promise<void> {
    await using lease = await leaseSettings(this.#site, this.udid);
    lease.check();
    await writeSettings(this.#site.blobs, this.udid, change(await readSettings(this.#site.blobs, this.udid)));
  }

  async #find(which: string | Date, options?: AbortOptions): Promise<string | undefined> {
    if (typeof which === 'string' && which !== 'newest') return which;
    const versions = (await this.list({ ...options, onDamage: () => undefined })).filter(({ kind }) => kind !== 'edit');
    return versions.find(({ created }) => !(which instanceof Date) || created <= which)?.id;
  }

  async #info(record: ListedRecord): Promise<VersionInfo> {
    // A version can be read without what people have written about it.
    return versionInfo(record, await this.#settings({ onDamage: () => undefined }));
  }

  async #settings({ signal, onDamage }: ListVersionsOptions): Promise<DeviceSettings> {
    try {
      return await readSettings(this.#site.blobs, this.udid, { signal });
    } catch (error) {
      if (!(error instanceof SnapshotError) || onDamage === undefined) throw error;
      onDamage(error);
      return { pins: new Set(), notes: new Map(), trashed: new Map(), retention: undefined };
    }
  }

  async #infoOf(header: RecordHeader): Promise<VersionInfo> {
    return await this.#info({ header, deleted: false });
  }

  #withVersion<T extends BackupSink & Closeable & AsyncDisposable & { readonly header: RecordHeader | undefined }>(
    sink: T,
  ): T & VersionSink {
    return Object.assign(sink, {
      version: async () => (sink.header === undefined ? undefined : await this.#infoOf(sink.header)),
    });
  }

  #notFound(which: string | Date): SnapshotError {
    const what =
      which instanceof Date ? `made by ${which.toISOString()}` : which === 'newest' ? '' : `"${which.slice(0, 60)}"`;
    return new SnapshotError('SNAPSHOT_NOT_FOUND', `There is no version ${what} of ${this.udid}`);
  }
}
