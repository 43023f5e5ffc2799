import type { FileSource } from './selection.js';
import { checkRunOptions, ExtractRun, oneOf } from './extract-run.js';
import { openDirectoryTarget } from './directory-target.js';
import type { ArchiveTarget, ExtractOptions, ExtractReport } from './types.js';
import { writeArchive } from './archive.js';

/**
 * Extracts entries of a backup, decrypted and under their own names and times, to a folder or an archive. A file that
 * cannot be read is reported and the others go on. Nothing is ever written outside of the target, and a name never holds
 * half a file.
 *
 * @param target a folder, made where it is missing, or an archive.
 * @throws {@link IoError} with code `IO_NO_SPACE` where the disk is full, `IO_EXISTS` where a file exists and `onExisting`
 * is `error`, `IO_ACCESS_DENIED` or `IO_FAILED` where the target cannot be written at all. What was extracted before stays.
 */
export async function extractFiles(
  source: FileSource,
  target: string | ArchiveTarget,
  options: ExtractOptions = {},
): Promise<ExtractReport> {
  checkRunOptions(options);
  if (typeof target !== 'string') return await writeArchive(source, target, options);
  const { onExisting = 'error', concurrency = 8, layout = 'domain', names = 'portable', symlinks = 'skip' } = options;
  if (target === '') throw new TypeError('target must be the path of a folder, not an empty string');
  oneOf('onExisting', onExisting, ['error', 'skip', 'overwrite', 'rename']);
  if (!Number.isSafeInteger(concurrency) || concurrency < 1)
    throw new RangeError(`concurrency must be a positive integer, not ${concurrency}`);
  options.signal?.throwIfAborted();
  const directory = await openDirectoryTarget(target, { ...options, onExisting, concurrency, names });
  return await new ExtractRun(source, directory, { ...options, layout, names, symlinks }).run();
}
