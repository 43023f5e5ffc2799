import type { AbortOptions } from '../../core/abort.js';
import { Turns } from '../contents/turns.js';
import { FileHasher } from '../fs/hash-file.js';
import type { StoreFs } from '../fs/store-fs.js';
import { makeTable, rowKind, Table, type TableRow } from '../format/table.js';
import { foldersOf } from './apply.js';
import { folderRow, removedRow } from '../format/table-changes.js';
import type { ReceivedHashes } from './received-hashes.js';
import { walkFolder } from './walk-live.js';

/** What a run has made of a backup. */
export interface RunResult {
  /** What the backup is to hold. */
  readonly table: Table;
  /** Rows of files that lie in the folder of new files. */
  readonly placed: readonly TableRow[];
}

/** Where the changes of a run lie. */
export interface RunFolders {
  /** Full path of the new files of the device. */
  readonly newFolder: string;
  /** Full path of the marks of what is gone. */
  readonly goneFolder: string;
}

/**
 * The table of the backup that a run has made. Of new files whose content the same path had before, the one that is there
 * stays.
 */
export async function tableOfRun(
  fs: StoreFs,
  before: Table,
  { newFolder, goneFolder, hashes, signal }: RunFolders & AbortOptions & { hashes: ReceivedHashes },
): Promise<RunResult> {
  const hasher = new FileHasher(fs, signal);
  const rows = new Map<string, TableRow>();
  const placed: TableRow[] = [];
  const turns = new Turns(signal);
  for (const path of marks(fs, goneFolder)) {
    if (turns.due) await turns.take();
    for (const gone of pathsAt(before, path)) rows.set(gone, removedRow(gone));
  }
  for (const { path, isEmptyFolder } of walkFolder(fs, newFolder)) {
    if (turns.due) await turns.take();
    if (isEmptyFolder) continue;
    const full = `${newFolder}/${path}`;
    const facts = fs.facts(full);
    if (facts?.kind !== 'file') continue;
    const hash = hashes.of(facts) ?? (await hasher.hash(full))?.hash;
    if (hash === undefined) continue;
    const index = before.find(path);
    const old = index === undefined ? undefined : before.row(index);
    if (old?.kind === rowKind.file && old.size === facts.size && Buffer.compare(old.hash, hash) === 0) {
      // The new one stays where it lies, for a commit that is repeated, and goes with the folder of the run.
      rows.delete(path);
      continue;
    }
    const row: TableRow = { kind: rowKind.file, path, hash, size: facts.size, modifiedUs: facts.modifiedUs };
    rows.set(path, row);
    placed.push(row);
  }
  const files = Table.changed(before, makeTable(rows.values()));
  const table = withFolders(files, await foldersAfter(fs, before, { newFolder, goneFolder }));
  return { table, placed };
}

/** `table` with rows for exactly those of `folders` in which nothing lies. */
export function withFolders(table: Table, folders: ReadonlySet<string>): Table {
  const filled = new Set([...folders].map(parentOf));
  for (let index = 0; index < table.length; index += 1) {
    if (table.kind(index) !== rowKind.file) continue;
    const path = table.pathBytes(index).toString('utf8');
    for (let at = parentOf(path); at !== '' && !filled.has(at); at = parentOf(at)) filled.add(at);
  }
  const empty = new Set([...folders].filter((folder) => !filled.has(folder)));
  const changes: TableRow[] = [];
  for (let index = 0; index < table.length; index += 1) {
    if (table.kind(index) !== rowKind.folder) continue;
    const path = table.pathBytes(index).toString('utf8');
    if (!empty.delete(path)) changes.push(removedRow(path));
  }
  changes.push(...[...empty].map(folderRow));
  return changes.length === 0 ? table : Table.changed(table, makeTable(changes));
}

/** Paths of which a run has removed everything; `''` for the backup as a whole. */
function* marks(fs: StoreFs, goneFolder: string): Generator<string, void, undefined> {
  if (fs.facts(goneFolder)?.kind === 'file') yield '';
  for (const { path, isEmptyFolder } of walkFolder(fs, goneFolder)) if (!isEmptyFolder) yield path;
}

/** All folders that the backup has after a run. */
async function foldersAfter(fs: StoreFs, before: Table, { newFolder, goneFolder }: RunFolders): Promise<Set<string>> {
  const isGone = (folder: string): boolean => {
    for (let at = folder; at !== ''; at = parentOf(at))
      if (fs.facts(`${goneFolder}/${at}`)?.kind === 'file') return true;
    return false;
  };
  const hasGone = fs.entries(goneFolder).length > 0;
  const isAllGone = fs.facts(goneFolder)?.kind === 'file';
  const folders = new Set(isAllGone ? [] : foldersOf(before).filter((folder) => !hasGone || !isGone(folder)));
  const pending = [''];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const { name, kind } of fs.entries(folder === '' ? newFolder : `${newFolder}/${folder}`)) {
      if (kind !== 'directory') continue;
      const path = folder === '' ? name : `${folder}/${name}`;
      folders.add(path);
      pending.push(path);
    }
  }
  return folders;
}

/** Paths of a table at and below `path`; `''` is all of it. */
function* pathsAt(table: Table, path: string): Generator<string, void, undefined> {
  if (path === '') {
    for (const row of table.rows()) yield row.path;
    return;
  }
  const own = table.find(path);
  if (own !== undefined) yield path;
  const prefix = Buffer.from(`${path}/`, 'utf8');
  for (let index = table.lowerBound(prefix); index < table.length; index += 1) {
    const bytes = table.pathBytes(index);
    if (bytes.compare(prefix, 0, prefix.length, 0, Math.min(prefix.length, bytes.length)) !== 0) return;
    yield bytes.toString('utf8');
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
