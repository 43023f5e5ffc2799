import { resolve } from 'node:path';
import type { AbortOptions } from '../../core/abort.js';
import { concatBytes, utf8Encode } from '../../core/bytes.js';
import { ioError, isBackupKitError, SnapshotError } from '../../core/errors.js';
import { storeFolderName } from '../../folder/names.js';
import type { BlobStore } from '../blobs/blob-store.js';
import { FileBlobStore } from '../blobs/file-blob-store.js';
import { putDurable } from '../fs/durable.js';
import { nodeFs } from '../fs/node-fs.js';
import { probePlacement } from '../fs/placement.js';
import type { StoreFs } from '../fs/store-fs.js';
import { FileLeaseManager } from '../leases/file-lease-manager.js';
import type { LeaseManager } from '../leases/lease-manager.js';
import { MemoryLeaseManager } from '../leases/memory-lease-manager.js';
import type { BackupKnowledge, Placement, StoreInfo } from '../types.js';
import { StoreSeals } from '../seals/store-seals.js';
import { Contents } from './contents.js';
import { LiveContents } from './live-contents.js';
import { LiveRecords } from './live-record.js';
import { PackSet } from './pack-set.js';
import type { Place } from './place.js';
import { readmeText } from './readme.js';
import { Records } from './records.js';
import { withReserve, writeReserve } from './reserve.js';
import { leaseShared } from './work-leases.js';
import type { LocalSite, Site } from './site.js';
import {
  decodeStoreFile,
  encodeStoreFile,
  newStoreFile,
  storeFileKey,
  storeFileLimit,
  type StoreFile,
} from './store-file.js';

/** Options of opening a store. */
export interface OpenStoreOptions extends AbortOptions {
  /** Whether a store is made where there is none. */
  create?: boolean | undefined;
  /** Whether nothing is written, not even a lease. */
  readOnly?: boolean | undefined;
  /**
   * How files of the newest backup become part of history; by default the best that the disk can. `copy` keeps history apart
   * from everything that other tools may do to the newest backup, at the price of its whole size.
   */
  isolation?: 'auto' | Placement | undefined;
  /**
   * Let a second thread (`node:worker_threads`) take a share where there are thousands of files or large databases. It ends with the
   * call; where it cannot be started one thread does everything. True by default.
   */
  threads?: boolean | undefined;
}

/** What a store stands on, for tests. @internal */
export interface StoreGround {
  readonly fs?: StoreFs | undefined;
  readonly leases?: LeaseManager | undefined;
}

/** An open store, in parts. */
export interface OpenedStore {
  readonly site: Site;
  readonly info: StoreInfo;
}

/** Opens a store in a folder, or in a blob store. */
export async function openStore(
  location: string | BlobStore,
  options: OpenStoreOptions & StoreGround & { knowledge: BackupKnowledge },
): Promise<OpenedStore> {
  options.signal?.throwIfAborted();
  return typeof location === 'string'
    ? await openInFolder(resolve(location), options)
    : await openInBlobs(location, options);
}

async function openInBlobs(
  blobs: BlobStore,
  options: OpenStoreOptions & StoreGround & { knowledge: BackupKnowledge },
): Promise<OpenedStore> {
  const file = await openStoreFile(blobs, 'the blob store', options);
  const seals = new StoreSeals();
  const packs = new PackSet(blobs, seals);
  const site: Site = {
    blobs,
    records: new Records(blobs),
    contents: new Contents(blobs, [packs]),
    packs,
    seals,
    leases: options.leases ?? new MemoryLeaseManager(),
    knowledge: options.knowledge,
    readOnly: options.readOnly === true,
    local: undefined,
  };
  seals.connect(site);
  return {
    site,
    info: { id: file.id, location: undefined, placement: undefined, reasons: [], created: new Date(file.created) },
  };
}

