import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { AbortOptions } from '../../core/abort.js';
import type { BackupTree, TreeEntry } from '../../core/backup-tree.js';
import { memorySource, type ByteSource } from '../../core/byte-source.js';
import { concatBytes } from '../../core/bytes.js';
import { FormatError, IoError } from '../../core/errors.js';
import { progressReporter, type ProgressReporter } from '../../core/progress.js';
import type { Closeable } from '../../core/resource.js';
import { checkTreePath } from '../../core/safe-path.js';
import { archiveInvalid, type ArchiveReader, type ReadEntry } from '../../archive/read-entry.js';
import { barrier } from '../fs/durable.js';
import { nodeFs } from '../fs/node-fs.js';
import type { FileWriter } from '../fs/store-fs.js';
import { makeTable, rowKind, type Table, type TableRow } from '../format/table.js';
import { storePath } from '../store/place.js';
import type { Site } from '../store/site.js';
import { StoredVersion } from '../store/version.js';
import { requireWritable } from '../store/work-leases.js';
import type { StoreProgress, VersionInfo } from '../types.js';
import type { ArchiveFormat } from './archive-export.js';
import type { ImportOptions } from './import-tree.js';
import { putContent, type StoredContent } from './put-content.js';

/** Options of importing an archive. */
export interface ImportArchiveOptions extends ImportOptions {
  /** Its format; found out by default. */
  format?: ArchiveFormat | undefined;
}

/** Contents from here on are not held in memory for a store without a folder. */
const spoolBytes = 8 * 1024 * 1024;
/** What stays free on the disk. */
const marginBytes = 64 * 1024 * 1024;
/** Entries that are believed. */
const entryLimit = 10_000_000;
const headBytes = 512;

/** An archive whose contents are in the store, but not yet a version. */
export interface TakenArchive {
  /** The backup in it. */
  readonly tree: BackupTree;
  readonly table: Table;
}

/**
 * Takes the contents of an archive into the store. Nobody may purge until the version is made; without one the next purge removes
 * them.
 */
export async function takeArchive(
  site: Site,
  from: string | AsyncIterable<Uint8Array>,
  options: ImportArchiveOptions,
): Promise<TakenArchive> {
  requireWritable(site);
  const { signal } = options;
  const scratch = new Scratch(site);
  try {
    const reader = await openArchive(scratch, from, options);
    try {
      const progress = progressReporter(options.onProgress);
      const table = await takeEntries(site, reader, { scratch, progress, signal });
      return { table, tree: treeOf(site, table) };
    } finally {
      await reader.close();
    }
  } finally {
    await scratch.close();
  }
}

async function takeEntries(
  site: Site,
  reader: ArchiveReader,
  { scratch, progress, signal }: AbortOptions & { scratch: Scratch; progress: ProgressReporter<StoreProgress> },
): Promise<Table> {
  requireSpace(site, reader.totalBytes ?? 0);
  const files: TableRow[] = [];
  const folders = new Set<string>();
  const seen = new Set<string>();
  const made: string[] = [];
  for await (const entry of reader.entries()) {
    signal?.throwIfAborted();
    const { path, kind, size, modifiedUs } = entry;
    if (seen.size >= entryLimit)
      throw new FormatError('FORMAT_LIMIT_EXCEEDED', `The archive has more than ${entryLimit} entries`, {
        format: 'archive',
      });
    if (kind === 'directory') folders.add(path);
    else {
      if (seen.has(path)) throw archiveInvalid(`${path} comes twice`);
      requireSpace(site, size);
      const { hash, path: object } = await takeFile(site, entry, { scratch, signal });
      if (object !== undefined) made.push(object);
      files.push({ kind: rowKind.file, path, hash, size, modifiedUs });
    }
    seen.add(path);
    progress.report('store', () => ({ type: 'store', files: files.length, totalFiles: files.length }));
  }
  progress.flush();
  if (site.local !== undefined) await barrier(site.local.place.fs, site.local.place.location, made);
  return makeTable(withinBackup(site, rowsOf(files, folders)));
}

