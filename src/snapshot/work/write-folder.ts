import { createHash } from 'node:crypto';
import { yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import { hexEncode } from '../../core/bytes.js';
import { errnoOf } from '../../core/errno.js';
import { SnapshotError } from '../../core/errors.js';
import type { ProgressReporter } from '../../core/progress.js';
import { TaskPool } from '../../core/task-pool.js';
import { openBlob } from '../blobs/open-blob.js';
import type { StoreFs } from '../fs/store-fs.js';
import { rowKind, Table, type TableRow } from '../format/table.js';
import { keys } from '../store/keys.js';
import type { Site } from '../store/site.js';
import { startStoreHelper, type SharedRows, type StoreHelper } from '../thread/store-helper.js';
import type { StoreProgress } from '../types.js';
import { FolderMaker } from './folder-maker.js';
import { patchFile } from './patch-file.js';
import { shareObject, type Sharing } from './share-object.js';
import { byPlace, findPacked, writePacked, type PackedFile } from './write-packed.js';

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
  /** Gone through twice. */
  readonly rows: Iterable<TableRow>;
  readonly share: Sharing;
  /**
   * Whether large files may be made without comparing their hash, as it is with links: for folders that nothing is stored from.
   */
  readonly trust?: boolean;
  readonly progress: ProgressReporter<StoreProgress>;
}

/** After so many, a few milliseconds, what the thread pool has done for large files meanwhile is taken from it. */
const filesPerTurn = 128;
/** Rows between this thread and the helper from which on that gets no more: it would be the last to be ready. */
const leastToShare = 512;

/** Files from this size on, in bytes, are made beside the others where they have to be copied. */
const largeBytes = 1024 * 1024;
/** So many at a time: a disk gains nothing from more. */
const largeAtOnce = 2;
/** Files that are gathered to be made of packs, in the order of those. */
const packedAtOnce = 512;

/** Small files, or bytes of large ones, from which on a second thread is worth its start. */
const [filesForHelper, bytesForHelper] = [2000, 64 * 1024 * 1024];

