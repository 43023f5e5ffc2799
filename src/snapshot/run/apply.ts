import { yieldToEventLoop } from '../../core/abort.js';
import { errnoOf } from '../../core/errno.js';
import { FileHasher } from '../fs/hash-file.js';
import { rowKind, type Table, type TableRow } from '../format/table.js';
import { sideBySide } from '../format/table-changes.js';
import type { WorkLeases } from '../store/work-leases.js';
import { livePath, type Place } from '../store/place.js';
import { ObjectMaker } from './make-object.js';
import { sameTime } from './scan-live.js';

const rowsPerTurn = 256;
/** A process that has slept must not go on with what another one has completed. */
const rowsPerCheck = 16;

/** A change from what the newest backup holds to what it is to hold. */
export interface LiveChange {
  readonly udid: string;
  readonly before: Table;
  readonly after: Table;
  /** Full path of the folder with the files that are new, by their paths in the backup. */
  readonly newFolder: string;
  /** Whether a content may lie in the newest backup alone, so that it must not be removed. */
  readonly holds: boolean;
  /** Throws where the work was taken over by another program. */
  readonly lease: Pick<WorkLeases, 'check'>;
}

/**
 * Makes the newest backup what `after` says, by renames. May be repeated where it was interrupted; the steps are such that
 * each can be done twice.
 *
 * @returns folders in which names have changed
 */
export async function applyToLive(place: Place, change: LiveChange): Promise<Set<string>> {
  const { fs } = place;
  const { udid, before, after, newFolder } = change;
  change.lease.check();
  const root = livePath(place, udid);
  if (fs.facts(root) === undefined && fs.facts(newFolder) !== undefined) {
    // The first backup appears at once.
    fs.rename(newFolder, root);
    for (const row of after.rows()) if (row.kind === rowKind.folder) fs.makeFolder(`${root}/${row.path}`);
    return new Set([root, ...foldersOf(after).map((folder) => livePath(place, udid, folder))]);
  }
  const live = new LiveFolder(place, change);
  fs.makeFolder(root);
  let handled = 0;
  const turn = async (): Promise<void> => {
    handled += 1;
    if (handled % rowsPerCheck === 0) change.lease.check();
    if (handled % rowsPerTurn === 0) await yieldToEventLoop();
  };
  for (const [left, right] of sideBySide(before, after)) {
    if (left === undefined || before.kind(left) !== rowKind.file) continue;
    if (right !== undefined && after.kind(right) === rowKind.file) continue;
    await live.takeAway(before.row(left));
    await turn();
  }
  live.removeEmptied();
  for (const [left, right] of sideBySide(before, after)) {
    if (right === undefined) continue;
    if (left !== undefined && before.rowBytes(left).equals(after.rowBytes(right))) continue;
    const row = after.row(right);
    if (row.kind === rowKind.folder) live.makeFolder(row.path);
    else await live.put(row.path, left === undefined ? undefined : before.row(left));
    await turn();
  }
  return live.touched;
}

/** Folders of a table, those above files and empty ones, without the top. */
export function foldersOf(table: Table): string[] {
  const folders = new Set<string>();
  let last = '';
  for (let index = 0; index < table.length; index += 1) {
    const path = table.pathBytes(index).toString('utf8');
    const end = table.kind(index) === rowKind.folder ? path.length : Math.max(0, path.lastIndexOf('/'));
    const folder = path.slice(0, end);
    if (folder === last) continue;
    last = folder;
    for (let at = folder; at !== '' && !folders.has(at); at = at.slice(0, Math.max(0, at.lastIndexOf('/'))))
      folders.add(at);
  }
  return [...folders];
}

class LiveFolder {
  readonly touched = new Set<string>();
  readonly #place: Place;
  readonly #change: LiveChange;
  readonly #objects: ObjectMaker;
  readonly #hasher: FileHasher;
  readonly #made = new Set<string>();

  constructor(place: Place, change: LiveChange) {
    this.#place = place;
    this.#change = change;
    this.#objects = new ObjectMaker(place);
    this.#hasher = new FileHasher(place.fs, undefined);
  }

  /** Removes a file; where it is the only one with its content, it becomes an object. */
  async takeAway(row: TableRow): Promise<void> {
    const full = this.#full(row.path);
    const facts = this.#place.fs.facts(full);
    if (facts?.kind !== 'file') return;
    this.#touch(full);
    if (!this.#change.holds || facts.size === 0) {
      this.#place.fs.unlink(full);
      return;
    }
    const isKnown = facts.size === row.size && sameTime(facts.modifiedUs, row.modifiedUs, this.#place.timeStepUs);
    const hash = isKnown ? row.hash : (await this.#hasher.hash(full))?.hash;
    if (hash !== undefined) this.#objects.displace(full, hash);
    for (const folder of this.#objects.touched) this.touched.add(folder);
  }

  /** Moves a new file to its place, once it is there to be moved. */
  async put(path: string, before: TableRow | undefined): Promise<void> {
    const { fs } = this.#place;
    const from = `${this.#change.newFolder}/${path}`;
    if (fs.facts(from) === undefined) return;
    const to = this.#full(path);
    if (before !== undefined) await this.takeAway(before);
    const slash = path.lastIndexOf('/');
    if (slash > 0) this.makeFolder(path.slice(0, slash));
    fs.rename(from, to);
    // Two names of one file: a rename does nothing then.
    fs.unlink(from);
    this.#touch(to);
  }

  makeFolder(path: string): void {
    if (this.#made.has(path)) return;
    this.#place.fs.makeFolder(this.#full(path));
    this.#made.add(path);
    this.#touch(this.#full(path));
  }

  /** Removes folders that the new backup does not have, as far as they are empty. */
  removeEmptied(): void {
    const wanted = new Set(foldersOf(this.#change.after));
    const gone = foldersOf(this.#change.before).filter((folder) => !wanted.has(folder));
    for (const folder of gone.sort((a, b) => b.length - a.length)) {
      try {
        this.#place.fs.removeFolder(this.#full(folder));
        this.#touch(this.#full(folder));
      } catch (error) {
        if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
      }
    }
  }

  #full(path: string): string {
    return livePath(this.#place, this.#change.udid, path);
  }

  #touch(full: string): void {
    this.touched.add(full.slice(0, full.lastIndexOf('/')));
  }
}
