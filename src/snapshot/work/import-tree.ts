import type { AbortOptions } from '../../core/abort.js';
import type { BackupTree, TreeEntry } from '../../core/backup-tree.js';
import { SnapshotError } from '../../core/errors.js';
import { progressReporter, type ProgressReporter } from '../../core/progress.js';
import { unsafePathReason } from '../../core/safe-path.js';
import { barrier } from '../fs/durable.js';
import { typed } from '../fs/typed.js';
import type { RecordHeader } from '../format/record.js';
import { makeTable, rowKind, type Table, type TableRow } from '../format/table.js';
import { newRecord } from '../run/new-record.js';
import type { RunOptions } from '../run/run-sink.js';
import type { Site } from '../store/site.js';
import type { ResolvedRecord } from '../store/records.js';
import { leaseDevice, type WaitOptions, type WorkLeases } from '../store/work-leases.js';
import type { BackupFacts, StoreProgress, VersionKind } from '../types.js';
import { putContent, type StoredContent } from './put-content.js';

/** Options of importing a backup. */
export interface ImportOptions extends RunOptions, WaitOptions {
  /** When the backup was made, where that is known better than by the backup itself. */
  created?: Date | undefined;
}

/**
 * Makes a version of a tree that lies elsewhere; its top is the folder of the device. Nothing there is changed, and the newest
 * backup of the device stays what it is.
 */
export async function importTree(
  site: Site,
  udid: string,
  tree: BackupTree,
  options: ImportOptions & { kind?: VersionKind },
): Promise<RecordHeader> {
  const where = site.local?.place.folder ?? 'the store';
  return await typed(where, 'importing into', async () => await store(site, udid, tree, options));
}

async function store(
  site: Site,
  udid: string,
  tree: BackupTree,
  options: ImportOptions & { kind?: VersionKind },
): Promise<RecordHeader> {
  const { signal } = options;
  await using lease = await leaseDevice(site, udid, 'import', options);
  const backup = await describeWhole(site, tree, { signal });
  const table = await storeTree(site, tree, { progress: progressReporter(options.onProgress), signal });
  return await commitImported(site, udid, { ...options, table, backup, lease });
}

/** What a backup says of itself, which must be finished as far as it says so. @throws SnapshotError `SNAPSHOT_INCOMPLETE` */
export async function describeWhole(site: Site, tree: BackupTree, options: AbortOptions): Promise<BackupFacts> {
  const backup = await site.knowledge.describe(tree, options);
  if (backup.state === undefined || backup.state === 'finished') return backup;
  throw new SnapshotError(
    'SNAPSHOT_INCOMPLETE',
    `The backup is not finished: its state is "${backup.state.slice(0, 40)}"`,
  );
}

/** Makes a version of a table whose contents are durable. */
export async function commitImported(
  site: Site,
  udid: string,
  options: ImportOptions & {
    kind?: VersionKind;
    table: Table;
    backup: BackupFacts;
    lease: Pick<WorkLeases, 'check'>;
  },
): Promise<RecordHeader> {
  const { signal, table, backup, lease } = options;
  if (table.length === 0) throw new SnapshotError('SNAPSHOT_NOT_FOUND', 'The tree that is to be imported is empty');
  const parent = await newestRecord(site, udid, { signal });
  const created = options.created ?? dateOf(backup.backupDate);
  const record = await newRecord(site, {
    udid,
    kind: options.kind ?? 'import',
    table,
    backup,
    parent,
    note: options.note,
    created,
  });
  signal?.throwIfAborted();
  lease.check();
  await site.records.commit(record);
  return record.header;
}

/** The newest version of a device, with its table. */
export async function newestRecord(
  site: Site,
  udid: string,
  options?: AbortOptions,
): Promise<ResolvedRecord | undefined> {
  const [newest] = (await site.records.list(udid, options)).filter(({ deleted }) => !deleted);
  return newest && (await site.records.read(udid, newest.header.id, options));
}

/** Makes contents of all files of a tree durable, and gives its table. */
async function storeTree(
  site: Site,
  tree: BackupTree,
  { progress, signal }: AbortOptions & { progress: ProgressReporter<StoreProgress> },
): Promise<Table> {
  const rows: TableRow[] = [];
  const made: string[] = [];
  const none = new Uint8Array(0);
  let files = 0;
  const put = async (entry: TreeEntry): Promise<void> => {
    const content = await storeFile(site, tree, entry, signal);
    if (content === undefined) return;
    const { hash, size } = content;
    rows.push({ kind: rowKind.file, path: entry.path, modifiedUs: timeOf(entry), hash, size });
    if (content.path !== undefined) made.push(content.path);
    files += 1;
    progress.report('store', () => ({ type: 'store', files, totalFiles: files }));
  };
  const walk = async (folder: string): Promise<void> => {
    let isEmpty = true;
    for await (const entry of tree.list(folder, { signal })) {
      if (unsafePathReason(entry.path) !== undefined) continue;
      isEmpty = false;
      if (entry.kind === 'directory') await walk(entry.path);
      else await put(entry);
    }
    if (isEmpty && folder !== '') rows.push({ kind: rowKind.folder, path: folder, hash: none, size: 0, modifiedUs: 0 });
  };
  await walk('');
  progress.flush();
  if (site.local !== undefined) await barrier(site.local.place.fs, site.local.place.location, made);
  return makeTable(rows);
}

async function storeFile(
  site: Site,
  tree: BackupTree,
  entry: TreeEntry,
  signal: AbortSignal | undefined,
): Promise<StoredContent | undefined> {
  const source = await tree.open(entry.path, { signal });
  if (source === undefined) return undefined;
  try {
    return await putContent(site, source, { modifiedUs: timeOf(entry), signal });
  } finally {
    await source.close();
  }
}

function timeOf({ modified, modifiedUs }: TreeEntry): number {
  return modifiedUs ?? (modified === undefined ? 0 : modified.getTime() * 1000);
}

function dateOf(text: string | undefined): Date | undefined {
  const date = text === undefined ? undefined : new Date(text);
  // A clock of the device that runs ahead must not hide later versions.
  return date === undefined || Number.isNaN(date.getTime()) || date.getTime() > Date.now() ? undefined : date;
}
