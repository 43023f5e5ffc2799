import type { AbortOptions } from '../../core/abort.js';
import { SnapshotError } from '../../core/errors.js';
import type { Lease } from '../leases/lease-manager.js';
import type { LocalSite, Site } from './site.js';

/** Options of work that others may have to end first. */
export interface WaitOptions extends AbortOptions {
  /** How long to wait for others who work on the same, in milliseconds; 0 by default. */
  wait?: number | undefined;
}

/** Leases of work on one device, or on the store as a whole. */
export interface WorkLeases extends AsyncDisposable {
  /** Throws `SNAPSHOT_LEASE_LOST` where another program has taken the work over. */
  check(): void;
  release(): Promise<void>;
}

/** How long everybody waits for a clean-up at an opening, or for settings that are being written, in milliseconds. */
const shortWaitMs = 10_000;

/**
 * Lease for what makes files in the store: others may too meanwhile, and nobody may clean up or purge.
 */
export async function leaseShared(
  site: Pick<Site, 'leases'>,
  purpose: string,
  options: WaitOptions = {},
): Promise<Lease> {
  const { signal, wait = 0 } = options;
  const longer = Math.max(wait, shortWaitMs);
  return await site.leases.acquire({ scope: 'store', mode: 'shared', purpose, signal, wait: longer });
}

/** Leases for a change of the settings of a device: one at a time. */
export async function leaseSettings(site: Site, udid: string): Promise<WorkLeases> {
  requireWritable(site);
  const purpose = 'settings';
  const store = await leaseShared(site, purpose);
  try {
    const scope = `settings-${udid}`;
    return together([await site.leases.acquire({ scope, mode: 'exclusive', purpose, wait: shortWaitMs }), store]);
  } catch (error) {
    await store.release();
    throw error;
  }
}

/** Leases for what adds to a device: others may add to other devices meanwhile, and nobody may purge. */
export async function leaseDevice(
  site: Site,
  udid: string,
  purpose: string,
  options: WaitOptions = {},
): Promise<WorkLeases> {
  requireWritable(site);
  const { signal, wait } = options;
  const store = await leaseShared(site, purpose, options);
  try {
    const device = await site.leases.acquire({ scope: `device-${udid}`, mode: 'exclusive', purpose, signal, wait });
    return together([device, store]);
  } catch (error) {
    await store.release();
    throw error;
  }
}

/** Lease for what removes: nobody else may work on the store but read. */
export async function leaseStore(site: Site, purpose: string, options: WaitOptions = {}): Promise<WorkLeases> {
  requireWritable(site);
  const { signal, wait } = options;
  return together([await site.leases.acquire({ scope: 'store', mode: 'exclusive', purpose, signal, wait })]);
}

/** The folder of a store, for work that needs one. @throws SnapshotError `SNAPSHOT_UNSUPPORTED` */
export function requireLocal(site: Site, what: string): LocalSite {
  if (site.local !== undefined) return site.local;
  throw new SnapshotError('SNAPSHOT_UNSUPPORTED', `A store without a folder has no newest backups: ${what} needs one`);
}

/** @throws SnapshotError `SNAPSHOT_READ_ONLY` */
export function requireWritable(site: Site): void {
  if (site.readOnly) throw new SnapshotError('SNAPSHOT_READ_ONLY', 'The store was opened for reading only');
}

function together(leases: readonly Lease[]): WorkLeases {
  const release = async (): Promise<void> => {
    for (const lease of leases) await lease.release();
  };
  return {
    check() {
      for (const lease of leases) lease.check();
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}
