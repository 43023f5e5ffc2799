import { yieldToEventLoop } from '../../core/abort.js';
import type { ProgressReporter } from '../../core/progress.js';
import { SnapshotError } from '../../core/errors.js';
import { barrier } from '../fs/durable.js';
import { isStamped } from '../fs/is-stamped.js';
import { rowKind, type TableRow } from '../format/table.js';
import type { Place } from '../store/place.js';
import type { StoreProgress } from '../types.js';
import { sameTime } from './scan-live.js';
import { ObjectMaker } from './make-object.js';

const filesPerTurn = 128;

/** Files that are to become part of history. */
export interface IngestOptions {
  /** Full path of the folder in which they lie, by their paths in the backup. */
  readonly folder: string;
  /** Rows of any kind; only files count. */
  readonly files: Iterable<TableRow> & { readonly length: number };
  /**
   * Whether a file whose content is an object already gives way to that object, so that the content lies on the disk once. Its
   * time then is that of the object; so only for files that nobody has seen yet.
   */
  readonly adopt: boolean;
  /** Whether the files do not become part of a newest backup, so that in `move` placement too each content needs an object. */
  readonly apart?: boolean;
  readonly progress: ProgressReporter<StoreProgress>;
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes objects of files and brings them to the disk.
 *
 * @returns the rows of files that have another time now
 */
export async function ingest(place: Place, options: IngestOptions): Promise<TableRow[]> {
  const { folder, files, progress, signal } = options;
  const objects = new ObjectMaker(place);
  const retimed: TableRow[] = [];
  let index = 0;
  const report = (): void => {
    progress.report('store', () => ({ type: 'store', files: index, totalFiles: files.length }));
  };
  for (const row of files) {
    if (index % filesPerTurn === 0) await yieldToEventLoop(signal);
    report();
    index += 1;
    if (row.size === 0) continue;
    const full = `${folder}/${row.path}`;
    requireUnchanged(place, full, row);
    // Mostly that is all there is to do: nothing is there yet.
    if (objects.addByLink(full, row.hash)) continue;
    const there = place.fs.facts(objects.pathOf(row.hash));
    if (there?.size !== row.size)
      await objects.add(full, row.hash, { damaged: there !== undefined, apart: options.apart });
    else if (place.fs.facts(full)?.inode === there.inode) continue;
    else if (!options.adopt) await objects.preferFile(full, row.hash, there);
    else if (await objects.preferObject(full, row)) retimed.push({ ...row, modifiedUs: there.modifiedUs });
  }
  if (index > 0) report();
  progress.flush();
  await barrier(place.fs, place.location, changedPaths(folder, files, objects));
  return retimed;
}

/** What is to be brought to the disk. The files too: they are or become the newest backup. */
function* changedPaths(
  folder: string,
  files: Iterable<TableRow>,
  objects: ObjectMaker,
): Generator<string, void, undefined> {
  for (const { kind, path } of files) if (kind === rowKind.file) yield `${folder}/${path}`;
  yield* objects.made;
  yield* objects.touched;
}

/** Another tool may have replaced the file since its content was hashed: then it must not get the name of that. */
function requireUnchanged(place: Place, full: string, row: TableRow): void {
  if (isStamped(place.fs, full, row)) return;
  const facts = place.fs.facts(full);
  if (facts?.size === row.size && sameTime(facts.modifiedUs, row.modifiedUs, place.timeStepUs)) return;
  throw new SnapshotError(
    'SNAPSHOT_INCOMPLETE',
    `${full} was changed while it was stored; let the other program end and try again`,
  );
}