async function openInFolder(
  location: string,
  options: OpenStoreOptions & StoreGround & { knowledge: BackupKnowledge },
): Promise<OpenedStore> {
  const fs = options.fs ?? nodeFs;
  const readOnly = options.readOnly === true;
  const folder = `${location}/${storeFolderName}`;
  try {
    if (fs.facts(`${folder}/${storeFileKey}`) === undefined) {
      if (options.create !== true || readOnly) throw notAStore(location);
      fs.makeFolder(folder);
    }
    const blobs = new FileBlobStore({ fs, root: folder });
    const file = await openStoreFile(blobs, location, options);
    const leases = options.leases ?? new FileLeaseManager({ fs, folder: `${folder}/locks` });
    const { place, reasons } = readOnly
      ? { place: { fs, location, folder, placement: 'move' as const, timeStepUs: 1 }, reasons: [] }
      : await withReserve({ fs, folder }, async () => await prepare({ fs, location, folder, leases }, options));
    const records = new Records(blobs);
    const live = new LiveRecords(place, records);
    const local: LocalSite = { place, live };
    const seals = new StoreSeals();
    const packs = new PackSet(blobs, seals);
    const site: Site = {
      blobs,
      records,
      contents: new Contents(blobs, [packs, new LiveContents(place, live, records)]),
      packs,
      seals,
      leases,
      knowledge: options.knowledge,
      readOnly,
      local,
    };
    seals.connect(site);
    const info: StoreInfo = {
      id: file.id,
      location,
      placement: place.placement,
      reasons,
      created: new Date(file.created),
    };
    return { site, info };
  } catch (error) {
    throw ioError(error, folder, 'opening');
  }
}

/** Finds out what the disk can do, and writes what helps people. Nobody may clean up meanwhile. */
async function prepare(
  ground: Pick<Place, 'fs' | 'location' | 'folder'> & { leases: LeaseManager },
  { isolation = 'auto', threads = true, signal }: OpenStoreOptions,
): Promise<{ place: Place; reasons: readonly string[] }> {
  const { leases, ...where } = ground;
  const lease = await leaseShared({ leases }, 'opening', { signal });
  try {
    const probe = probePlacement(where.fs, where.folder, where.location);
    requirePossible(isolation, probe.placement);
    const placement = isolation === 'auto' ? probe.placement : isolation;
    const place = { ...where, placement, timeStepUs: probe.timeResolutionUs, threads };
    writeAids(place);
    return { place, reasons: probe.reasons };
  } finally {
    await lease.release();
  }
}

async function openStoreFile(blobs: BlobStore, where: string, options: OpenStoreOptions): Promise<StoreFile> {
  const content = await blobs.get(storeFileKey, { length: storeFileLimit }, options);
  if (content === undefined) {
    if (options.create !== true || options.readOnly === true) throw notAStore(where);
    const file = newStoreFile();
    const bytes = encodeStoreFile(file);
    if (await blobs.put(storeFileKey, bytes, { size: bytes.length, ifAbsent: true })) return file;
    // Another program was first.
    return await openStoreFile(blobs, where, { ...options, create: false });
  }
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return decodeStoreFile(concatBytes(parts), { readOnly: options.readOnly === true });
}

/** README and reserve: their absence is no harm, and a full disk no reason not to open. */
function writeAids(place: Place): void {
  try {
    const path = `${place.folder}/README.txt`;
    if (place.fs.facts(path) === undefined)
      putDurable(place.fs, { staging: `${place.folder}/staging`, path, bytes: utf8Encode(readmeText) });
    writeReserve(place);
  } catch (error) {
    if (!isBackupKitError(error, 'IO_NO_SPACE')) throw error;
  }
}

function requirePossible(isolation: 'auto' | Placement, found: Placement): void {
  if (isolation === 'auto' || isolation === 'copy' || isolation === 'move' || isolation === found) return;
  if (isolation === 'link' && found === 'clone') return;
  throw new SnapshotError(
    'SNAPSHOT_UNSUPPORTED',
    `The disk does not ${isolation} files; leave \`isolation\` to be found`,
  );
}

function notAStore(where: string): SnapshotError {
  return new SnapshotError('SNAPSHOT_NOT_A_STORE', `${where} has no version store; make one with \`create: true\``);
}
