import { isBackupKitError } from '../../core/errors.js';
import type { PlistInput } from '../../plist/types.js';
import { statusCode } from './wire.js';

/** What is answered to a device. */
export interface Status {
  readonly code: number;
  /** For people who read the device's log; in the language of its system, which is English. */
  readonly text?: string | undefined;
  readonly payload?: PlistInput | undefined;
}

/** Codes and words of errors, as devices know them. FORMAT facts: docs/format/device-link.md. */
const statusByErrno: Readonly<Record<string, Status>> = {
  ENOENT: { code: statusCode.notFound, text: 'No such file or directory' },
  EEXIST: { code: statusCode.exists, text: 'File exists' },
  ENOTDIR: { code: statusCode.notADirectory, text: 'Not a directory' },
  EISDIR: { code: statusCode.isADirectory, text: 'Is a directory' },
  ELOOP: { code: statusCode.tooManyLinks, text: 'Too many levels of symbolic links' },
  EIO: { code: statusCode.io, text: 'Input/output error' },
  ENOSPC: { code: statusCode.noSpace, text: 'No space left on device' },
  EDQUOT: { code: statusCode.noSpace, text: 'No space left on device' },
};

/** There is no such file. */
export const notFound: Status = { code: statusCode.notFound, text: 'No such file or directory' };

/** The status for an error on this side. Paths of this computer are not told to the device. */
export function statusOfError(error: unknown): Status {
  if (isBackupKitError(error, 'IO_UNSAFE_PATH')) return { code: statusCode.failed, text: 'Operation not permitted' };
  const errno = error instanceof Error && 'errno' in error ? error.errno : undefined;
  const known = typeof errno === 'string' ? statusByErrno[errno] : undefined;
  if (known !== undefined) return known;
  return isBackupKitError(error, 'IO_FAILED') ? { code: statusCode.io, text: 'Input/output error' } : failed;
}

const failed: Status = { code: statusCode.failed, text: 'Operation failed' };
