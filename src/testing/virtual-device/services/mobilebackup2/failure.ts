/** Error codes that a device answers with, of Apple's MBErrorDomain. FORMAT facts: docs/format/mobilebackup2.md, "Errors". */
export const backupErrorCode = {
  failed: 1,
  invalidArgument: 2,
  unreadableList: 11,
  restartNeeded: 102,
  transferFailed: 104,
  noSpace: 105,
  cancelled: 202,
  olderDevice: 203,
  invalidBackup: 205,
  wrongPassword: 207,
  locked: 208,
  findMyIsOn: 211,
  notSetUp: 212,
} as const;

/** Ends a request with an error. */
export class BackupFailure extends Error {
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

/** The error of a code, in words that end as a device's do. */
export function backupFailure(kind: keyof typeof backupErrorCode, text: string): BackupFailure {
  const code = backupErrorCode[kind];
  return new BackupFailure(code, `${text} (MBErrorDomain/${code})`);
}
