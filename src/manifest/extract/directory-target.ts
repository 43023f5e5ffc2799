import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { chmod, lutimes, mkdir, open, realpath, rename, rm, rmdir, symlink, utimes } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { IoError, ioError } from '../../core/errors.js';
import type { BackupFile } from '../types.js';
import { localContent, openContent } from './content.js';
import { alreadyExists, errnoOf, pathExists } from './existing.js';
import type { FileJob } from './file-job.js';
import type { OutputPath } from './output-paths.js';
import { isFatal } from './read-failure.js';
import type {
  ExtractTarget,
  JobOptions,
  MadeFolder,
  WriteFileOptions,
  WriteLinkOptions,
  WriterAtOnce,
  WrittenFile,
} from './target.js';
import type { ExtractOptions, NameRules } from './types.js';
import type { FileAttributes, FilePaths } from './write-directly.js';
import { FileWriter, permissionBits } from './write-file.js';

/** Longest path that the system takes, in bytes, less room for a temporary name. */
const maxPathBytes: Partial<Record<NodeJS.Platform, number>> = { darwin: 1023 - 48, win32: 32_000 };
const maxPathBytesElsewhere = 4095 - 48;

/** Paths below the target may always have this many bytes: the system tells where that is too much. */
const minPathBytes = 512;

/** The options that concern folders, complete. */
export interface DirectoryOptions extends Pick<ExtractOptions, 'modes' | 'durable' | 'threads'> {
  readonly onExisting: NonNullable<ExtractOptions['onExisting']>;
  readonly concurrency: number;
}

/**
 * Opens a folder to extract to, making it and its parents where they are missing. The folder itself may be reached by way
 * of links; below it none is followed.
 */
export async function openDirectoryTarget(
  path: string,
  options: DirectoryOptions & { names: NameRules },
): Promise<ExtractTarget> {
  let root: string;
  let fold: boolean;
  try {
    await mkdir(path, { recursive: true });
    root = await realpath(resolve(path));
    fold = options.names === 'portable' || !(await tellsNamesApart(root));
  } catch (error) {
    throw ioError(error, path, 'preparing');
  }
  const limit = (maxPathBytes[process.platform] ?? maxPathBytesElsewhere) - Buffer.byteLength(root) - 1;
  return new DirectoryTarget(root, { ...options, fold, maxPathBytes: Math.max(limit, minPathBytes) });
}

/** Whether the file system keeps names apart that differ in case or in Unicode form alone. */
async function tellsNamesApart(root: string): Promise<boolean> {
  const unique = randomBytes(6).toString('hex');
  const named = (text: string): string => join(root, `.${unique}-${text}.part`);
  const probe = named('e\u0301a');
  await mkdir(probe);
  try {
    const found = await Promise.all([pathExists(named('e\u0301A')), pathExists(named('\u00e9a'))]);
    return !found.includes(true);
  } finally {
    await rmdir(probe);
  }
}

class DirectoryTarget implements ExtractTarget {
  readonly concurrency: number;
  readonly fold: boolean;
  readonly maxPathBytes: number;
  readonly atOnce: WriterAtOnce;
  readonly #root: string;
  /** The root with a separator at its end. */
  readonly #prefix: string;
  readonly #options: DirectoryOptions;
  readonly #unique = randomBytes(6).toString('hex');
  readonly #writer = new FileWriter();
  #temporaryFiles = 0;

  constructor(root: string, options: DirectoryOptions & { fold: boolean; maxPathBytes: number }) {
    this.#root = root;
    this.#prefix = root.endsWith(sep) ? root : root + sep;
    this.#options = options;
    this.atOnce = {
      threads: options.threads ?? true,
      job: (file, job) => this.#job(file, job),
      run: (job) => this.#writer.run(job),
    };
    this.concurrency = options.concurrency;
    this.fold = options.fold;
    this.maxPathBytes = options.maxPathBytes;
  }

