import { CommanderError } from 'commander';
import { errorCodes, isBackupKitError, type ErrorCode } from '../entry/index.js';
import { exitCodes, type ExitCode } from './exit-codes.js';
import { visibleText } from './output/text.js';

/** The command line is wrong in a way that the argument parser cannot see. */
export class UsageError extends Error {
  static {
    Object.defineProperty(this.prototype, 'name', { value: 'UsageError' });
  }
}

/** Nobody reads the output any more, as with `| head`: not a failure. */
export class OutputClosedError extends Error {
  static {
    Object.defineProperty(this.prototype, 'name', { value: 'OutputClosedError' });
  }
}

/** A signal asked the process to end. */
export class InterruptedError extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode) {
    super('Interrupted');
    this.exitCode = exitCode;
  }

  static {
    Object.defineProperty(this.prototype, 'name', { value: 'InterruptedError' });
  }
}

const codesByExit: ReadonlyMap<ExitCode, readonly ErrorCode[]> = new Map([
  [
    exitCodes.password,
    [
      'MANIFEST_PASSWORD_REQUIRED',
      'MANIFEST_PASSWORD_INCORRECT',
      'BACKUP_PASSWORD_REQUIRED',
      'BACKUP_PASSWORD_INCORRECT',
      'SNAPSHOT_SECRET_REQUIRED',
    ],
  ],
  [
    exitCodes.absent,
    [
      'MANIFEST_NOT_A_BACKUP',
      'MANIFEST_FILE_NOT_FOUND',
      'MANIFEST_FILE_MISSING',
      'DATASET_ABSENT',
      'SNAPSHOT_NOT_A_STORE',
      'SNAPSHOT_NOT_FOUND',
      'IO_NOT_FOUND',
    ],
  ],
  [exitCodes.noDevice, ['DEVICE_NOT_FOUND', 'DEVICE_AMBIGUOUS', 'DEVICE_MUX_UNAVAILABLE']],
  [
    exitCodes.notTrusted,
    ['DEVICE_NOT_PAIRED', 'DEVICE_TRUST_DENIED', 'DEVICE_IDENTITY_MISMATCH', 'DEVICE_PAIR_RECORD_INVALID'],
  ],
  [exitCodes.locked, ['DEVICE_LOCKED', 'BACKUP_DEVICE_LOCKED']],
  [exitCodes.refused, ['DEVICE_REFUSED', 'DEVICE_SERVICE_UNAVAILABLE', 'BACKUP_REMOTE_FAILED']],
  [exitCodes.disconnected, ['DEVICE_DISCONNECTED']],
  [exitCodes.busy, ['BACKUP_DEVICE_BUSY', 'BACKUP_IN_USE', 'SNAPSHOT_LOCKED', 'SNAPSHOT_LEASE_LOST']],
  [exitCodes.cancelled, ['BACKUP_CANCELLED']],
  [exitCodes.damaged, ['SNAPSHOT_CORRUPT']],
]);

/** Remedies that differ on the command line from those for programs; none where the message says all. */
const remedies: Partial<Record<ErrorCode, string>> = {
  MANIFEST_PASSWORD_REQUIRED:
    'set IOS_BACKUP_PASSWORD, or give --password-file, --password-fd or --key-file; on a terminal it is asked for',
  MANIFEST_FILE_DAMAGED: 'take the file from another backup, or extract it with --recover to get what is left',
  IO_NOT_FOUND: 'ios-backup afc ls shows what is in a folder',
  IO_EXISTS: 'give another target; extract has --on-existing and afc --force to replace it',
  DEVICE_MUX_UNAVAILABLE: '',
  DEVICE_AMBIGUOUS: 'choose one with --udid; ios-backup devices lists them',
  DEVICE_NOT_FOUND: 'plug it in and unlock it; ios-backup devices lists what is attached',
  DEVICE_NOT_PAIRED: 'run ios-backup pair, and tap Trust on the device',
  DEVICE_IDENTITY_MISMATCH:
    'if it is the right device, run ios-backup unpair and ios-backup pair; else something poses as it',
  DEVICE_PAIR_RECORD_INVALID: 'run ios-backup unpair and then ios-backup pair',
  BACKUP_PASSWORD_REQUIRED:
    'set IOS_BACKUP_PASSWORD, or give --password-file or --password-fd; on a terminal it is asked for',
  BACKUP_ENCRYPTION_STATE: '',
  MANIFEST_NOT_A_FILE: 'name a file; ls shows what is in a folder',
  MANIFEST_CORRUPT: 'copy the backup again from its origin, or use an older one',
  DATASET_ABSENT: '',
  DATASET_ROW_INVALID: 'leave out --strict to go on in such cases',
  SNAPSHOT_NOT_A_STORE:
    'ios-backup versions locations finds stores; ios-backup versions capture --create begins to keep versions there',
  SNAPSHOT_NOT_FOUND: 'ios-backup versions list shows what there is, with --deleted also what is in the trash',
  SNAPSHOT_LOCKED: 'wait until it has ended; what a dead program held is free after 90 seconds',
  SNAPSHOT_CORRUPT:
    'ios-backup versions verify shows what it concerns, and ios-backup versions repair mends what can be mended',
  SNAPSHOT_SECRET_REQUIRED:
    'give the password that the backup had then: IOS_BACKUP_PASSWORD, --password-file, --password-fd or --key-file; on a terminal commands that read ask for it',
  SNAPSHOT_GUARD: '',
  FORMAT_LIMIT_EXCEEDED: '',
};

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof OutputClosedError) return exitCodes.ok;
  if (error instanceof InterruptedError) return error.exitCode;
  if (error instanceof UsageError) return exitCodes.usage;
  // Help and version are thrown too, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (isBackupKitError(error)) {
    for (const [exitCode, codes] of codesByExit) if (codes.includes(error.code)) return exitCode;
  }
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return exitCodes.absent;
  return exitCodes.failure;
}

/** One line for people: what happened and what to do. */
export function failureLine(error: unknown): string {
  return visibleText(`ios-backup: ${summaryOf(error)}`).replaceAll('\n', ' ');
}

function summaryOf(error: unknown): string {
  const message = messageOf(error);
  if (!isBackupKitError(error)) return message;
  // Messages say what to do behind a semicolon, if at all.
  const semicolon = message.lastIndexOf('; ');
  const own = remedies[error.code];
  if (own === '' || (own === undefined && semicolon !== -1)) return message;
  if (own !== undefined) return `${semicolon === -1 ? message : message.slice(0, semicolon)}; ${own}`;
  const { remedy } = errorCodes[error.code];
  return `${message}; ${remedy.charAt(0).toLowerCase()}${remedy.slice(1).replace(/\.$/, '')}`;
}

/** The chain of causes, one line each, for `--verbose`. */
export function causeLines(error: unknown): string[] {
  const lines = isBackupKitError(error) ? [`  code: ${error.code}`] : [];
  const seen = new Set<unknown>([error]);
  for (let cause = causeOf(error); cause !== undefined && !seen.has(cause); cause = causeOf(cause)) {
    seen.add(cause);
    const name = cause instanceof Error ? cause.name : typeof cause;
    const code = cause instanceof Error && 'code' in cause ? ` [${String(cause.code)}]` : '';
    lines.push(`  caused by ${name}${code}: ${messageOf(cause)}`);
  }
  if (error instanceof Error && !isBackupKitError(error) && error.stack !== undefined) {
    lines.push(...error.stack.split('\n').slice(1));
  }
  return lines.map(visibleText);
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
