import { progressReporter } from '../../core/progress.js';
import type { RecordHeader } from '../format/record.js';
import { makeTable, rowKind, type TableRow } from '../format/table.js';
import { sideBySide } from '../format/table-changes.js';
import { commitLive, isCommitting, removeRun } from '../run/commit-live.js';
import { newRun } from '../store/run-files.js';
import { startRun, type RunOptions } from '../run/run-sink.js';
import { typed } from '../fs/typed.js';
import { livePath } from '../store/place.js';
import type { LocalSite, Site } from '../store/site.js';
import type { StoredVersion } from '../store/version.js';
import { leaseDevice, requireLocal, type WaitOptions } from '../store/work-leases.js';
import { writeRows } from './write-folder.js';

/** Options of going back to a version. */
export interface RollbackOptions extends RunOptions, WaitOptions {}

/**
 * Makes the newest backup what a version is, as a new version; what it was is kept first where no version has it. The next run of
 * the device may have to send everything.
 */
export async function rollBack(site: Site, version: StoredVersion, options: RollbackOptions): Promise<RecordHeader> {
  const local = requireLocal(site, 'going back to a version');
  const where = livePath(local.place, version.info.udid);
  return await typed(where, 'going back in', async () => await goBack(site, local, version, options));
}

async function goBack(
  site: Site,
  local: LocalSite,
  version: StoredVersion,
  options: RollbackOptions,
): Promise<RecordHeader> {
  const { signal, note } = options;
  const { udid, id, backup } = version.info;
  await version.hold();
  await using lease = await leaseDevice(site, udid, 'rollback', options);
  const start = await startRun(site, local, { ...options, udid, lease });
  const folders = newRun(local.place, udid);
  const placed: TableRow[] = [];
  for (const [left, right] of sideBySide(start.before, version.table)) {
    if (right === undefined || version.table.kind(right) !== rowKind.file) continue;
    const same = left !== undefined && start.before.rowBytes(left).equals(version.table.rowBytes(right));
    if (!same) placed.push(version.table.row(right));
  }
  const progress = progressReporter(options.onProgress);
  try {
    await writeRows(site, local.place.fs, {
      to: folders.newFolder,
      table: makeTable(placed),
      share: local.place.placement === 'link' ? 'link' : 'clone',
      progress,
      signal,
    });
    const record = await commitLive(site, local, {
      udid,
      folders,
      kind: 'rollback',
      table: version.table,
      placed,
      ...start,
      backup,
      note: note ?? `back to ${id}`,
      adopt: false,
      progress,
      signal,
      lease,
    });
    return record.header;
  } catch (error) {
    // What has its record already is completed by the next one who works on the device.
    if (!isCommitting(local.place, folders)) await removeRun(local.place, folders, {});
    throw error;
  }
}
