import type { AbortOptions } from '../../core/abort.js';
import type { ProgressReporter } from '../../core/progress.js';
import { Turns } from '../contents/turns.js';
import { hashState, type FileHashes, type FileToHash } from '../fs/hash-live.js';
import { isStamped } from '../fs/is-stamped.js';
import { encodeRow, hashBytes, rowKind, Table, type TableRow } from '../format/table.js';
import { folderRow, measureTable, removedRow } from '../format/table-changes.js';
import { TableWriter } from '../format/table-writer.js';
import { livePath, type Place } from '../store/place.js';
import type { StoreProgress } from '../types.js';
import { hashFiles } from './hash-files.js';
import { walkFolder } from './walk-live.js';

/** The newest backup as it lies on the disk. */
export interface LiveScan {
  /** What it holds. */
  readonly table: Table;
  /** What differs from what was known: rows that are there, and rows of the kind `removed`. */
  readonly changes: Table;
  /** Paths that may change again without a change of their time: look at them anew next time. */
  readonly doubtful: readonly string[];
}

/** What is known of the newest backup before it is looked at. */
export interface KnownLive {
  readonly table: Table;
  readonly doubtful: ReadonlySet<string>;
}

interface ScanOptions extends AbortOptions {
  readonly known: KnownLive;
  readonly progress: ProgressReporter<StoreProgress>;
}

/** Clocks of disks advance in steps of up to 10 ms, whatever the resolution of what they write. */
const clockSlackUs = 50_000;

/**
 * Looks at every file of the newest backup. Size and time are believed where `known` has them so; other files are read.
 */
export async function scanLive(place: Place, udid: string, options: ScanOptions): Promise<LiveScan> {
  const { known } = options;
  const scan = new Scan(place, livePath(place, udid), options);
  await scan.compare();
  const changes = await scan.readChanged();
  return { table: Table.changed(known.table, changes), changes, doubtful: scan.doubtful };
}

/** What is to be made of a path: its row is gone, or a folder is there, or what a file holds must be read. */
type Change = NameChange | FileChange;

interface NameChange {
  readonly kind: 'removed' | 'folder';
  readonly path: string;
}

interface FileChange {
  readonly kind: 'file';
  readonly path: string;
  readonly modifiedUs: number;
  /** Size in bytes. */
  readonly size: number;
  /** Its row in what is known; `undefined` for none. */
  readonly known: number | undefined;
}

/** Two passes: the first one looks at sizes and times, the second one reads. Neither keeps anything of files that have not changed. */
class Scan {
  readonly doubtful: string[] = [];
  readonly #place: Place;
  readonly #root: string;
  readonly #options: ScanOptions;
  readonly #changes: Change[] = [];
  readonly #done = { files: 0, bytes: 0 };
  /** What there is; until that is known, what there was, which only progress asks for. */
  #totals: { readonly files: number; readonly bytes: number } | undefined;

  constructor(place: Place, root: string, options: ScanOptions) {
    this.#place = place;
    this.#root = root;
    this.#options = options;
  }

