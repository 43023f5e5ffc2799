import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { DirectIo } from '../../core/direct-io.js';
import { ioError } from '../../core/errors.js';
import type { OpenedContent } from './content.js';
import { JobRunner, type FileJob, type WrittenJob } from './file-job.js';
import { writeDirectly, type FileAttributes, type FilePaths } from './write-directly.js';

/** How a file is written. */
export interface WriteOptions {
  readonly attributes: FileAttributes;
  /** Flush it before it gets its name. */
  readonly durable: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onBytes: (bytes: number) => void;
}

/** The bits of a mode that are given to files and folders: never set-user-id, set-group-id or sticky; the owner keeps access. */
export function permissionBits(mode: number, kind: 'file' | 'directory'): number {
  return (mode & 0o777) | (kind === 'directory' ? 0o700 : 0o600);
}

/** Writes files into folders that were made before. */
export class FileWriter {
  readonly #direct = new DirectIo();
  readonly #jobs = new JobRunner();

  /**
   * Writes content under a temporary name and gives it its own when it is complete, so that no name ever has half a file.
   * The temporary file is created exclusively: a link that lies there is not followed.
   *
   * @returns why the time or mode was not taken.
   * @throws {@link IoError}; the temporary file is removed.
   */
  async write(paths: FilePaths, content: OpenedContent, options: WriteOptions): Promise<Error | undefined> {
    const { whole } = content;
    if (whole === undefined || options.durable || !this.#direct.next()) {
      return await writeStreamed(paths, content, options);
    }
    const refused = this.#direct.run(() => writeDirectly(paths, whole, options.attributes), whole.length);
    options.onBytes(whole.length);
    return refused;
  }

  /** Whether small files are best written at once. */
  get isQuick(): boolean {
    return this.#direct.isQuick;
  }

  /** Does all of a small file's work at once, without flushing it: see {@link JobRunner.run}. */
  run(job: FileJob): WrittenJob | undefined {
    // Its bytes are moved twice, once each way.
    return this.#direct.run(() => this.#jobs.run(job), 2 * (job.statedSize ?? 0));
  }
}

async function writeStreamed(
  paths: FilePaths,
  content: OpenedContent,
  options: WriteOptions,
): Promise<Error | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(paths.temporary, 'wx');
  } catch (error) {
    throw ioError(error, paths.final, 'writing');
  }
  try {
    let refused: Error | undefined;
    try {
      await writeChunks(handle, content, { ...options, path: paths.final });
      refused = await setAttributes(handle, options.attributes);
      if (options.durable) await handle.sync();
    } finally {
      await handle.close();
    }
    options.signal?.throwIfAborted();
    await rename(paths.temporary, paths.final);
    return refused;
  } catch (error) {
    await rm(paths.temporary, { force: true });
    throw ioError(error, paths.final, 'writing');
  }
}

/** Reads one chunk ahead, so that decryption and writing overlap. */
async function writeChunks(
  handle: FileHandle,
  content: OpenedContent,
  options: Pick<WriteOptions, 'signal' | 'onBytes'> & { path: string },
): Promise<void> {
  let writing: Promise<void> | undefined;
  let position = 0;
  const write = async (chunk: Uint8Array, at: number): Promise<void> => {
    for (let offset = 0; offset < chunk.length;) {
      const { bytesWritten } = await handle.write(chunk, offset, chunk.length - offset, at + offset);
      offset += bytesWritten;
    }
    options.onBytes(chunk.length);
  };
  try {
    for await (const chunk of content.chunks()) {
      await writing;
      options.signal?.throwIfAborted();
      writing = write(chunk, position);
      writing.catch(() => undefined);
      position += chunk.length;
    }
    await writing;
  } finally {
    await writing?.catch(() => undefined);
  }
}

async function setAttributes(handle: FileHandle, attributes: FileAttributes): Promise<Error | undefined> {
  const { mode, modified } = attributes;
  try {
    if (mode !== undefined) await handle.chmod(mode);
    if (modified !== undefined) await handle.utimes(modified, modified);
  } catch (error) {
    return error as Error;
  }
  return undefined;
}