/** Writes files of a table into a folder, by links or clones of objects where that is asked for and possible. */
export async function writeRows(site: Site, fs: StoreFs, options: WriteRowsOptions): Promise<WrittenFolder> {
  const { large, ...totals } = survey(options.rows);
  const isWorthIt =
    totals.files - large.length >= filesForHelper || large.reduce((sum, { size }) => sum + size, 0) >= bytesForHelper;
  const helper = options.trust === true && isWorthIt ? startStoreHelper(site.local?.place, fs) : undefined;
  const writer = new FolderWriter(site, fs, { ...options, totals, helper });
  const pool = new TaskPool(largeAtOnce);
  // Large ones first: the system copies them while names are made for the small ones.
  const beside = (async () => {
    for (const row of large) await pool.add(async () => await writer.write(row));
  })();
  // Seen below, or after what comes before has failed.
  beside.catch(() => undefined);
  try {
    await writer.writeSmall(options.rows);
    await writer.finishPacked();
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

const isLarge = ({ kind, size }: TableRow): boolean => kind === rowKind.file && size >= largeBytes;

/** What there is to do. */
interface Survey {
  readonly files: number;
  readonly bytes: number;
  /** The large ones, the largest first: otherwise it may be the last one, and nothing else left to do beside it. */
  readonly large: readonly TableRow[];
}

function survey(rows: Iterable<TableRow>): Survey {
  const large: TableRow[] = [];
  let [files, bytes] = [0, 0];
  for (const row of rows) {
    if (row.kind !== rowKind.file) continue;
    files += 1;
    bytes += row.size;
    if (isLarge(row)) large.push(row);
  }
  large.sort((a, b) => b.size - a.size);
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
  /** Small ones that lie in packs, not yet made. */
  #packed: PackedFile[] = [];
  /** Those that the helper makes. */
  readonly #unpacking: { files: readonly PackedFile[]; left: Promise<readonly PackedFile[]> }[] = [];
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

  /** Writes all files that are not large, and folders. A helper takes rows from the end while this thread comes from the front. */
  async writeSmall(rows: Iterable<TableRow>): Promise<void> {
    const { to, share, helper } = this.#options;
    if (helper === undefined || share === 'none' || !(rows instanceof Table)) {
      for (const row of rows) if (!isLarge(row)) await this.write(row);
      return;
    }
    const isSmall = (index: number): boolean => rows.size(index) < largeBytes;
    const shared: SharedRows[] = [];
    let end = rows.length;
    for (let index = 0; index < end; index += 1) {
      while (helper.hasRoom && end - index > leastToShare) {
        const batch = helper.share(rows, end, { to, share, isSmall });
        end = batch.from;
        shared.push(batch);
      }
      const row = rows.row(index);
      if (!isLarge(row)) await this.write(row);
    }
    for (const { result } of shared) {
      const { made, left, unknown } = await result;
      for (const index of made) this.#countShared(rows.size(index));
      for (const index of unknown) this.#fs.unlink(`${to}/${rows.row(index).path}`);
      for (const row of [...left, ...unknown].map((index) => rows.row(index))) if (!isLarge(row)) await this.write(row);
    }
  }

  /** Makes a file or folder; a small file that lies in a pack later, with others. */
  async write(row: TableRow): Promise<void> {
    if (this.#isStopped) return;
    const { to, signal } = this.#options;
    const full = `${to}/${row.path}`;
    if (row.kind === rowKind.folder) this.#folders.make(full);
    if (row.kind !== rowKind.file) return;
    this.#folders.makeAbove(full);
    const place = this.#site.local?.place;
    if (place !== undefined && shareObject(place, { row, full, share: this.#options.share }))
      this.#countShared(row.size);
    else await this.#make(row, full);
    if (this.#files % filesPerTurn === 0) await yieldToEventLoop(signal);
  }

  /** Makes the files that are left to be made of packs. */
  async finishPacked(): Promise<void> {
    await this.#makePacked(this.#options.helper);
    for (const { files, left } of this.#unpacking.splice(0)) {
      const again = new Set(await left);
      for (const file of files) {
        if (!again.has(file)) this.#countPacked(file.row);
        // What was begun may lie there in part.
        else this.#fs.unlink(file.full);
      }
      this.#packed.push(...again);
    }
    await this.#makePacked();
  }

  /** Makes gathered files of packs, half of them in a helper that has room. */
  async #makePacked(helper?: StoreHelper): Promise<void> {
    const { signal } = this.#options;
    const files = this.#packed.sort(byPlace);
    this.#packed = [];
    if (helper?.hasRoom === true && files.length > 1) {
      const theirs = files.splice(files.length / 2);
      this.#unpacking.push({ files: theirs, left: helper.unpack(theirs) });
    }
    await writePacked(this.#fs, {
      files,
      open: async (pack) => await openBlob(this.#site.blobs, pack, { signal }),
      made: ({ row }) => {
        this.#countPacked(row);
      },
      instead: async ({ row, full }) => {
        await writeContent(this.#site, this.#fs, { row, full, signal });
        this.#countPacked(row);
      },
      signal,
    });
  }

  #countPacked(row: TableRow): void {
    this.#countCopy(row);
    this.#count(row);
  }

  /** Begins no other file. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Makes a file that shares nothing with objects. */
  async #make(row: TableRow, full: string): Promise<void> {
    const { trust, helper, signal } = this.#options;
    const packed = isLarge(row) ? undefined : await findPacked(this.#site, row, { signal });
    if (packed !== undefined) {
      this.#packed.push({ row, full, packed });
      if (this.#packed.length >= packedAtOnce) await this.#makePacked(helper);
      return;
    }
    if (trust !== true || !(await tryToPatch(this.#site, this.#fs, { row, full, helper, signal }))) {
      // The helper was closed, because something else has failed.
      if (this.#isStopped) return;
      await writeContent(this.#site, this.#fs, { row, full, signal });
    }
    this.#countPacked(row);
  }

  #countShared(size: number): void {
    if (this.#site.local?.place.placement === 'link') this.written.linked += 1;
    else this.written.cloned += 1;
    this.#count({ size });
  }

  #countCopy({ size }: TableRow): void {
    this.written.copied += 1;
    this.written.copiedBytes += size;
  }

  #count({ size }: Pick<TableRow, 'size'>): void {
    const { progress, totals } = this.#options;
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

interface OneFile {
  readonly row: TableRow;
  readonly full: string;
}

/** {@link patchFile}, which leaves nothing behind where another program has moved something meanwhile. */
async function tryToPatch(
  site: Site,
  fs: StoreFs,
  file: OneFile & AbortOptions & { helper: StoreHelper | undefined },
): Promise<boolean> {
  try {
    return await patchFile(site, fs, file);
  } catch (error) {
    fs.unlink(file.full);
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Writes a file anew, wherever its content lies, and checks its hash on the way. */
async function writeContent(site: Site, fs: StoreFs, { row, full, signal }: OneFile & AbortOptions): Promise<void> {
  const source = await site.contents.open(row, { signal });
  try {
    const writer = fs.create(full);
    const hash = createHash('sha256');
    try {
      for await (const chunk of source.stream(undefined, { signal })) {
        hash.update(chunk);
        writer.write(chunk);
      }
    } finally {
      writer.close();
    }
    if (!hash.digest().equals(row.hash))
      throw new SnapshotError('SNAPSHOT_CORRUPT', `The content of ${row.path} is damaged`, {
        part: keys.object(hexEncode(row.hash)),
      });
    fs.setTime(full, row.modifiedUs);
  } catch (error) {
    fs.unlink(full);
    throw error;
  } finally {
    await source.close();
  }
}
