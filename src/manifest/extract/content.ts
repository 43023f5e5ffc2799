import type { AbortOptions } from '../../core/abort.js';
import { isBackupKitError } from '../../core/errors.js';
import type { ArchiveContent } from '../../archive/archive-writer.js';
import { releaseBytes } from '../../core/release-bytes.js';
import { ManifestFile } from '../backup-file.js';
import type { LocalContent } from '../stored-content.js';
import type { BackupFile, FileContent, FileProblem } from '../types.js';
import { wholeContentBytes } from './file-job.js';
import { isFatal } from './read-failure.js';

/** Content of a file, about to be written. The caller closes it. */
export interface OpenedContent extends ArchiveContent {
  /** What is wrong with it. */
  readonly problems: readonly FileProblem[];
  /** Releases the source. */
  close(): Promise<void>;
  /** Frees the memory of what is {@link OpenedContent.whole} and nobody else has: call it when that is written. */
  free(): void;
}

/** Problems that say nothing about the written content. */
const notOfContent = new Set<FileProblem>(['path-unsafe', 'content-missing', 'key-unavailable', 'file-id-invalid']);

/** Opens the content of `file`: in one read where it is small and nothing has to be recovered. */
export async function openContent(
  file: BackupFile,
  options: AbortOptions & { recover: boolean },
): Promise<OpenedContent> {
  const { signal, recover } = options;
  if (!recover && file.size <= wholeContentBytes) {
    // The size of the record is a guess: the limit keeps a large content that is said to be small out of memory.
    const whole = await readWhole(file, { signal, maxBytes: wholeContentBytes * 2 });
    if (whole !== undefined) return wholeContent(file, whole, []);
  }
  const content = await file.open({ signal, recover });
  try {
    if (content.size > wholeContentBytes) return streamedContent(file, content, signal);
    const whole = await content.read(0, content.size, { signal });
    return wholeContent(file, whole, content.problems);
  } finally {
    if (content.size <= wholeContentBytes) await content.close();
  }
}

/** Where the content of `file` lies, where it can be written in one piece and without waiting: for most small files. */
export function localContent(file: BackupFile, options: AbortOptions): LocalContent | undefined {
  return file instanceof ManifestFile && file.size <= wholeContentBytes ? file.stored(options) : undefined;
}

async function readWhole(
  file: BackupFile,
  options: AbortOptions & { maxBytes: number },
): Promise<Uint8Array | undefined> {
  try {
    return await file.read(options);
  } catch (error) {
    if (isBackupKitError(error, 'FORMAT_LIMIT_EXCEEDED')) return undefined;
    throw error;
  }
}

function wholeContent(file: BackupFile, whole: Uint8Array, problems: readonly FileProblem[]): OpenedContent {
  return {
    size: whole.length,
    whole,
    problems: contentProblems(file, whole.length, problems),
    async *chunks() {
      yield whole;
    },
    isFatal,
    async close() {},
    free() {
      // What was not decrypted may be memory of the tree.
      if (file instanceof ManifestFile && file.isEncrypted) releaseBytes(whole);
    },
  };
}

function streamedContent(file: BackupFile, content: FileContent, signal: AbortSignal | undefined): OpenedContent {
  return {
    size: content.size,
    whole: undefined,
    problems: contentProblems(file, content.size, content.problems),
    chunks: () => content.stream(undefined, { signal }),
    isFatal,
    async close() {
      await content.close();
    },
    free() {},
  };
}

/** What is wrong with content of `size` bytes that was read, `found` meanwhile and by what the record says. */
export function contentProblems(
  file: BackupFile,
  size: number,
  found: readonly FileProblem[] = [],
): readonly FileProblem[] {
  const known = file instanceof ManifestFile ? file.recordProblems : file.problems;
  if (known.length === 0 && found.length === 0 && size === file.size) return [];
  const problems = new Set([...known, ...found].filter((problem) => !notOfContent.has(problem)));
  const sizeUnknown = problems.has('size-invalid') || problems.has('record-damaged') || problems.has('incomplete');
  if (size !== file.size && !sizeUnknown && !problems.has('placeholder')) problems.add('size-differs');
  return [...problems];
}
