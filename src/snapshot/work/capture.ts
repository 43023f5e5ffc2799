import { progressReporter } from '../../core/progress.js';
import { SnapshotError } from '../../core/errors.js';
import type { RecordHeader } from '../format/record.js';
import { finishRun } from '../run/commit-live.js';
import { commitAsIs, lookAtLive } from '../run/live-state.js';
import type { RunOptions } from '../run/run-sink.js';
import { keys } from '../store/keys.js';
import { livePath } from '../store/place.js';
import type { LocalSite, Site } from '../store/site.js';
import { leaseDevice, requireLocal, type WaitOptions } from '../store/work-leases.js';
import { directoryTreeOf } from '../fs/folder-tree.js';
import { typed } from '../fs/typed.js';

/** Options of capturing the newest backup. */
export interface CaptureOptions extends RunOptions, WaitOptions {
  /** Whether a version is made also where nothing has changed since the last one. */
  evenIfUnchanged?: boolean | undefined;
}

/** Makes a version of the newest backup of a device as it lies there, whoever wrote it; gives the last one where it is the same. */
export async function captureLive(site: Site, udid: string, options: CaptureOptions): Promise<RecordHeader> {
  const local = requireLocal(site, 'capturing');
  return await typed(livePath(local.place, udid), 'capturing', async () => await capture(site, local, udid, options));
}

async function capture(site: Site, local: LocalSite, udid: string, options: CaptureOptions): Promise<RecordHeader> {
  const { signal } = options;
  await using lease = await leaseDevice(site, udid, 'capture', options);
  await finishRun(site, local, { udid, lease });
  const progress = progressReporter(options.onProgress);
  const state = await lookAtLive(local, udid, { progress, signal });
  if (state.table.length === 0)
    throw new SnapshotError('SNAPSHOT_NOT_FOUND', `There is no backup in ${livePath(local.place, udid)}`);
  if (state.isAsLast && state.last !== undefined && options.evenIfUnchanged !== true) {
    const { id } = state.last.header;
    // Mostly the same bytes as the ones that the newest backup is known by.
    if (await site.records.areSame(keys.version(udid, id), keys.live(udid), { signal })) return state.last.header;
    if ((await site.records.read(udid, id, { signal }))?.deleted === false) return state.last.header;
  }
  const facts = await site.knowledge.describe(directoryTreeOf(local.place.fs, livePath(local.place, udid)), { signal });
  if (facts.state !== undefined && facts.state !== 'finished')
    throw new SnapshotError(
      'SNAPSHOT_INCOMPLETE',
      `The backup in ${livePath(local.place, udid)} is not finished: its state is "${facts.state.slice(0, 40)}"`,
    );
  return await commitAsIs(site, local, { udid, state, kind: 'capture', note: options.note, progress, signal, lease });
}
