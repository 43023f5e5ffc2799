import { errorCodes, type CodeOf, type ErrorCode, type ErrorCodeInfo } from './error-codes.js';

const brand = Symbol.for('ios-backup-kit.error');

/**
 * Base of all errors of this package. Match on {@link BackupKitError.code} or with {@link isBackupKitError}
 * rather than with `instanceof`, which fails when two copies of the package are installed.
 */
export abstract class BackupKitError extends Error {
  /** Stable code, one of docs/errors.md. */
  readonly code: ErrorCode;
  /** Whether the same call may succeed later without a change to its arguments. */
  readonly transient: boolean;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    const info: ErrorCodeInfo = errorCodes[code];
    this.transient = info.transient === true;
  }

  static {
    Object.defineProperty(this.prototype, brand, { value: true });
  }
}

/** Sets `name` once on the prototype, where `Error` keeps it, not as an own field of every error. */
function nameClass(errorClass: { readonly prototype: BackupKitError }, name: ErrorCodeInfo['errorClass']): void {
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true });
}

/** A device or the daemon in front of it cannot be reached or refuses something. */
export class DeviceError extends BackupKitError {
  declare readonly code: CodeOf<'DeviceError'>;
  /** The device, where the error is about one. */
  readonly udid: string | undefined;
  /** What the connection was to, e.g. `com.apple.afc`. */
  readonly service: string | undefined;
  /** The device's own name for what is wrong, e.g. `PasswordProtected`; a number where usbmuxd gave one. */
  readonly remoteError: string | undefined;

  constructor(
    code: CodeOf<'DeviceError'>,
    message: string,
    options: ErrorOptions & {
      udid?: string | undefined;
      service?: string | undefined;
      remoteError?: string | undefined;
    } = {},
  ) {
    super(code, message, options);
    this.udid = options.udid;
    this.service = options.service;
    this.remoteError = options.remoteError;
  }

  static {
    nameClass(this, 'DeviceError');
  }
}

/** Protocols that {@link ProtocolError} speaks of. */
export type ProtocolName = 'usbmux' | 'lockdown' | 'service' | 'afc' | 'device-link' | 'mobilebackup2';

/** The other side of a connection does not keep to the protocol. */
export class ProtocolError extends BackupKitError {
  declare readonly code: CodeOf<'ProtocolError'>;
  /** The protocol that was spoken; `service` for services of property lists. */
  readonly protocol: ProtocolName;

  constructor(code: CodeOf<'ProtocolError'>, message: string, options: ErrorOptions & { protocol: ProtocolName }) {
    super(code, message, options);
    this.protocol = options.protocol;
  }

  static {
    nameClass(this, 'ProtocolError');
  }
}

/** A backup, a restore or another request to a device's backup service did not succeed. */
export class BackupSessionError extends BackupKitError {
  declare readonly code: CodeOf<'BackupSessionError'>;
  /** The device's own code (Apple's MBErrorDomain), where the device has ended the request with one. */
  readonly remoteCode: number | undefined;
  /** The device's own words. */
  readonly remoteDescription: string | undefined;

  constructor(
    code: CodeOf<'BackupSessionError'>,
    message: string,
    options: ErrorOptions & { remoteCode?: number | undefined; remoteDescription?: string | undefined } = {},
  ) {
    super(code, message, options);
    this.remoteCode = options.remoteCode;
    this.remoteDescription = options.remoteDescription;
  }

  static {
    nameClass(this, 'BackupSessionError');
  }
}

/** Where in a backup an error happened. */
export interface FileErrorOptions extends ErrorOptions {
  /** Lower-case hex SHA-1 of `domain-relativePath`. */
  fileId?: string | undefined;
  /** Backup domain, e.g. `HomeDomain`. */
  domain?: string | undefined;
  /** Path within the domain. */
  relativePath?: string | undefined;
}

/** A backup, or one file of it, cannot be opened or read. */
export class ManifestError extends BackupKitError {
  declare readonly code: CodeOf<'ManifestError'>;
  /** Lower-case hex SHA-1 of `domain-relativePath`, where the error is about one file. */
  readonly fileId: string | undefined;
  /** Backup domain, where the error is about one file. */
  readonly domain: string | undefined;
  /** Path within the domain, where the error is about one file. */
  readonly relativePath: string | undefined;

  constructor(code: CodeOf<'ManifestError'>, message: string, options: FileErrorOptions = {}) {
    super(code, message, options);
    this.fileId = options.fileId;
    this.domain = options.domain;
    this.relativePath = options.relativePath;
  }

  static {
    nameClass(this, 'ManifestError');
  }
}

/** Formats that {@link FormatError} speaks of. */
export type FormatName =
  | 'plist'
  | 'keyed-archive'
  | 'typedstream'
  | 'keybag'
  | 'key-wrap'
  | 'cbc'
  | 'mbdb'
  | 'mbfile'
  | 'sqlite'
  | 'protobuf'
  | 'archive'
  | 'store';

/** Bytes do not follow their format. */
export class FormatError extends BackupKitError {
  declare readonly code: CodeOf<'FormatError'>;
  /** The format that was being read. */
  readonly format: FormatName;
  /** Offset in bytes from the start of the data, where known. */
  readonly offset: number | undefined;

