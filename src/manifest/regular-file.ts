import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { uninitialisedBytes } from '../core/bytes.js';
import { ioError, ManifestError } from '../core/errors.js';
import { checkLimit } from '../core/limits.js';

/**
 * Never through a link at the end of the path, and without waiting for the other end of a pipe. Windows has neither flag:
 * links are told there by `lstat`, and pipes are no files of a folder.
 */
// oxlint-disable-next-line typescript/no-unnecessary-condition -- absent on Windows
export const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** What a link, a folder in place of a file, or nothing at all gives when it is opened. */
const absentCodes = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EMLINK', 'EISDIR', 'ENXIO', 'ENAMETOOLONG']);

/** Whether an error of `node:fs` says that there is no such file or folder. */
export function isAbsent(error: unknown): boolean {
  return absentCodes.has(errnoOf(error) ?? '');
}

const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** The error for a path that the system does not let us read, with what to do about it on this platform. */
export function accessDenied(
  path: string,
  cause: unknown,
  platform: NodeJS.Platform = process.platform,
): ManifestError {
  const remedy =
    platform === 'darwin'
      ? 'allow this terminal or app in System Settings, Privacy & Security, Full Disk Access, start it again'
      : 'check the permissions of the folder';
  return new ManifestError('MANIFEST_ACCESS_DENIED', `The system does not allow to read ${path}; ${remedy}`, { cause });
}

/** Wraps an error of `node:fs` about `path`. */
export function readError(error: unknown, path: string, doing: string): unknown {
  const code = errnoOf(error);
  return code === 'EPERM' || code === 'EACCES' ? accessDenied(path, error) : ioError(error, path, doing);
}

/**
 * The whole content of a regular file by synchronous calls, never through a link: `undefined` where there is no such file,
 * `large` where it has more than `largest` bytes. The result is a part of `room` where that is large enough.
 *
 * @throws {@link FormatError} where it has more than `limit` bytes; `name` is for messages.
 */
export function readRegularFile(
  full: string,
  file: { name: string; limit: number; largest: number; room: Uint8Array | undefined },
): Uint8Array | 'large' | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(full, openFlags);
    const stat = fstatSync(fd);
    if (!stat.isFile()) return undefined;
    checkLimit(stat.size, file.limit, { what: `The size of ${file.name}`, format: 'archive' });
    if (stat.size > file.largest) return 'large';
    const { room } = file;
    const bytes =
      room !== undefined && stat.size <= room.length ? room.subarray(0, stat.size) : uninitialisedBytes(stat.size);
    let filled = 0;
    while (filled < bytes.length) {
      const bytesRead = readSync(fd, bytes, filled, bytes.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled === bytes.length ? bytes : bytes.slice(0, filled);
  } catch (error) {
    if (fd === undefined && isAbsent(error)) return undefined;
    throw readError(error, full, fd === undefined ? 'opening' : 'reading');
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
