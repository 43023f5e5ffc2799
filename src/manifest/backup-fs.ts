import { constants } from 'node:fs';
import { Readable } from 'node:stream';
import type { AbortOptions } from '../core/abort.js';
import type { DevicePaths } from './device-paths.js';
import type { ManifestFileIndex } from './file-index.js';
import { BackupDirent, BackupStats, type FsEntry } from './fs-entries.js';
import { fsError, readFailure } from './fs-errors.js';
import { PathResolver } from './path-resolver.js';

/** Calls of `node:fs/promises` that would write. */
const writeCalls = [
  'appendFile',
  'chmod',
  'chown',
  'copyFile',
  'cp',
  'lchmod',
  'lchown',
  'link',
  'lutimes',
  'mkdir',
  'mkdtemp',
  'rename',
  'rm',
  'rmdir',
  'symlink',
  'truncate',
  'unlink',
  'utimes',
  'writeFile',
] as const;

/** A call that would write: it always rejects with `EROFS`. */
export type RefusedCall = (path: string, ...rest: unknown[]) => Promise<never>;

/** Options of {@link BackupFs.readFile}. */
export interface FsReadFileOptions extends AbortOptions {
  /** Gives text instead of bytes. */
  encoding?: BufferEncoding | null | undefined;
}

/** Options of {@link BackupFs.readdir}. */
export interface FsReaddirOptions extends AbortOptions {
  /** Gives {@link BackupDirent}s instead of names. `false` by default. */
  withFileTypes?: boolean | undefined;
  /** Also gives what is in the folders below, by paths relative to the folder. Links are not followed. `false` by default. */
  recursive?: boolean | undefined;
}

/** A range for {@link BackupFs.createReadStream}, as `node:fs` has it. */
export interface FsReadStreamOptions extends AbortOptions {
  /** First byte; 0 by default. */
  start?: number | undefined;
  /** Last byte, included; the end by default. */
  end?: number | undefined;
}

/**
 * A backup as a read-only file system, shaped like `node:fs/promises`, for libraries that take one.
 *
 * - Paths are `/<Domain>/<relativePath>`; a path without the slash at its start begins at the top too.
 * - `/@apps/<id>` is the container of an app by its bundle id, or of a group or extension by its own id: another name for
 *   `/AppDomain-<id>`, `/AppDomainGroup-<id>` or `/AppDomainPlugin-<id>`. The top folder does not list it.
 * - Folders exist wherever something is in them, whether the manifest has a row for them or not.
 * - Links are followed within the backup. Absolute ones, and those that leave their domain, are paths of the device: they
 *   lead to the domain that has the place. Nothing outside of the backup is ever reached: such a link is `ENOENT`.
 * - Domains and names with a slash, `.` or `..`, which only hostile backups have, are not shown; `files` has them.
 * - Errors are those of `node:fs`, with `code`, `errno`, `syscall` and `path`: `ENOENT`, `ENOTDIR`, `EISDIR`, `ELOOP`,
 *   `EINVAL`, `EROFS` for all that writes, `EIO` for damaged or missing content and `EACCES` where its key is missing. The
 *   `cause` is the {@link ManifestError} behind it.
 */
export interface BackupFs extends Readonly<Record<(typeof writeCalls)[number], RefusedCall>> {
  /** The whole content, decrypted, as bytes. */
  readFile(path: string, options?: FsReadFileOptions & { encoding?: null | undefined }): Promise<Uint8Array>;
  /** The whole content, decrypted, as text in that encoding. */
  readFile(path: string, options: BufferEncoding | (FsReadFileOptions & { encoding: BufferEncoding })): Promise<string>;
  /** The whole content, decrypted; as text where the options name an encoding. */
  readFile(path: string, options?: BufferEncoding | FsReadFileOptions | null): Promise<Uint8Array | string>;
  /** Names of what is in a folder, in order of their UTF-16 code units. */
  readdir(path: string, options?: FsReaddirOptions & { withFileTypes?: false | undefined }): Promise<string[]>;
  /** The same, with the kind of each entry. */
  readdir(path: string, options: FsReaddirOptions & { withFileTypes: true }): Promise<BackupDirent[]>;
  /** The same, with kinds where the options ask for them. */
  readdir(path: string, options?: FsReaddirOptions): Promise<string[] | BackupDirent[]>;
  /** Facts of what is at the path; of what a link points at, where it is one. */
  stat(path: string, options?: AbortOptions): Promise<BackupStats>;
  /** The same of the link itself. */
  lstat(path: string, options?: AbortOptions): Promise<BackupStats>;
  /** The target of a link as it is stored. */
  readlink(path: string, options?: AbortOptions): Promise<string>;
  /** The path without links, `.`, `..` and `@apps`. */
  realpath(path: string, options?: AbortOptions): Promise<string>;
  /** Resolves where the path exists; asked for `W_OK` it rejects with `EROFS`. */
  access(path: string, mode?: number): Promise<void>;
  /** The content as a stream of Node.js. */
  createReadStream(path: string, options?: FsReadStreamOptions): Readable;
}

