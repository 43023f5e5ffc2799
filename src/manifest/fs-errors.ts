import { constants } from 'node:os';
import { isBackupKitError } from '../core/errors.js';

const descriptions = {
  EACCES: 'permission denied',
  EINVAL: 'invalid argument',
  EIO: 'input/output error',
  EISDIR: 'illegal operation on a directory',
  ELOOP: 'too many symbolic links encountered',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EROFS: 'read-only file system',
} as const;

/** Codes of errors that a backup's file system gives. */
export type FsErrorCode = keyof typeof descriptions;

/** An error as `node:fs` makes them. */
export function fsError(
  code: FsErrorCode,
  syscall: string,
  path: string,
  options?: ErrorOptions,
): NodeJS.ErrnoException {
  const error = new Error(`${code}: ${descriptions[code]}, ${syscall} '${path}'`, options);
  return Object.assign(error, { code, errno: -constants.errno[code], syscall, path });
}

/** The same for an error of reading content; others, such as those of aborts and of a closed backup, pass through. */
export function readFailure(cause: unknown, syscall: string, path: string): unknown {
  if (isBackupKitError(cause, 'MANIFEST_KEY_UNAVAILABLE')) return fsError('EACCES', syscall, path, { cause });
  if (isBackupKitError(cause) && cause.code !== 'MANIFEST_CLOSED') return fsError('EIO', syscall, path, { cause });
  return cause;
}