  constructor(
    code: CodeOf<'FormatError'>,
    message: string,
    options: ErrorOptions & { format: FormatName; offset?: number | undefined },
  ) {
    super(code, message, options);
    this.format = options.format;
    this.offset = options.offset;
  }

  static {
    nameClass(this, 'FormatError');
  }
}

/** A database inside a backup cannot be opened or queried. */
export class DatabaseError extends BackupKitError {
  declare readonly code: CodeOf<'DatabaseError'>;
  /** SQLite's extended result code, where SQLite gave one. */
  readonly sqliteCode: number | undefined;

  constructor(
    code: CodeOf<'DatabaseError'>,
    message: string,
    options: ErrorOptions & { sqliteCode?: number | undefined } = {},
  ) {
    super(code, message, options);
    this.sqliteCode = options.sqliteCode;
  }

  static {
    nameClass(this, 'DatabaseError');
  }
}

/** Why a dataset is not in a backup. */
export type AbsenceReason =
  'not-in-backup' | 'encrypted-only' | 'content-missing' | 'kept-in-icloud' | 'schema-unknown' | 'damaged';

/** A dataset is absent, has an unknown schema, or, in strict mode, has an undecodable row. */
export class DatasetError extends BackupKitError {
  declare readonly code: CodeOf<'DatasetError'>;
  /** `id` of the dataset. */
  readonly dataset: string;
  /** Why the dataset cannot be read; only with `DATASET_ABSENT` and `DATASET_SCHEMA_UNSUPPORTED`. */
  readonly reason: AbsenceReason | undefined;
  /** Table of the row, where the error is about one. */
  readonly table: string | undefined;
  /** ROWID, where the error is about one row. */
  readonly rowId: number | undefined;

  constructor(
    code: CodeOf<'DatasetError'>,
    message: string,
    options: ErrorOptions & {
      dataset: string;
      reason?: AbsenceReason | undefined;
      table?: string | undefined;
      rowId?: number | undefined;
    },
  ) {
    super(code, message, options);
    this.dataset = options.dataset;
    this.reason = options.reason;
    this.table = options.table;
    this.rowId = options.rowId;
  }

  static {
    nameClass(this, 'DatasetError');
  }
}

/** A version store cannot be opened, read or changed. */
export class SnapshotError extends BackupKitError {
  declare readonly code: CodeOf<'SnapshotError'>;
  /** The version in question, where the error is about one. */
  readonly version: string | undefined;
  /** Name of the damaged or missing part within the store, e.g. `objects/3d/3d0d…`. */
  readonly part: string | undefined;
  /** Who holds the lease, in words, with `SNAPSHOT_LOCKED`. */
  readonly holder: string | undefined;

  constructor(
    code: CodeOf<'SnapshotError'>,
    message: string,
    options: ErrorOptions & {
      version?: string | undefined;
      part?: string | undefined;
      holder?: string | undefined;
    } = {},
  ) {
    super(code, message, options);
    this.version = options.version;
    this.part = options.part;
    this.holder = options.holder;
  }

  static {
    nameClass(this, 'SnapshotError');
  }
}

/** A file system or store refused a read or write. */
export class IoError extends BackupKitError {
  declare readonly code: CodeOf<'IoError'>;
  /** The path in question, as the caller would write it. */
  readonly path: string;
  /** The system's own code, e.g. `ENOSPC`. */
  readonly errno: string | undefined;

  constructor(
    code: CodeOf<'IoError'>,
    message: string,
    options: ErrorOptions & { path: string; errno?: string | undefined },
  ) {
    super(code, message, options);
    this.path = options.path;
    this.errno = options.errno;
  }

  static {
    nameClass(this, 'IoError');
  }
}

/**
 * Whether `error` was thrown by this package, by any installed copy of it, and has one of `codes` where some are given.
 *
 * @example
 * if (isBackupKitError(error, 'MANIFEST_PASSWORD_INCORRECT')) askAgain();
 */
export function isBackupKitError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  ...codes: C[]
): error is BackupKitError & {
  /** The one of `codes` that it has; any where none are given. */
  readonly code: C;
} {
  if (typeof error !== 'object' || error === null || !(brand in error)) return false;
  return codes.length === 0 || codes.includes((error as unknown as BackupKitError).code as C);
}

/** Turns an error of `node:fs` about `path` into an {@link IoError}; our own errors and aborts pass through. */
export function ioError(cause: unknown, path: string, doing: string): unknown {
  if (isBackupKitError(cause) || !(cause instanceof Error) || !('code' in cause) || typeof cause.code !== 'string')
    return cause;
  const errno = cause.code;
  if (!/^E[A-Z0-9]+$/.test(errno)) return cause;
  const options = { cause, path, errno };
  switch (errno) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new IoError('IO_NO_SPACE', `No space left while ${doing} ${path}; free space and try again`, options);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new IoError(
        'IO_ACCESS_DENIED',
        `Access was denied while ${doing} ${path}; check its permissions`,
        options,
      );
    default:
      return new IoError('IO_FAILED', `The system failed (${errno}) while ${doing} ${path}`, options);
  }
}