  async compare(): Promise<void> {
    const { table } = this.#options.known;
    const seen = { files: 0, bytes: 0 };
    let row = 0;
    const pass = (until: number): void => {
      for (; row < until; row += 1)
        this.#changes.push({ path: table.pathBytes(row).toString('utf8'), kind: 'removed' });
    };
    const isAt = (index: number, path: Buffer): boolean => index < table.length && table.compare(index, path) === 0;
    const turns = new Turns(this.#options.signal);
    for (const { path, isEmptyFolder } of walkFolder(this.#place.fs, this.#root)) {
      if (turns.due) await turns.take();
      const pathBytes = Buffer.from(path, 'utf8');
      // Mostly it is the next one.
      let isKnown = isAt(row, pathBytes);
      if (!isKnown) {
        pass(table.lowerBound(pathBytes, row));
        isKnown = isAt(row, pathBytes);
      }
      if (isEmptyFolder) this.#compareFolder(path, isKnown ? row : undefined);
      else {
        const size = this.#compareFile(path, isKnown ? row : undefined);
        // Gone since the folder was listed.
        if (size === undefined) continue;
        seen.files += 1;
        seen.bytes += size;
        this.#report();
      }
      if (isKnown) row += 1;
    }
    pass(table.length);
    this.#totals = seen;
  }

  /** Reads what is new or has changed. */
  async readChanged(): Promise<Table> {
    const { signal } = this.#options;
    const files = this.#changes.filter((change) => change.kind === 'file');
    const onRead = ({ size }: FileToHash): void => {
      this.#count(size);
      this.#report();
    };
    const read = await hashFiles(this.#place, files, { root: this.#root, onRead, signal });
    const changes = new TableWriter();
    let file = 0;
    for (const change of this.#changes) {
      if (change.kind === 'file') {
        this.#addFile(change, { read, file, changes });
        file += 1;
      } else changes.add(change.kind === 'removed' ? removedRow(change.path) : folderRow(change.path));
    }
    this.#options.progress.flush();
    return changes.finish();
  }

  #addFile(
    { path, modifiedUs, known }: FileChange,
    { read, file, changes }: { read: FileHashes; file: number; changes: TableWriter },
  ): void {
    const { table } = this.#options.known;
    const state = read.states[file];
    if (state === hashState.absent) {
      // Gone since the folder was listed.
      if (known !== undefined) changes.add(removedRow(path));
      return;
    }
    // Changed while it was read: what its time says now is not what was read.
    if (state === hashState.changed) this.doubtful.push(path);
    const hash = read.hashes.subarray(file * hashBytes, (file + 1) * hashBytes);
    const row = encodeRow({ kind: rowKind.file, path, modifiedUs, hash, size: read.sizes[file] ?? 0 });
    if (known === undefined || !table.rowBytes(known).equals(row)) changes.addBytes(row);
  }

  #compareFolder(path: string, row: number | undefined): void {
    const isKnown = row !== undefined && this.#options.known.table.kind(row) === rowKind.folder;
    if (!isKnown) this.#changes.push({ path, kind: 'folder' });
  }

  /** Gives the size of the file in bytes; `undefined` where there is none. */
  #compareFile(path: string, row: number | undefined): number | undefined {
    const { fs, timeStepUs } = this.#place;
    const { table, doubtful } = this.#options.known;
    const full = `${this.#root}/${path}`;
    const known = row !== undefined && table.kind(row) === rowKind.file ? table.stamp(row) : undefined;
    const isSame = known !== undefined && timeStepUs <= 1 && isStamped(fs, full, known);
    const facts = isSame ? known : fs.facts(full);
    if (facts === undefined || ('kind' in facts && facts.kind !== 'file')) return undefined;
    const { size, modifiedUs } = facts;
    if (isFresh(modifiedUs, timeStepUs)) this.doubtful.push(path);
    const isBelieved =
      known?.size === size && sameTime(known.modifiedUs, modifiedUs, timeStepUs) && !doubtful.has(path);
    if (isBelieved) this.#count(size);
    else this.#changes.push({ kind: 'file', path, modifiedUs, size, known: row });
    return size;
  }

  #count(bytes: number): void {
    this.#done.files += 1;
    this.#done.bytes += bytes;
  }

  #report(): void {
    const { files, bytes } = this.#done;
    this.#options.progress.report('scan', () => {
      const totals = (this.#totals ??= measureTable(this.#options.known.table));
      return {
        type: 'scan',
        files,
        bytes,
        totalFiles: Math.max(files, totals.files),
        totalBytes: Math.max(bytes, totals.bytes),
      };
    });
  }
}

/** Whether a file was changed so lately that another change might get the same time. */
function isFresh(modifiedUs: number, timeStepUs: number): boolean {
  return modifiedUs > Date.now() * 1000 - clockSlackUs - 2 * timeStepUs;
}

/** Paths of files that may change again without a change of their time. */
export function freshPaths(rows: readonly TableRow[], timeStepUs: number): string[] {
  return rows.filter(({ modifiedUs }) => isFresh(modifiedUs, timeStepUs)).map(({ path }) => path);
}

/** Whether two times are one, on a disk that rounds them. */
export function sameTime(a: number, b: number, stepUs: number): boolean {
  return stepUs <= 1 ? a === b : Math.floor(a / stepUs) === Math.floor(b / stepUs);
}