/** Rows of files, and of folders in which nothing lies. */
function rowsOf(files: readonly TableRow[], folders: ReadonlySet<string>): TableRow[] {
  const filled = new Set<string>();
  for (const path of [...files.map((file) => file.path), ...folders])
    for (let at = parentOf(path); at !== '' && !filled.has(at); at = parentOf(at)) filled.add(at);
  for (const { path } of files)
    if (filled.has(path) || folders.has(path)) throw archiveInvalid(`${path} is a file and a folder`);
  const none = new Uint8Array(0);
  const empty = [...folders].filter((path) => !filled.has(path));
  return [...files, ...empty.map((path) => ({ kind: rowKind.folder, path, hash: none, size: 0, modifiedUs: 0 }))];
}

/** What lies in the folder of the device, wherever that is in the archive. */
function withinBackup(site: Site, rows: readonly TableRow[]): TableRow[] {
  const marks = new Set(site.knowledge.marks ?? []);
  let top: string | undefined;
  for (const { path, kind } of rows) {
    if (kind !== rowKind.file || !marks.has(path.slice(path.lastIndexOf('/') + 1))) continue;
    const folder = parentOf(path);
    if (top === undefined || depthOf(folder) < depthOf(top)) top = folder;
    else if (folder !== top && depthOf(folder) === depthOf(top))
      throw archiveInvalid(
        `it holds several backups, e.g. in "${top}" and "${folder}"; unpack it and import them one by one`,
      );
  }
  // Without a mark it is a tree as we export it, or one that begins at the top.
  const tops = new Set(rows.map(({ path }) => path.split('/', 1)[0] ?? ''));
  if (
    top === undefined &&
    tops.size === 1 &&
    rows.every(({ path, kind }) => path.includes('/') || kind === rowKind.folder)
  )
    [top] = tops;
  const prefix = top === undefined || top === '' ? '' : `${top}/`;
  return rows
    .filter(({ path }) => path.startsWith(prefix))
    .map((row) => ({ ...row, path: row.path.slice(prefix.length) }));
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function depthOf(path: string): number {
  return path === '' ? 0 : path.split('/').length;
}

async function takeFile(
  site: Site,
  entry: ReadEntry,
  { scratch, signal }: AbortOptions & { scratch: Scratch },
): Promise<StoredContent> {
  const { modifiedUs } = entry;
  if (site.local !== undefined) return await putContent(site, onceSource(entry), { modifiedUs, signal });
  const source = await scratch.keep(entry, signal);
  try {
    return await putContent(site, source, { modifiedUs, signal });
  } finally {
    await source.close();
  }
}

/** A source that can be streamed once. */
function onceSource(entry: ReadEntry): ByteSource {
  return {
    size: entry.size,
    read: async () => {
      throw new TypeError('An entry of an archive can be streamed only');
    },
    stream: () => entry.content(),
    async close() {},
  };
}

/** @throws IoError `IO_NO_SPACE` where an archive says that it holds more than the disk has room for. */
function requireSpace(site: Site, bytes: number): void {
  const place = site.local?.place;
  if (place === undefined) return;
  const { free } = place.fs.space(place.folder);
  if (bytes + marginBytes <= free) return;
  throw new IoError('IO_NO_SPACE', `The archive holds ${bytes} bytes and the disk has room for ${free}`, {
    path: place.folder,
  });
}

/** Temporary files of an import. */
class Scratch implements Closeable {
  readonly #site: Site;
  #folder: string | undefined;
  #files: string[] = [];

  constructor(site: Site) {
    this.#site = site;
  }

  /** Path of a new file, on the disk of the store where it has one. */
  async path(): Promise<string> {
    const place = this.#site.local?.place;
    if (place !== undefined) {
      place.fs.makeFolder(storePath(place, 'staging'));
      const path = storePath(place, `staging/${randomUUID()}`);
      this.#files.push(path);
      return path;
    }
    this.#folder ??= await mkdtemp(join(tmpdir(), 'ios-backup-kit-'));
    return join(this.#folder, randomUUID());
  }

  /** Writes chunks into a new file. */
  async write(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<string> {
    const path = await this.path();
    const writer: FileWriter = nodeFs.create(path, 0o600);
    try {
      let received = 0;
      for await (const chunk of chunks) {
        signal?.throwIfAborted();
        if (received % spoolBytes < chunk.length) requireSpace(this.#site, chunk.length);
        received += chunk.length;
        writer.write(chunk);
      }
    } finally {
      writer.close();
    }
    return path;
  }

  /** The content of an entry, to be read more than once. */
  async keep(entry: ReadEntry, signal: AbortSignal | undefined): Promise<ByteSource> {
    if (entry.size <= spoolBytes) {
      const parts: Uint8Array[] = [];
      for await (const chunk of entry.content()) parts.push(new Uint8Array(chunk));
      return memorySource(concatBytes(parts));
    }
    const path = await this.write(entry.content(), signal);
    const source = nodeFs.open(path);
    nodeFs.unlink(path);
    if (source === undefined) throw new IoError('IO_FAILED', `${path} has gone`, { path });
    return source;
  }

  async close(): Promise<void> {
    for (const path of this.#files) nodeFs.unlink(path);
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}

async function openArchive(
  scratch: Scratch,
  from: string | AsyncIterable<Uint8Array>,
  { format, signal }: ImportArchiveOptions,
): Promise<ArchiveReader> {
  if (typeof from === 'string') {
    const path = resolve(from);
    const source = nodeFs.open(path);
    if (source === undefined) throw new IoError('IO_NOT_FOUND', `There is no archive ${path}`, { path });
    try {
      const head = await source.read(0, Math.min(headBytes, source.size), { signal });
      if ((format ?? detect(head)) === 'zip') {
        await source.close();
        return await openZip(path);
      }
    } catch (error) {
      await source.close();
      throw error;
    }
    const tar = await openTar(source.stream(undefined, { signal }));
    return {
      totalBytes: undefined,
      entries: () => tar.entries(),
      async close() {
        await tar.close();
        await source.close();
      },
    };
  }
  const { head, all } = await peek(from);
  if ((format ?? detect(head)) === 'tar') return await openTar(all);
  return await openZip(await scratch.write(all, signal));
}

/** Loaded when they are needed: most processes that open a store read no archive. */
async function openTar(bytes: AsyncIterable<Uint8Array>): Promise<ArchiveReader> {
  const { TarReader } = await import('../../archive/tar-reader.js');
  return new TarReader(bytes);
}

async function openZip(path: string): Promise<ArchiveReader> {
  const { ZipReader } = await import('../../archive/zip-reader.js');
  return await ZipReader.open(path);
}

/** The first bytes of a stream, and all of it. */
async function peek(bytes: AsyncIterable<Uint8Array>): Promise<{ head: Uint8Array; all: AsyncIterable<Uint8Array> }> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < headBytes) {
    const next = await iterator.next();
    if (next.done === true) break;
    first.push(new Uint8Array(next.value));
    length += next.value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* first;
      for (;;) {
        const next = await iterator.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head: concatBytes(first), all: all() };
}

function detect(head: Uint8Array): ArchiveFormat {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  if (text.startsWith('PK\u0003\u0004') || text.startsWith('PK\u0005\u0006')) return 'zip';
  if (text.slice(257, 262) === 'ustar') return 'tar';
  throw new FormatError('FORMAT_UNSUPPORTED', 'The archive is neither a tar nor a zip; unpack others first', {
    format: 'archive',
  });
}

/** A table as a tree, before it is a version. */
function treeOf(site: Site, table: Table): BackupTree {
  const rows = new StoredVersion(site, {} as VersionInfo, table);
  return {
    async open(path, options) {
      const index = table.find(checkTreePath(path));
      if (index === undefined || table.kind(index) !== rowKind.file) return undefined;
      return await site.contents.open(table.row(index), options);
    },
    list: (path, options): AsyncIterable<TreeEntry> => rows.list(path, options),
  };
}
