import { yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import type { ProgressReporter } from '../../core/progress.js';
import { TaskPool } from '../../core/task-pool.js';
import { openBlob } from '../blobs/open-blob.js';
import type { StoreFs } from '../fs/store-fs.js';
import { packKinds } from '../format/pack-format.js';
import { rowKind, type Table } from '../format/table.js';
import type { Packs } from '../store/pack-set.js';
import type { Site } from '../store/site.js';
import { startStoreHelper, type SharedRows, type StoreHelper } from '../thread/store-helper.js';
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
  readonly progress: ProgressReporter<StoreProgress>;
}

/** After so many, a few milliseconds, what the thread pool has done for large files meanwhile is taken from it. */
const rowsPerTurn = 128;
/** Rows between this thread and the helper from which on that gets no more: it would be the last to be ready. */
const leastToShare = 512;
/** The same for contents in packs, which take longer. */
const leastToUnpack = 128;
/** Contents in packs of one request to the helper. */
const unpackedAtOnce = 64;

/** Files from this size on, in bytes, are made beside the others where they have to be copied. */
const largeBytes = 1024 * 1024;
/** So many at a time: a disk gains nothing from more. */
const largeAtOnce = 2;

/** Small files, or bytes of large ones, from which on a second thread is worth its start. */
const [filesForHelper, bytesForHelper] = [2000, 64 * 1024 * 1024];

/** Writes files of a table into a folder, by links or clones of objects where that is asked for and possible. */
export async function writeRows(site: Site, fs: StoreFs, options: WriteRowsOptions): Promise<WrittenFolder> {
  const { table } = options;
  const { large, ...totals } = survey(table);
  const isWorthIt =
    totals.files - large.length >= filesForHelper ||
    large.reduce((sum, index) => sum + table.size(index), 0) >= bytesForHelper;
  const helper = options.trust === true && isWorthIt ? startStoreHelper(site.local?.place, fs) : undefined;
  const writer = new FolderWriter(site, fs, { ...options, totals, helper });
  const pool = new TaskPool(largeAtOnce);
  // Large ones first: the system copies them while names are made for the small ones.
  const beside = (async () => {
    for (const index of large) await pool.add(async () => await writer.write(index));
  })();
  // Seen below, or after what comes before has failed.
  beside.catch(() => undefined);
  try {
    await writer.writeSmall();
    await writer.writePacked();
    await beside;
    await pool.finish();
    options.progress.flush();
  } finally {
    writer.stop();
    // What waits for it ends with it.
    await helper?.close();
    await beside.catch(() => undefined);
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
  readonly helper: StoreHelper | undefined;
};

class FolderWriter {
  readonly written: WrittenFolder = { linked: 0, cloned: 0, copied: 0, copiedBytes: 0 };
  readonly #site: Site;
  readonly #fs: StoreFs;
  readonly #options: WriterOptions;
  readonly #folders: FolderMaker;
  /** Known from the first file on that needs them. */
  #packs: Packs | undefined;
  /** Small files that lie in packs, not yet made. */
  #packed: PackedRows | undefined;
  #files = 0;
  #bytes = 0;
  #isStopped = false;

  constructor(site: Site, fs: StoreFs, options: WriterOptions) {
    this.#site = site;
    this.#fs = fs;
    this.#options = options;
    this.#folders = new FolderMaker(fs);
    this.#folders.make(options.to);
  }

  /** Writes folders, and all files that are neither large nor in packs. A helper takes rows from the end while this thread comes from the front. */
  async writeSmall(): Promise<void> {
    const { table, signal } = this.#options;
    const shared: SharedRows[] = [];
    let end = table.length;
    for (let index = 0; index < end; index += 1) {
      end = this.#giveRows(index, end, shared);
      // Without a promise for each of a hundred thousand.
      if (table.size(index) < largeBytes && !this.#writeAtOnce(index)) await this.write(index);
      if (index % rowsPerTurn === 0) await yieldToEventLoop(signal);
    }
    for (const { result } of shared) {
      const { made, left, unknown } = await result;
      signal?.throwIfAborted();
      for (const index of made) this.#countShared(index);
      for (const index of unknown) this.#fs.unlink(this.#pathOf(index));
      for (const index of [...left, ...unknown])
        if (table.size(index) < largeBytes && !this.#writeAtOnce(index)) await this.write(index);
    }
  }

  /** Gives rows before `end` to the helper while it has room: where those that are left end. */
  #giveRows(from: number, end: number, shared: SharedRows[]): number {
    const { to, table, share, helper } = this.#options;
    if (helper === undefined || share === 'none') return end;
    let left = end;
    while (helper.hasRoom && left - from > leastToShare) {
      const batch = helper.share(table, left, { to, share, isSmall: (row) => table.size(row) < largeBytes });
      left = batch.from;
      shared.push(batch);
    }
    return left;
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
    const isLarge = table.size(index) >= largeBytes;
    if (!isLarge) {
      this.#packs ??= await this.#site.packs.all({ signal });
      if (this.#gather(index)) return;
    } else if (this.#share(index)) return;
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
    const kind = this.#options.table.kind(index);
    if (kind === rowKind.folder) this.#folders.make(this.#pathOf(index));
    return kind !== rowKind.file || this.#share(index) || this.#gather(index);
  }

  #share(index: number): boolean {
    const { table, share } = this.#options;
    const full = this.#pathOf(index);
    this.#folders.makeAbove(full);
    const place = this.#site.local?.place;
    if (place === undefined || !shareObject(place, { table, index, full, share })) return false;
    this.#countShared(index);
    return true;
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

  #countShared(index: number): void {
    if (this.#site.local?.place.placement === 'link') this.written.linked += 1;
    else this.written.cloned += 1;
    this.#countFile(this.#options.table.size(index), false);
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
