import type { CodeOf } from '../core/error-codes.js';
import { BackupSessionError, isBackupKitError } from '../core/errors.js';
import type { BackupResponse } from './mobilebackup2.js';

/** What is known of an error of the device. */
interface RemoteErrorInfo {
  readonly code: CodeOf<'BackupSessionError'>;
  readonly meaning: string;
  readonly advice: string;
}

/** Codes of Apple's MBErrorDomain. FORMAT facts: docs/format/device-link.md. */
const remoteErrors = new Map<number, RemoteErrorInfo>([
  [1, failed('The device gave no particular reason', 'see its own words')],
  [2, failed('The device did not accept the request', 'see its own words')],
  [3, failed('The device could not make a snapshot of itself', 'restart the device and try again')],
  [4, failed('The device did not find a file of the backup', 'verify the backup')],
  [11, failed('The device cannot read the metadata of the backup', 'make a full backup, or restore another version')],
  [100, failed('The system of the device failed', 'see its own words')],
  [102, failed('The device has not finished an earlier restore', 'restart the device and try again')],
  [103, failed('The device cannot read the state of the backup', 'make a full backup')],
  [104, failed('The device could not send all files', 'look at the issues, check the disk and try again')],
  [105, info('BACKUP_NO_SPACE', 'There is not enough free space', 'free space on this computer or on the device')],
  [106, info('BACKUP_NO_SPACE', 'There is not enough free space on the device', 'free space on the device')],
  [202, info('BACKUP_CANCELLED', 'The request was cancelled on the device', 'start it again')],
  [203, failed('The backup is of a newer iOS than that of the device', 'update the device first')],
  [205, failed('The backup is damaged or incomplete for the device', 'verify the backup, or make a full one')],
  [207, info('BACKUP_PASSWORD_INCORRECT', 'The backup password is wrong or missing', 'give the right one')],
  [208, info('BACKUP_DEVICE_LOCKED', 'The device is locked', 'unlock it, and enter the passcode when it asks for it')],
  [209, failed('A key is missing on the device', 'make a full backup')],
  [211, failed('Find My is on', 'turn it off in the settings of the device before a restore')],
  [212, failed('The device is not set up', 'finish its setup assistant first')],
]);

/** The error for a response that is no success; the password never appears in it. */
export function remoteError(response: BackupResponse, cause?: unknown): BackupSessionError {
  const { errorCode, errorDescription } = response;
  const known =
    remoteErrors.get(errorCode) ?? failed('The device ended the request with an error', 'see its own words');
  const words = errorDescription === undefined ? '' : `: ${errorDescription}`;
  return new BackupSessionError(known.code, `${known.meaning} (${errorCode})${words}; ${known.advice}`, {
    remoteCode: errorCode,
    remoteDescription: errorDescription,
    cause,
  });
}

/**
 * Throws for a request that did not succeed: what failed on this computer first, unless the device has a reason of its own that
 * has nothing to do with it.
 */
export function throwFailure({ response, failure }: { response: BackupResponse; failure: unknown }): void {
  if (failure !== undefined && !ownReasons.has(response.errorCode)) throw localError(failure, response);
  if (response.errorCode !== 0) throw remoteError(response, failure);
}

/** Cancelled, wrong password, locked. */
const ownReasons = new Set([202, 207, 208]);

/** The error for something that could not be done on this computer, with what the device made of it. */
function localError(failure: unknown, response: BackupResponse): BackupSessionError {
  const remote = { remoteCode: response.errorCode, remoteDescription: response.errorDescription, cause: failure };
  const why = failure instanceof Error ? failure.message : String(failure);
  if (isBackupKitError(failure, 'IO_UNSAFE_PATH'))
    return new BackupSessionError('BACKUP_UNSAFE_PATH', `The device was refused something: ${why}`, remote);
  if (isBackupKitError(failure, 'IO_NO_SPACE')) return new BackupSessionError('BACKUP_NO_SPACE', why, remote);
  return new BackupSessionError('BACKUP_INCOMPLETE', `Not all could be written: ${why}`, remote);
}

function failed(meaning: string, advice: string): RemoteErrorInfo {
  return info('BACKUP_REMOTE_FAILED', meaning, advice);
}

function info(code: RemoteErrorInfo['code'], meaning: string, advice: string): RemoteErrorInfo {
  return { code, meaning, advice };
}
