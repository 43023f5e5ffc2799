import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ioError } from '../../core/errors.js';
import { ArchiveExtractTarget } from './archive-target.js';
import type { ArchiveWriter } from '../../archive/archive-writer.js';
import { inPieces } from '../../archive/byte-channel.js';
import { checkRunOptions, ExtractRun, oneOf } from './extract-run.js';
import { alreadyExists, pathExists, renameWithoutReplacing } from './existing.js';
import type { FileSource } from './selection.js';
import { TarWriter } from '../../archive/tar-writer.js';
import type { ArchiveStream, ArchiveTarget, ExtractArchiveOptions, ExtractReport } from './types.js';
import { ZipWriter } from '../../archive/zip-writer.js';

/**
 * Entries of a backup as the bytes of an archive, made while they are taken and in memory that does not depend on their
 * size. Nothing is read before the first chunk is asked for. Take it once.
 *
 * @throws TypeError for wrong options, at once. Errors of the extraction end the loop: see {@link extractFiles}.
 */
export function extractToArchive(source: FileSource, options: ExtractArchiveOptions): ArchiveStream {
  checkRunOptions(options);
  oneOf('format', options.format, ['tar', 'zip']);
  oneOf('compression', options.compression, ['deflate', 'store']);
  const { layout = 'domain', names = 'portable', symlinks = 'create' } = options;
  let settle: { resolve: (report: ExtractReport) => void; reject: (error: unknown) => void } | undefined;
  const report = new Promise<ExtractReport>((resolve, reject) => {
    settle = { resolve, reject };
  });
  report.catch(() => undefined);

  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const leaving = new AbortController();
    const signal = options.signal === undefined ? leaving.signal : AbortSignal.any([options.signal, leaving.signal]);
    const writer = newWriter(options);
    const target = new ArchiveExtractTarget(writer, { names });
    const run = new ExtractRun(source, target, { ...options, signal, layout, names, symlinks });
    const running = (async () => {
      try {
        const done = await run.run();
        await writer.finish();
        settle?.resolve(done);
      } catch (error) {
        writer.fail(error);
        settle?.reject(error);
      }
    })();
    try {
      yield* inPieces(writer.output);
    } finally {
      leaving.abort(new DOMException('The archive was not read to its end', 'AbortError'));
      await running;
    }
  }
  return { [Symbol.asyncIterator]: bytes, report };
}

function newWriter(options: ExtractArchiveOptions): ArchiveWriter {
  return options.format === 'tar' ? new TarWriter() : new ZipWriter({ compression: options.compression ?? 'deflate' });
}

/** Writes an archive to a stream or a new file. */
export async function writeArchive(
  source: FileSource,
  target: ArchiveTarget,
  options: Omit<ExtractArchiveOptions, 'format' | 'compression'>,
): Promise<ExtractReport> {
  const { to, format, compression } = target;
  const archive = extractToArchive(source, { ...options, format, compression });
  options.signal?.throwIfAborted();
  if (typeof to === 'string') await writeToNewFile(archive, to, options.signal);
  else await pipeTo(archive, to, options.signal);
  return await archive.report;
}

/** The file appears under its name when it is complete, and never replaces one. */
async function writeToNewFile(archive: ArchiveStream, path: string, signal: AbortSignal | undefined): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.part`;
  try {
    if (await pathExists(path)) throw alreadyExists(path);
    await pipeTo(archive, createWriteStream(temporary, { flags: 'wx' }), signal);
    await renameWithoutReplacing(temporary, path);
  } catch (error) {
    throw ioError(error, path, 'writing');
  } finally {
    await rm(temporary, { force: true });
  }
}

/** An abort ends it also while the stream takes nothing. */
async function pipeTo(
  archive: ArchiveStream,
  to: NodeJS.WritableStream,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await pipeline(Readable.from(archive, { objectMode: false }), to, { ...(signal !== undefined && { signal }) });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
