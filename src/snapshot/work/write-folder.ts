import { yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import type { ProgressReporter } from '../../core/progress.js';
import { TaskPool } from '../../core/task-pool.js';
import { openBlob } from '../blobs/open-blob.js';
import type { StoreFs } from '../fs/store-fs.js';
import { packKinds } from '../format/pack-format.js';
import { emptyView, rowKind, type RowView, type Table } from '../format/table.js';
import type { Packs } from '../store/pack-set.js';
import type { Site } from '../store/site.js';
import type { SharedRows, StoreHelper } from '../thread/store-helper.js';
import type { StoreProgress } from '../types.js';
import { FolderMaker } from './folder-maker.js';
import { PackedRows } from './packed-rows.js';
import { shareObject, type Sharing } from './share-object.js';
import { tryToPatch, writeContent } from './write-content.js';
import { writePacked, type PackedFile } from './write-packed.js';

/** How the files of a folder have come about. */
export interface WrittenFolder {
  /** Second names of objects. */
  linked: number;
  /** Files that share their blocks with objects. */
  cloned: number;
  /** Files that were copied, or made from differences. */
  copied: number;
  /** Bytes of those. */
  copiedBytes: number;
}

/** Options of {@link writeRows}. */
export interface WriteRowsOptions extends AbortOptions {
  /** Full path of the folder to write into. */
  readonly to: string;
  readonly table: Table;
  readonly share: Sharing;
  /**
   * Whether large files may be made without comparing their hash, as it is with links: for folders that nothing is stored from.
   */
  readonly trust?: boolean;
  /** A thread that helps, for files that are trusted; it is ended. */
  readonly helper?: StoreHelper | undefined;
  readonly progress: ProgressReporter<StoreProgress>;
}

/** After so many, a few milliseconds, what the thread pool has done for large files meanwhile is taken from it. */
const rowsPerTurn = 128;
/** Rows between this thread and the helper from which on that gets no more: it would be the last to be ready. */
const leastToShare = 512;
/** Rows that the helper gets at the beginning, at most: some 50 ms of work. */
const firstRows = 4096;
/** Contents in packs between the two from which on the helper gets no more; they take longer. */
const leastToUnpack = 128;
/** Contents in packs of one request to the helper. */
const unpackedAtOnce = 64;

/** Files from this size on, in bytes, are made beside the others where they have to be copied. */
const largeBytes = 1024 * 1024;
/** So many at a time: a disk gains nothing from more. */
const largeAtOnce = 2;

/** Writes files of a table into a folder, by links or clones of objects where that is asked for and possible. */
export async function writeRows(site: Site, fs: StoreFs, options: WriteRowsOptions): Promise<WrittenFolder> {
  const { large, ...totals } = survey(options.table);
  const writer = new FolderWriter(site, fs, { ...options, totals });
  const pool = new TaskPool(largeAtOnce);
  let beside: Promise<void> | undefined;
  try {
    // Large ones first: the system copies them while names are made for the small ones.
    const left = await writer.beginLarge(large);
    beside = (async () => {
      for (const index of left) await pool.add(async () => await writer.write(index));
    })();
    // Seen below, or after what comes before has failed.
    beside.catch(() => undefined);
    await writer.writeSmall();
    await writer.writePacked();
    await beside;
    await pool.finish();
    options.progress.flush();
  } finally {
    writer.stop();
    // What waits for it ends with it.
    await options.helper?.close();
    await beside?.catch(() => undefined);
    await pool.settle();
  }
  return writer.written;
}

/** What there is to do. */
interface Survey {
  readonly files: number;
  readonly bytes: number;
  /** Rows of the large ones, the largest first: otherwise it may be the last one, and nothing else left to do beside it. */
  readonly large: readonly number[];
}

function survey(table: Table): Survey {
  const large: number[] = [];
  let [files, bytes] = [0, 0];
  for (let index = 0; index < table.length; index += 1) {
    if (table.kind(index) !== rowKind.file) continue;
    const size = table.size(index);
    files += 1;
    bytes += size;
    if (size >= largeBytes) large.push(index);
  }
  large.sort((a, b) => table.size(b) - table.size(a));
  return { files, bytes, large };
}

type WriterOptions = WriteRowsOptions & {
  readonly totals: Pick<Survey, 'files' | 'bytes'>;
};

class FolderWriter {
  readonly written: WrittenFolder = { linked: 0, cloned: 0, copied: 0, copiedBytes: 0 };
  readonly #site: Site;
  readonly #fs: StoreFs;
  readonly #options: WriterOptions;
  readonly #folders: FolderMaker;
  /** Known from the first file on that needs them. */
  #packs: Packs | undefined;
  /** Files that lie whole in packs, not yet made. */
  #packed: PackedRows | undefined;
  /** The row that is looked at. */
  readonly #row = emptyView();
  /** Rows that the helper has, and the first of those. */
  readonly #shared: SharedRows[] = [];
  #end: number;
  #files = 0;
  #bytes = 0;
  #isStopped = false;

  constructor(site: Site, fs: StoreFs, options: WriterOptions) {
    this.#site = site;
    this.#fs = fs;
    this.#options = options;
    this.#end = options.table.length;
    this.#folders = new FolderMaker(fs);
    this.#folders.make(options.to);
    // While packs are read, it has nothing to wait for.
    this.#giveRows(Math.min(firstRows, Math.floor(this.#end / 8)));
  }

  /** Makes large files that need no copy, and notes those that lie in packs: the rows that are left, in the same order. */
  async beginLarge(rows: readonly number[]): Promise<number[]> {
    const copied = rows.filter((index) => !this.#share(this.#look(index)));
    if (copied.length > 0) await this.#knowPacks();
    return copied.filter((index) => !this.#gather(index));
  }

  /** Writes folders, and all files that are neither large nor in packs. A helper takes rows from the end while this thread comes from the front. */
  async writeSmall(): Promise<void> {
    const { signal } = this.#options;
    for (let index = 0; index < this.#end; index += 1) {
      while (this.#end - index > leastToShare && this.#giveRows()) continue;
      // Without a promise for each of a hundred thousand.
      if (!this.#writeAtOnce(index)) await this.write(index);
      if (index % rowsPerTurn === 0) await yieldToEventLoop(signal);
    }
    for (const rows of this.#shared) await this.#complete(rows);
  }

  /** Gives the last of the rows that are left to the helper: whether that has room. */
  #giveRows(rows?: number): boolean {
    const { to, table, share, helper } = this.#options;
    if (helper?.hasRoom !== true || share === 'none') return false;
    const taken = helper.share(table, this.#end, { to, share, below: largeBytes, rows });
    this.#end = taken.from;
    this.#shared.push(taken);
    return true;
  }

  /** Makes what the helper has not, of rows that it had. */
  async #complete({ from, to, left }: SharedRows): Promise<void> {
    const { table, signal } = this.#options;
    const notMade = await left;
    signal?.throwIfAborted();
    for (let index = from; index < to; index += 1) {
      const isSmallFile = table.kind(index) === rowKind.file && table.size(index) < largeBytes;
      if (isSmallFile && notMade?.has(index) === false) {
        this.#countShared(table.size(index));
        continue;
      }
      // It may lie there, or a part of it.
      if (isSmallFile && notMade === undefined) this.#fs.unlink(this.#pathOf(index));
      if (!this.#writeAtOnce(index)) await this.write(index);
    }
  }

  /** Makes the files that lie in packs. The helper takes them from the end too. */
  async writePacked(): Promise<void> {
    const { helper, signal } = this.#options;
    const packed = this.#packed;
    if (packed === undefined) return;
    packed.sort();
    const unpacking: UnpackedRows[] = [];
    let end = packed.length;
    const ours = function* (): Generator<PackedFile, void, undefined> {
      for (let at = 0; at < end; at += 1) {
        if (helper !== undefined) end = givePacked(helper, packed, { from: at, end, unpacking });
        yield packed.file(at);
      }
    };
    await this.#unpack(ours());
    for (const { from, to, left } of unpacking) {
      const numbers = await left;
      signal?.throwIfAborted();
      const again = new Set(numbers ?? Array.from({ length: to - from }, (_, number) => number));
      for (let at = from; at < to; at += 1) {
        // What was begun may lie there in part.
        if (again.has(at - from)) this.#fs.unlink(this.#pathOf(packed.index(at)));
        else this.#countCopy(packed.index(at));
      }
      await this.#unpack([...again].map((number) => packed.file(from + number)));
    }
  }

  /** Makes a file in whatever way takes time, or notes that it lies in a pack. */
  async write(index: number): Promise<void> {
    if (this.#isStopped) return;
    const { trust, helper, table, signal } = this.#options;
    await this.#knowPacks();
    if (this.#gather(index)) return;
    const file = { row: table.row(index), full: this.#pathOf(index) };
    if (trust !== true || !(await tryToPatch(this.#site, this.#fs, { ...file, helper, signal }))) {
      // The helper was closed, because something else has failed.
      if (this.#isStopped) return;
      await writeContent(this.#site, this.#fs, { ...file, signal });
    }
    this.#countCopy(index);
  }

  /** Begins no other file. */
  stop(): void {
    this.#isStopped = true;
  }

  #pathOf(index: number): string {
    return `${this.#options.to}/${this.#options.table.path(index)}`;
  }

  /** Makes what is small and needs no waiting: whether that is all there is to do for it. */
  #writeAtOnce(index: number): boolean {
    const row = this.#look(index);
    if (row.kind === rowKind.folder) this.#folders.make(`${this.#options.to}/${row.path}`);
    return row.kind !== rowKind.file || row.size >= largeBytes || this.#share(row) || this.#gather(index);
  }

  #share(row: RowView): boolean {
    const { to, share } = this.#options;
    const full = `${to}/${row.path}`;
    this.#folders.makeAbove(full);
    const place = this.#site.local?.place;
    if (place === undefined || !shareObject(place, { row, full, share })) return false;
    this.#countShared(row.size);
    return true;
  }

  /** A row, until the next one is looked at. */
  #look(index: number): RowView {
    this.#options.table.look(index, this.#row);
    return this.#row;
  }

  async #knowPacks(): Promise<void> {
    this.#packs ??= await this.#site.packs.all({ signal: this.#options.signal });
  }

  /** Notes a file for later whose content lies whole in a pack; `false` also while packs are not known. */
  #gather(index: number): boolean {
    const { table, to } = this.#options;
    const hash = table.hash(index);
    const position = hash && this.#packs?.index.get(hash);
    if (position === undefined || this.#packs === undefined) return false;
    const { entries } = this.#packs;
    if (entries.place(position).kind !== packKinds.content || entries.size(position) !== table.size(index))
      return false;
    this.#packed ??= new PackedRows(table, { entries, to });
    this.#packed.add(index, position);
    return true;
  }

  async #unpack(files: Iterable<PackedFile>): Promise<void> {
    const { signal } = this.#options;
    const count = ({ row }: PackedFile): void => {
      this.#countFile(row.size, true);
    };
    await writePacked(this.#fs, {
      files,
      open: async (pack) => await openBlob(this.#site.blobs, pack, { signal }),
      made: count,
      instead: async (file) => {
        await writeContent(this.#site, this.#fs, { ...file, signal });
        count(file);
      },
      signal,
    });
  }

  #countShared(size: number): void {
    if (this.#site.local?.place.placement === 'link') this.written.linked += 1;
    else this.written.cloned += 1;
    this.#countFile(size, false);
  }

  #countCopy(index: number): void {
    this.#countFile(this.#options.table.size(index), true);
  }

  #countFile(size: number, isCopy: boolean): void {
    const { progress, totals } = this.#options;
    if (isCopy) {
      this.written.copied += 1;
      this.written.copiedBytes += size;
    }
    this.#files += 1;
    this.#bytes += size;
    progress.report('write', () => ({
      type: 'write',
      files: this.#files,
      bytes: this.#bytes,
      totalFiles: totals.files,
      totalBytes: totals.bytes,
    }));
  }
}

/** Files from `from` to before `to` that the helper makes of packs. */
interface UnpackedRows {
  readonly from: number;
  readonly to: number;
  readonly left: Promise<readonly number[] | undefined>;
}

/** Gives files before `end` to the helper while it has room: where those that are left end. */
function givePacked(
  helper: StoreHelper,
  packed: PackedRows,
  { from, end, unpacking }: { from: number; end: number; unpacking: UnpackedRows[] },
): number {
  let left = end;
  while (helper.hasRoom && left - from > leastToUnpack) {
    const to = left;
    left -= unpackedAtOnce;
    unpacking.push({ from: left, to, left: helper.unpack(packed.detach(left, to)) });
  }
  return left;
}
