import { yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import { hexDecode } from '../../core/bytes.js';
import { typed } from '../fs/typed.js';
import type { HashIndex } from '../contents/hash-index.js';
import { removeFolder } from '../run/remove-folder.js';
import { keys } from '../store/keys.js';
import { storePath } from '../store/place.js';
import { releaseReserve, writeReserve } from '../store/reserve.js';
import type { Site } from '../store/site.js';
import type { WorkLeases } from '../store/work-leases.js';
import { markNeeded, type Needed } from './mark.js';
import type { Lease } from '../leases/lease-manager.js';
import { versionScope } from '../store/hold-version.js';
import { isBackupKitError } from '../../core/errors.js';
import { sweepPacks } from './sweep-packs.js';

/** Options of a purge. */
export interface PurgeOptions extends AbortOptions {
  /** Whether to say only what would go. */
  dryRun?: boolean | undefined;
  /** Days that versions stay in the trash; 7 by default. */
  graceDays?: number | undefined;
}

/** What a purge has removed. */
export interface PurgeReport {
  /** Versions that are gone for good. */
  readonly versions: readonly string[];
  /** Contents that no version needs: objects, and entries of packs that were removed or rewritten. */
  readonly contents: number;
  /** Space of what was removed, in bytes. What a newest backup shares with an object is not free by that. */
  readonly freedBytes: number;
}

const keysPerCall = 512;

/** Marks what is needed and removes the rest. Without a lease it only counts. */
export async function purgeStore(
  site: Site,
  lease: WorkLeases | undefined,
  options: PurgeOptions,
): Promise<PurgeReport> {
  const where = site.local?.place.folder ?? 'the store';
  const claimed: Lease[] = [];
  /** Takes a version away from those who might open it. */
  const claim = async (id: string): Promise<boolean> => {
    try {
      claimed.push(await site.leases.acquire({ scope: versionScope(id), mode: 'exclusive', purpose: 'purge' }));
      return true;
    } catch (error) {
      if (isBackupKitError(error, 'SNAPSHOT_LOCKED')) return false;
      throw error;
    }
  };
  try {
    return await typed(where, 'purging', async () => {
      const needed = await markNeeded(site, { ...options, claim: lease === undefined ? undefined : claim });
      return await sweep(site, needed, { ...options, lease });
    });
  } finally {
    for (const held of claimed) await held.release();
  }
}

async function sweep(
  site: Site,
  needed: Needed,
  { lease, ...options }: PurgeOptions & { lease: WorkLeases | undefined },
): Promise<PurgeReport> {
  const isReal = lease !== undefined;
  const place = site.local?.place;
  // From here on nothing new needs room but rewritten packs, which may fail.
  if (isReal && place !== undefined) releaseReserve(place);
  const removal = new Removal(site, lease);
  for (const { udid, id } of needed.expired) await removal.add(keys.trash(udid, id), 0);
  await removal.flush();
  let contents = 0;
  for await (const { key, size } of site.blobs.list('objects/', options)) {
    if (isNeeded(needed.contents, key)) continue;
    contents += 1;
    await removal.add(key, size);
  }
  for await (const { key, size } of site.blobs.list('tables/', options)) {
    const name = key.slice(key.lastIndexOf('/') + 1, -'.tbl'.length);
    if (!needed.tables.has(name)) await removal.add(key, size);
  }
  await removal.flush();
  const packs = await sweepPacks(site, needed, { lease, signal: options.signal });
  if (isReal && place !== undefined) {
    await removeFolder(place.fs, storePath(place, 'staging'), {});
    writeReserve(place);
  }
  return {
    versions: needed.expired.map(({ id }) => id),
    contents: contents + packs.contents,
    freedBytes: removal.bytes + packs.freedBytes,
  };
}

function isNeeded(contents: HashIndex, key: string): boolean {
  const hash = hexDecode(key.slice(key.lastIndexOf('/') + 1));
  // Not a name of ours: left alone.
  return hash?.length !== 32 || contents.has(hash);
}

class Removal {
  bytes = 0;
  readonly #site: Site;
  readonly #lease: WorkLeases | undefined;
  #pending: string[] = [];

  constructor(site: Site, lease: WorkLeases | undefined) {
    this.#site = site;
    this.#lease = lease;
  }

  async add(key: string, size: number): Promise<void> {
    this.bytes += size;
    this.#pending.push(key);
    if (this.#pending.length >= keysPerCall) await this.flush();
  }

  async flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    if (this.#lease === undefined || pending.length === 0) return;
    this.#lease.check();
    await this.#site.blobs.delete(pending);
    await yieldToEventLoop();
  }
}
