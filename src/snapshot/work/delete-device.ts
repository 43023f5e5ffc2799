import { SnapshotError } from '../../core/errors.js';
import { readSettings, writeSettings } from '../store/device-settings.js';
import { keys } from '../store/keys.js';
import { livePath } from '../store/place.js';
import type { Site } from '../store/site.js';
import { leaseDevice, type WaitOptions } from '../store/work-leases.js';
import { holdersOf, moveRecord } from './delete.js';

/** Options of deleting a device. */
export interface DeleteDeviceOptions extends WaitOptions {
  /** Whether the next purge takes its versions, without days of grace. */
  permanently?: boolean | undefined;
  /** Whether pinned versions go too. */
  evenPinned?: boolean | undefined;
}

/** What deleting a device has done. */
export interface DeletedDevice {
  /** Versions that lie in the trash now. */
  readonly versions: readonly string[];
  /** Absolute path of its newest backup, which stays: it is a folder of the user. `undefined` where there is none. */
  readonly kept: string | undefined;
}

/** Puts all versions of a device into the trash; its newest backup stays. */
export async function deleteDevice(site: Site, udid: string, options: DeleteDeviceOptions): Promise<DeletedDevice> {
  await using lease = await leaseDevice(site, udid, 'delete', options);
  const settings = await readSettings(site.blobs, udid, options);
  const listed = (await site.records.list(udid, { signal: options.signal })).filter(({ deleted }) => !deleted);
  for (const { header } of listed) {
    const { id } = header;
    if (settings.pins.has(id) && options.evenPinned !== true)
      throw new SnapshotError('SNAPSHOT_GUARD', `Version ${id} is pinned; unpin it first, or ask for \`evenPinned\``, {
        version: id,
      });
    const [holder] = await holdersOf(site, id);
    if (holder !== undefined)
      throw new SnapshotError('SNAPSHOT_LOCKED', `Version ${id} is open: ${holder}`, { version: id, holder });
  }
  lease.check();
  const when = (options.permanently === true ? new Date(0) : new Date()).toISOString();
  const ids = listed.map(({ header }) => header.id);
  await writeSettings(site.blobs, udid, {
    ...settings,
    pins: options.permanently === true ? new Set() : settings.pins,
    trashed: new Map([...settings.trashed, ...ids.map((id) => [id, when] as const)]),
  });
  // Oldest first: what is left after a crash is a device with fewer versions.
  for (const id of ids.toReversed()) await moveRecord(site, udid, id, 'trash');
  const { local } = site;
  // Nothing must keep the contents of the newest backup, unless they lie there alone and others may need them.
  if (options.permanently === true && local !== undefined && !local.live.holds(udid))
    await site.blobs.delete([keys.live(udid), keys.liveNotes(udid)]);
  const live = local === undefined ? undefined : livePath(local.place, udid);
  return { versions: ids, kept: live !== undefined && local?.place.fs.facts(live) !== undefined ? live : undefined };
}
