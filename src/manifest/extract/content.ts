import type { AbortOptions } from '../../core/abort.js';
import { isBackupKitError } from '../../core/errors.js';
import { ManifestFile } from '../backup-file.js';
import type { BackupFile, FileContent, FileProblem } from '../types.js';
import { isFatal } from './read-failure.js';

/** Content up to this size, in bytes, is read and written in one piece. */
export const wholeContentBytes = 1024 * 1024;

/** Content of a file, about to be written. The caller closes it. */
export interface OpenedContent {
  /** Exact size in bytes. */
  readonly size: number;
  /** All of it, where it is small. */
  readonly whole: Uint8Array | undefined;
  /** What is wrong with it. */
  readonly problems: readonly FileProblem[];
  /** All of it, in order. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Releases the source. */
  close(): Promise<void>;
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
    problems: allProblems(file, whole.length, problems),
    async *chunks() {
      yield whole;
    },
    async close() {},
  };
}

function streamedContent(file: BackupFile, content: FileContent, signal: AbortSignal | undefined): OpenedContent {
  return {
    size: content.size,
    whole: undefined,
    problems: allProblems(file, content.size, content.problems),
    chunks: () => content.stream(undefined, { signal }),
    async close() {
      await content.close();
    },
  };
}

function allProblems(file: BackupFile, size: number, found: readonly FileProblem[]): readonly FileProblem[] {
  const known = file instanceof ManifestFile ? file.recordProblems : file.problems;
  if (known.length === 0 && found.length === 0 && size === file.size) return [];
  const problems = new Set([...known, ...found].filter((problem) => !notOfContent.has(problem)));
  const sizeUnknown = problems.has('size-invalid') || problems.has('record-damaged') || problems.has('incomplete');
  if (size !== file.size && !sizeUnknown && !problems.has('placeholder')) problems.add('size-differs');
  return [...problems];
}

/**
 * The chunks of `content` up to an error of reading it, which is returned: for archives, where an entry that has begun cannot
 * be taken back. Aborts are thrown.
 */
export async function* readToCut(
  content: OpenedContent,
  onChunk: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, { cut: unknown } | undefined, undefined> {
  const chunks = content.chunks()[Symbol.asyncIterator]();
  try {
    for (;;) {
      let next: IteratorResult<Uint8Array, unknown>;
      try {
        next = await chunks.next();
      } catch (error) {
        if (isFatal(error)) throw error;
        return { cut: error };
      }
      if (next.done === true) return undefined;
      onChunk(next.value);
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}
