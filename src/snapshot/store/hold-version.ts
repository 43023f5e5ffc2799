import { isBackupKitError, SnapshotError } from '../../core/errors.js';
import type { Lease } from '../leases/lease-manager.js';
import type { Site } from './site.js';

/** Scope of the lease of those who read a version. */
export const versionScope = (id: string): string => `version-${id}`;

/**
 * Keeps others from purging what a version needs, until the lease is released. `undefined` in a store that is only read, and on
 * a disk that cannot be written: nobody can purge there either.
 *
 * @throws SnapshotError `SNAPSHOT_LOCKED` while the version is being purged, `SNAPSHOT_NOT_FOUND` where it was
 */
export async function holdVersion(
  site: Site,
  { udid, id }: { udid: string; id: string },
  purpose: string,
): Promise<Lease | undefined> {
  if (site.readOnly) return undefined;
  let lease: Lease;
  try {
    lease = await site.leases.acquire({ scope: versionScope(id), mode: 'shared', purpose });
  } catch (error) {
    if (isBackupKitError(error, 'IO_ACCESS_DENIED')) return undefined;
    throw error;
  }
  // It may have been purged between its listing and now; from now on it cannot be.
  if (await site.records.has(udid, id)) return lease;
  await lease.release();
  throw new SnapshotError('SNAPSHOT_NOT_FOUND', `Version ${id} was purged in the meantime`, { version: id });
}