  makeFolder(path: string): MadeFolder {
    const full = join(this.#root, path);
    try {
      mkdirSync(full);
      return 'created';
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') return this.#unlessFatal(ioError(error, full, 'making'));
    }
    try {
      if (lstatSync(full).isDirectory()) return 'existed';
    } catch (error) {
      return this.#unlessFatal(ioError(error, full, 'looking at'));
    }
    return new IoError(
      'IO_UNSAFE_PATH',
      `${full} is a link or a file where a folder is needed; links in the target are never followed`,
      { path: full },
    );
  }

  async finishFolder(
    path: string,
    folder: { entry: BackupFile | undefined; fresh: boolean },
  ): Promise<Error | undefined> {
    const full = join(this.#root, path);
    const { modes, durable } = this.#options;
    try {
      if (folder.fresh && folder.entry !== undefined) {
        const { modified, mode } = folder.entry;
        if (modes === true) await chmod(full, permissionBits(mode, 'directory'));
        if (modified !== undefined) await utimes(full, modified, modified);
      }
      if (durable === true && process.platform !== 'win32') await syncFolder(full);
    } catch (error) {
      const failure = ioError(error, full, 'finishing');
      if (failure instanceof Error && !isFatal(failure)) return failure;
      throw failure;
    }
    return undefined;
  }

  async writeFile(file: BackupFile, options: WriteFileOptions): Promise<WrittenFile | undefined> {
    const path = await this.#freePath(options);
    if (path === undefined) return undefined;
    const { signal, recover, onBytes } = options;
    const content = await openContent(file, { signal, recover });
    try {
      const attributes = this.#attributes(file);
      const durable = this.#options.durable === true;
      const refused = await this.#writer.write(this.#paths(path), content, { attributes, durable, signal, onBytes });
      content.free();
      return { path, bytes: content.size, problems: content.problems, refused };
    } finally {
      await content.close();
    }
  }

  #job(file: BackupFile, options: JobOptions): FileJob | undefined {
    const { path, fresh, signal } = options;
    const { durable, onExisting } = this.#options;
    if (durable === true || !this.#writer.isQuick || !(fresh || onExisting === 'overwrite')) return undefined;
    const content = localContent(file, { signal });
    return content && { ...content, ...this.#paths(path), ...this.#attributes(file) };
  }

  async writeLink(file: BackupFile, options: WriteLinkOptions): Promise<WrittenFile | undefined> {
    const path = await this.#freePath(options);
    if (path === undefined) return undefined;
    const { temporary, final } = this.#paths(path);
    let refused: Error | undefined;
    try {
      await symlink(options.target, temporary);
      if (file.modified !== undefined) {
        refused = await lutimes(temporary, file.modified, file.modified).then(
          () => undefined,
          (error: Error) => error,
        );
      }
      await rename(temporary, final);
    } catch (error) {
      await rm(temporary, { force: true });
      throw ioError(error, final, 'linking');
    }
    return { path, bytes: 0, problems: [], refused };
  }

  /** The path to write to; `undefined` where a file is there that stays. A fresh folder holds nothing but our own. */
  async #freePath(options: Pick<WriteFileOptions, 'place' | 'fresh'>): Promise<OutputPath | undefined> {
    const { onExisting } = this.#options;
    for (let from = 0; ; from += 1) {
      const path = options.place(from);
      if (options.fresh || onExisting === 'overwrite') return path;
      const full = this.#fullPath(path);
      let found: boolean;
      try {
        found = await pathExists(full);
      } catch (error) {
        throw ioError(error, full, 'looking at');
      }
      if (!found) return path;
      if (onExisting === 'skip') return undefined;
      if (onExisting === 'error') throw alreadyExists(full);
    }
  }

  /** Paths of entries are clean, so that nothing has to be resolved. */
  #fullPath({ path }: OutputPath): string {
    return this.#prefix + path;
  }

  /** Where it is to lie, and a new path in the same folder. */
  #paths(path: OutputPath): FilePaths {
    this.#temporaryFiles += 1;
    const folder = path.path.slice(0, path.path.lastIndexOf('/') + 1);
    const temporary = `${this.#prefix}${folder}.${this.#unique}-${this.#temporaryFiles}.part`;
    return { temporary, final: this.#fullPath(path) };
  }

  #attributes({ modified, mode }: BackupFile): FileAttributes {
    return { modified, mode: this.#options.modes === true ? permissionBits(mode, 'file') : undefined };
  }

  #unlessFatal(error: unknown): Error {
    if (isFatal(error) || !(error instanceof Error)) throw error;
    return error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