/** The file system over the files of a backup. */
export function createBackupFs(files: ManifestFileIndex, devicePaths: DevicePaths): BackupFs {
  const resolver = new PathResolver(files, devicePaths);

  const find = async (
    path: string,
    syscall: string,
    options: AbortOptions & { followLast?: boolean | undefined },
  ): Promise<FsEntry> => {
    if (typeof path !== 'string') throw new TypeError('path must be a string');
    return await resolver.resolve(path, { syscall, followLast: options.followLast ?? true, signal: options.signal });
  };

  const findFile = async (
    path: string,
    syscall: string,
    options: AbortOptions,
  ): Promise<NonNullable<FsEntry['file']>> => {
    const { kind, file } = await find(path, syscall, options);
    if (kind === 'directory' || file === undefined) throw fsError('EISDIR', 'read', path);
    return file;
  };

  async function readFile(path: string, options: BufferEncoding | FsReadFileOptions | null = {}): Promise<never> {
    const { encoding, signal } = typeof options === 'string' ? { encoding: options } : (options ?? {});
    const file = await findFile(path, 'open', { signal });
    try {
      const bytes = await file.read({ signal });
      return (encoding === undefined || encoding === null ? bytes : textOf(bytes, encoding)) as never;
    } catch (error) {
      throw readFailure(error, 'read', path);
    }
  }

  async function readdir(path: string, options: FsReaddirOptions = {}): Promise<never> {
    const { withFileTypes = false, recursive = false, signal } = options;
    const folder = await find(path, 'scandir', { signal });
    if (folder.kind !== 'directory') throw fsError('ENOTDIR', 'scandir', path);
    const entries: BackupDirent[] = [];
    const names: string[] = [];
    const visit = async (parent: FsEntry, prefix: string): Promise<void> => {
      const children: string[] = [];
      for await (const name of resolver.names(parent, { signal })) children.push(name);
      for (const name of children.toSorted()) {
        names.push(prefix + name);
        if (!withFileTypes && !recursive) continue;
        const child = await resolver.child(parent, name, { signal });
        entries.push(new BackupDirent(name, parent.path, child?.kind ?? 'directory'));
        if (recursive && child?.kind === 'directory') await visit(child, `${prefix}${name}/`);
      }
    };
    await visit(folder, '');
    return (withFileTypes ? entries : names) as never;
  }

  const createReadStream = (path: string, options: FsReadStreamOptions = {}): Readable => {
    const { start = 0, end, signal } = options;
    async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
      const file = await findFile(path, 'open', { signal });
      try {
        yield* file.stream({ offset: start, length: end === undefined ? undefined : end + 1 - start }, { signal });
      } catch (error) {
        throw readFailure(error, 'read', path);
      }
    }
    return Readable.from(content(), { objectMode: false });
  };

  const refused = Object.fromEntries(
    writeCalls.map((name): [string, RefusedCall] => [
      name,
      (path) => Promise.reject(fsError('EROFS', name, typeof path === 'string' ? path : '')),
    ]),
  ) as Record<(typeof writeCalls)[number], RefusedCall>;

  return {
    ...refused,
    readFile,
    readdir,
    stat: async (path, { signal } = {}) => new BackupStats(await find(path, 'stat', { signal })),
    lstat: async (path, { signal } = {}) => new BackupStats(await find(path, 'lstat', { signal, followLast: false })),
    async readlink(path, { signal } = {}) {
      const { kind, file } = await find(path, 'readlink', { signal, followLast: false });
      if (kind !== 'symlink') throw fsError('EINVAL', 'readlink', path);
      return file?.linkTarget ?? '';
    },
    realpath: async (path, { signal } = {}) => (await find(path, 'realpath', { signal })).path,
    async access(path, mode = constants.F_OK) {
      await find(path, 'access', {});
      if ((mode & constants.W_OK) !== 0) throw fsError('EROFS', 'access', path);
    },
    createReadStream,
  };
}

const textOf = (bytes: Uint8Array, encoding: BufferEncoding): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
