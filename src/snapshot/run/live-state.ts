import type { AbortOptions } from '../../core/abort.js';
import type { ProgressReporter } from '../../core/progress.js';
import { directoryTreeOf } from '../fs/folder-tree.js';
import { Table } from '../format/table.js';
import type { WorkLeases } from '../store/work-leases.js';
import { livePath } from '../store/place.js';
import type { ResolvedRecord } from '../store/records.js';
import type { LocalSite, Site } from '../store/site.js';
import type { StoreProgress, VersionKind } from '../types.js';
import { newRun } from '../store/run-files.js';
import { announce, removeRun } from './commit-live.js';
import { ingest } from './ingest.js';
import { newRecord } from './new-record.js';
import { scanLive, type LiveScan } from './scan-live.js';
import type { RecordHeader } from '../format/record.js';

/** The newest backup of a device, looked at. */
export interface LiveState {
  /** What it holds. */
  readonly table: Table;
  /** The version that the store has last made it; `undefined` for none. */
  readonly last: ResolvedRecord | undefined;
  readonly scan: LiveScan;
  /** Whether it holds what that version says. */
  readonly isAsLast: boolean;
}

interface LookOptions extends AbortOptions {
  readonly progress: ProgressReporter<StoreProgress>;
}

/** Looks at the newest backup of a device. */
export async function lookAtLive(local: LocalSite, udid: string, options: LookOptions): Promise<LiveState> {
  const last = await local.live.read(udid);
  const known = { table: last?.table ?? Table.empty, doubtful: new Set(local.live.notes(udid).doubtful) };
  const scan = await scanLive(local.place, udid, { ...options, known });
  return { table: scan.table, last, scan, isAsLast: last !== undefined && scan.changes.length === 0 };
}

/**
 * Makes a version of the newest backup as it lies there. Its files stay where they are.
 *
 * @returns the header of the version
 */
export async function commitAsIs(
  site: Site,
  local: LocalSite,
  options: LookOptions & {
    udid: string;
    state: LiveState;
    kind: VersionKind;
    note?: string | undefined;
    lease: Pick<WorkLeases, 'check'>;
  },
): Promise<RecordHeader> {
  const { udid, state, signal, lease } = options;
  const { place, live } = local;
  await ingestChanges(local, options);
  const backup = await site.knowledge.describe(directoryTreeOf(place.fs, livePath(place, udid)), { signal });
  const record = await newRecord(site, {
    udid,
    kind: options.kind,
    table: state.table,
    backup,
    parent: state.last,
    note: options.note,
  });
  signal?.throwIfAborted();
  lease.check();
  const { doubtful } = state.scan;
  // The newest backup is already what the version says; that its contents may lie there alone must be known with the version.
  const folders = newRun(place, udid);
  announce(local, udid, { folders, before: state.table, version: record.header.id, doubtful });
  await site.records.commit(record);
  live.write(udid, record, doubtful);
  await removeRun(place, folders, {});
  return record.header;
}

/** Makes objects of what another tool has changed in the newest backup, where it stays. */
export async function ingestChanges(
  { place }: LocalSite,
  { udid, state, progress, signal }: LookOptions & { udid: string; state: LiveState },
): Promise<void> {
  const root = livePath(place, udid);
  await ingest(place, { folder: root, files: state.scan.changes, adopt: false, progress, signal });
}
