import { DeviceError, IoError } from '../../core/errors.js';
import { afcStatus } from './protocol.js';

/* FORMAT facts: docs/format/afc.md. */

/** The system's name for a status, as `node:fs` has it. */
const errnos: Readonly<Record<number, string>> = {
  [afcStatus.unknownError]: 'EUNKNOWN',
  [afcStatus.invalidArgument]: 'EINVAL',
  [afcStatus.notFound]: 'ENOENT',
  [afcStatus.isDirectory]: 'EISDIR',
  [afcStatus.permissionDenied]: 'EACCES',
  [afcStatus.notSupported]: 'ENOTSUP',
  [afcStatus.exists]: 'EEXIST',
  [afcStatus.noSpace]: 'ENOSPC',
  [afcStatus.wouldBlock]: 'EAGAIN',
  [afcStatus.ioError]: 'EIO',
  [afcStatus.noResources]: 'EMFILE',
};

/** The error for a status that is not `ok`. */
export function afcError(status: number, { path, doing }: { path: string; doing: string }): IoError {
  const errno = errnos[status];
  const options = { path, errno };
  switch (status) {
    case afcStatus.notFound:
      return new IoError('IO_NOT_FOUND', `The device has no ${path}`, options);
    case afcStatus.permissionDenied:
      return new IoError('IO_ACCESS_DENIED', `The device does not allow ${doing} ${path}`, options);
    case afcStatus.noSpace:
      return new IoError('IO_NO_SPACE', `The device is full while ${doing} ${path}; free space on it`, options);
    case afcStatus.exists:
      return new IoError('IO_EXISTS', `The device has ${path} already`, options);
    default:
      return new IoError('IO_FAILED', `The device failed (AFC status ${status}) while ${doing} ${path}`, options);
  }
}

/** The error for a client or a file that was closed. */
export function afcClosed(what: string): DeviceError {
  return new DeviceError('DEVICE_CLOSED', `${what} was closed`);
}
