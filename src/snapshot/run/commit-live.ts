import { utf8Encode } from '../../core/bytes.js';
import { SnapshotError } from '../../core/errors.js';
import { releaseBytes } from '../../core/release-bytes.js';
import type { ProgressReporter } from '../../core/progress.js';
import { barrier, putDurable } from '../fs/durable.js';
import { dirname } from 'node:path';
import { decodeTable, encodeTable, type VersionRecord } from '../format/record.js';
import { recordLimit } from '../format/framed.js';
import { makeTable, Table, type TableRow } from '../format/table.js';
import type { WorkLeases } from '../store/work-leases.js';
import { keys } from '../store/keys.js';
import { livePath, storePath, type Place } from '../store/place.js';
import type { ResolvedRecord } from '../store/records.js';
import type { LocalSite, Site } from '../store/site.js';
import type { StoreProgress } from '../types.js';
import { applyToLive } from './apply.js';
import { ingest } from './ingest.js';
import { newRecord, type NewVersion } from './new-record.js';
import { removeFolder, removeIfEmpty } from './remove-folder.js';
import { commitName, readCommit, runsOf, type CommitFile, type RunFolders } from '../store/run-files.js';
import { freshPaths } from './scan-live.js';

/** A version that the newest backup is to become. */
export interface LiveCommit extends NewVersion {
  readonly folders: RunFolders;
  /** What the newest backup holds now. */
  readonly before: Table;
  /** Files of the version that lie in the run's folder for new files. */
  readonly placed: readonly TableRow[];
  /** Paths whose time said nothing of their content when `before` was looked at. */
  readonly doubtful: readonly string[];
  /** Whether files that nobody has seen yet may take the time of an object with the same content. */
  readonly adopt: boolean;
  readonly progress: ProgressReporter<StoreProgress>;
  readonly signal: AbortSignal | undefined;
  /** Throws where the work was taken over by another program. */
  readonly lease: Pick<WorkLeases, 'check'>;
  /** Called when the version exists, before the newest backup has become it. */
  onCommitted?(record: VersionRecord): void;
}

const beforeName = 'before';

/**
 * Steps R4 to R7 of a run: contents, record, newest backup. After a crash {@link finishRun} completes what had its record, and
 * throws away what had none.
 */
export async function commitLive(site: Site, local: LocalSite, commit: LiveCommit): Promise<ResolvedRecord> {
  const { udid, before, placed, progress, signal, lease } = commit;
  const { place, live } = local;
  const { newFolder } = commit.folders;
  const retimed = await ingest(place, { folder: newFolder, files: placed, adopt: commit.adopt, progress, signal });
  const table = retimed.length === 0 ? commit.table : Table.changed(commit.table, makeTable(retimed));
  const record = await newRecord(site, { ...commit, table });
  signal?.throwIfAborted();
  lease.check();
  const doubtful = [...new Set([...commit.doubtful, ...freshPaths(placed, place.timeStepUs)])];
  announce(local, udid, { folders: commit.folders, before, version: record.header.id, doubtful });
  lease.check();
  // The point from which the version exists.
  await site.records.commit(record);
  commit.onCommitted?.(record);
  const touched = await applyToLive(place, {
    udid,
    before,
    after: table,
    newFolder,
    holds: live.holds(udid),
    lease,
  });
  await barrier(place.fs, livePath(place, udid), touched);
  lease.check();
  live.write(udid, record, doubtful);
  await removeRun(place, commit.folders, { keep: 'lock' });
  return { header: record.header, table, deleted: false };
}

/** Completes a run of a killed process whose version exists, and throws away what has no version. */
export async function finishRun(
  site: Site,
  local: LocalSite,
  { udid, lease }: { udid: string; lease: Pick<WorkLeases, 'check'> },
): Promise<void> {
  const { place } = local;
  for (const folders of runsOf(place, udid)) {
    await completeRun(site, local, { udid, lease, folders });
    await removeRun(place, folders, {});
  }
  removeIfEmpty(place.fs, storePath(place, keys.run(udid)));
}

async function completeRun(
  site: Site,
  { place, live }: LocalSite,
  { udid, lease, folders }: { udid: string; lease: Pick<WorkLeases, 'check'>; folders: RunFolders },
): Promise<void> {
  const commit = readCommit(place, folders);
  // Where the newest backup is this version by its record, all is done but to remove the folder.
  if (commit === undefined || live.idOf(udid) === commit.version) return;
  const key = keys.version(udid, commit.version);
  const record = (await site.records.readKey(key)) ?? (await site.records.readKey(keys.trash(udid, commit.version)));
  if (record === undefined) return;
  const part = `${folders.run}/${beforeName}`;
  const bytes = place.fs.read(part, recordLimit);
  if (bytes === undefined) throw new SnapshotError('SNAPSHOT_CORRUPT', `${part} is missing`, { part });
  const before = decodeTable(bytes, part);
  const { newFolder } = folders;
  const change = { udid, before, after: record.table, newFolder, holds: live.holds(udid), lease };
  await barrier(place.fs, livePath(place, udid), await applyToLive(place, change));
  lease.check();
  live.write(udid, await site.records.asRecord(record), commit.doubtful);
}

/** Says which version is about to exist, so that whoever comes after a crash makes the newest backup that version. */
export function announce(
  { place, live }: LocalSite,
  udid: string,
  { folders, before, version, doubtful }: CommitFile & { folders: RunFolders; before: Table },
): void {
  const { run } = folders;
  const put = (name: string, bytes: Uint8Array): void => {
    putDurable(place.fs, { staging: storePath(place, 'staging'), path: `${run}/${name}`, bytes });
    releaseBytes(bytes);
  };
  put(beforeName, encodeTable(before));
  put(commitName, utf8Encode(JSON.stringify({ version, doubtful } satisfies CommitFile)));
  live.mayHold(udid);
}

/** Whether a run may have made its version, so that its folder is needed until that is certain. */
export function isCommitting(place: Place, { run }: RunFolders): boolean {
  return place.fs.facts(`${run}/${commitName}`) !== undefined;
}

/** Removes the folder of a run: first what says that it must be completed. */
export async function removeRun(place: Place, folders: RunFolders, options: { keep?: string }): Promise<void> {
  const { run } = folders;
  if (isCommitting(place, folders)) {
    place.fs.unlink(`${run}/${commitName}`);
    place.fs.sync(run);
  }
  await removeFolder(place.fs, run, options);
  removeIfEmpty(place.fs, dirname(run));
}
