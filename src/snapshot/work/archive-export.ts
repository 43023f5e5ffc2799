import { createHash } from 'node:crypto';
import type { AbortOptions } from '../../core/abort.js';
import { equalBytes, hexEncode } from '../../core/bytes.js';
import { SnapshotError } from '../../core/errors.js';
import { progressReporter, type ProgressOptions, type ProgressReporter } from '../../core/progress.js';
import type { ArchiveContent, ArchiveEntry, ArchiveWriter } from '../../archive/archive-writer.js';
import { inPieces } from '../../archive/byte-channel.js';
import { rowKind, type TableRow } from '../format/table.js';
import { measureTable } from '../format/table-changes.js';
import { keys } from '../store/keys.js';
import type { Site } from '../store/site.js';
import type { StoredVersion } from '../store/version.js';
import type { StoreProgress } from '../types.js';

/** Formats of archives. */
export type ArchiveFormat = 'tar' | 'zip';

/** Options of exporting a version as an archive. */
export interface ExportArchiveOptions extends AbortOptions, ProgressOptions<StoreProgress> {
  /** `tar` with pax headers, or `zip` with zip64 where it is needed. */
  readonly format: ArchiveFormat;
  /** With zip: whether contents are compressed; `store`, the default, because media and encrypted files do not shrink. */
  readonly compression?: 'deflate' | 'store' | undefined;
}

/** Contents up to this size are read and compared with their hashes before their entry begins. */
const wholeBytes = 1024 * 1024;
const fileMode = 0o644;
const folderMode = 0o755;

/** The bytes of an archive of a version, below a folder named after the device, made while they are taken. */
export async function* exportArchive(
  site: Site,
  open: () => Promise<StoredVersion>,
  options: ExportArchiveOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = await createWriter(options);
  const leaving = new AbortController();
  const signal = options.signal === undefined ? leaving.signal : AbortSignal.any([options.signal, leaving.signal]);
  const version = await open();
  await version.hold();
  const writing = (async () => {
    try {
      await writeVersion(site, version, { writer, progress: progressReporter(options.onProgress), signal });
      await writer.finish();
    } catch (error) {
      writer.fail(error);
    }
  })();
  try {
    yield* inPieces(writer.output);
  } finally {
    leaving.abort(new DOMException('The archive was not read to its end', 'AbortError'));
    await writing;
    await version.close();
  }
}

/** Loaded when they are needed: most processes that open a store write no archive. */
async function createWriter({ format, compression = 'store' }: ExportArchiveOptions): Promise<ArchiveWriter> {
  if (format === 'tar') {
    const { TarWriter } = await import('../../archive/tar-writer.js');
    return new TarWriter();
  }
  const { ZipWriter } = await import('../../archive/zip-writer.js');
  return new ZipWriter({ compression });
}

async function writeVersion(
  site: Site,
  version: StoredVersion,
  {
    writer,
    progress,
    signal,
  }: { writer: ArchiveWriter; progress: ProgressReporter<StoreProgress>; signal: AbortSignal },
): Promise<void> {
  const { udid } = version.info;
  const totals = measureTable(version.table);
  let [files, bytes] = [0, 0];
  const created = version.info.created.getTime() * 1000;
  await writer.addFolder(entryOf(udid, folderMode, created));
  for (const row of version.table.rows()) {
    signal.throwIfAborted();
    const path = `${udid}/${row.path}`;
    if (row.kind === rowKind.folder) await writer.addFolder(entryOf(path, folderMode, created));
    if (row.kind !== rowKind.file) continue;
    await addFile(site, { writer, row, path, signal });
    files += 1;
    bytes += row.size;
    progress.report('write', () => ({
      type: 'write',
      files,
      bytes,
      totalFiles: totals.files,
      totalBytes: totals.bytes,
    }));
  }
  progress.flush();
}

function entryOf(path: string, mode: number, modifiedUs: number): ArchiveEntry {
  return { path, mode, modified: new Date(modifiedUs / 1000), modifiedUs };
}

async function addFile(
  site: Site,
  { writer, row, path, signal }: { writer: ArchiveWriter; row: TableRow; path: string; signal: AbortSignal },
): Promise<void> {
  const source = await site.contents.open(row, { signal });
  try {
    const chunks = (): AsyncGenerator<Uint8Array, void, undefined> =>
      checked(source.stream(undefined, { signal }), row);
    let whole: Uint8Array | undefined;
    if (row.size <= wholeBytes) {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks()) parts.push(new Uint8Array(chunk));
      whole = new Uint8Array(Buffer.concat(parts));
    }
    const content: ArchiveContent = {
      size: row.size,
      whole,
      chunks: whole === undefined ? chunks : () => oneChunk(whole),
    };
    await writer.addFile(entryOf(path, fileMode, row.modifiedUs), content);
  } finally {
    await source.close();
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes;
}

/** The chunks of a content, with an error in place of the last one where they are not what they should be. */
async function* checked(
  chunks: AsyncIterable<Uint8Array>,
  { hash, path }: TableRow,
): AsyncGenerator<Uint8Array, void, undefined> {
  const sum = createHash('sha256');
  let last: Uint8Array | undefined;
  for await (const chunk of chunks) {
    sum.update(chunk);
    if (last !== undefined) yield last;
    last = new Uint8Array(chunk);
  }
  if (!equalBytes(sum.digest(), hash))
    throw new SnapshotError('SNAPSHOT_CORRUPT', `The content of ${path} is damaged`, {
      part: keys.object(hexEncode(hash)),
    });
  if (last !== undefined) yield last;
}
