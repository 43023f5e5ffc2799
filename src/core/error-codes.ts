/** What one error code means, for docs/errors.md and for people who read the source. */
export interface ErrorCodeInfo {
  /** Name of the class that carries the code. */
  readonly errorClass:
    'DeviceError' | 'ProtocolError' | 'ManifestError' | 'FormatError' | 'DatabaseError' | 'DatasetError' | 'IoError';
  /** What happened. */
  readonly meaning: string;
  /** What the caller or the user can do about it. */
  readonly remedy: string;
  /** Whether the same call may succeed later without a change to its arguments. */
  readonly transient?: true;
}

/**
 * Every code that this package's errors carry. Stable within a major version; messages are not.
 * docs/errors.md is generated from this table, and a contract test asks for a test that provokes each code.
 */
export const errorCodes = {
  DEVICE_DISCONNECTED: {
    errorClass: 'DeviceError',
    meaning: 'The connection to the device, or to one of its services, ended in the middle.',
    remedy: 'Check the cable or the network and try again.',
    transient: true,
  },
  PROTOCOL_MALFORMED: {
    errorClass: 'ProtocolError',
    meaning: 'The other side sent bytes that do not follow the protocol.',
    remedy: 'See `protocol`; close the connection and report what was connected.',
  },
  PROTOCOL_LIMIT_EXCEEDED: {
    errorClass: 'ProtocolError',
    meaning: 'The other side announced a message that is larger than is safe to take.',
    remedy: 'Close the connection; no genuine message is that large.',
  },
  MANIFEST_NOT_A_BACKUP: {
    errorClass: 'ManifestError',
    meaning: 'The folder, tree or archive holds none of the files that make a backup.',
    remedy: 'Give the folder that contains Manifest.db, Manifest.mbdb or Info.plist.',
  },
  MANIFEST_PASSWORD_REQUIRED: {
    errorClass: 'ManifestError',
    meaning: 'The backup is encrypted and neither a password nor a key was given.',
    remedy: 'Pass `password`, or a `key` from an earlier `exportKey()`.',
  },
  MANIFEST_PASSWORD_INCORRECT: {
    errorClass: 'ManifestError',
    meaning: 'The password or key does not open any class key of the keybag.',
    remedy:
      'Use the backup password that was set in Finder or iTunes when encryption was turned on; it is not the device passcode.',
  },
  MANIFEST_CORRUPT: {
    errorClass: 'ManifestError',
    meaning: 'The manifest or one of the property lists beside it cannot be read, although the password is right.',
    remedy: 'Copy the backup again from its origin, or open an older version of it.',
  },
  MANIFEST_DECRYPTION_FAILED: {
    errorClass: 'ManifestError',
    meaning: 'Manifest.db does not decrypt to a database, although the password and all keys are right.',
    remedy: 'The file was altered or belongs to another backup: copy the whole backup again from its origin.',
  },
  MANIFEST_VERSION_UNSUPPORTED: {
    errorClass: 'ManifestError',
    meaning: 'The backup has a format that this package does not read.',
    remedy: 'Check docs/format for the generations that are supported.',
  },
  MANIFEST_ACCESS_DENIED: {
    errorClass: 'ManifestError',
    meaning: 'The operating system does not let this process read the backup folder.',
    remedy:
      'On macOS, allow the terminal or app in System Settings, Privacy & Security, Full Disk Access; elsewhere check the permissions of the folder.',
  },
  MANIFEST_FILE_NOT_FOUND: {
    errorClass: 'ManifestError',
    meaning: 'The manifest has no such file.',
    remedy: 'List the domain to see what it holds.',
  },
  MANIFEST_FILE_MISSING: {
    errorClass: 'ManifestError',
    meaning: 'The manifest lists the file but its content is not in the backup.',
    remedy: 'The backup was filtered or interrupted; take the file from another backup.',
  },
  MANIFEST_FILE_DAMAGED: {
    errorClass: 'ManifestError',
    meaning: 'The stored content of the file or its record cannot be decrypted or decoded.',
    remedy: 'Take the file from another backup, or read it with `recover: true` to get what is left.',
  },
  MANIFEST_NOT_A_FILE: {
    errorClass: 'ManifestError',
    meaning: 'The content of a folder or of a symbolic link was asked for.',
    remedy: 'Check `kind` before reading.',
  },
  MANIFEST_KEY_UNAVAILABLE: {
    errorClass: 'ManifestError',
    meaning: 'The file is encrypted with a class key that the keybag does not have or that only the device can open.',
    remedy: 'Nothing can be done off the device; the other files are not affected.',
  },
  MANIFEST_CLOSED: {
    errorClass: 'ManifestError',
    meaning: 'The backup was closed.',
    remedy: 'Keep the backup open until all reads have ended.',
  },
  FORMAT_INVALID: {
    errorClass: 'FormatError',
    meaning: 'Bytes do not follow their format: truncated, contradictory or damaged.',
    remedy: 'See `format` and `offset`; take the data from another copy.',
  },
  FORMAT_UNSUPPORTED: {
    errorClass: 'FormatError',
    meaning: 'The data says that it has a version or kind that this package does not read.',
    remedy: 'Report it with the version number; newer releases may read it.',
  },
  FORMAT_LIMIT_EXCEEDED: {
    errorClass: 'FormatError',
    meaning: 'A length, count or depth in the data is beyond what is safe to process.',
    remedy: 'If the data is genuine, raise the limit that the message names.',
  },
  DATABASE_CORRUPT: {
    errorClass: 'DatabaseError',
    meaning: 'SQLite cannot read the database, or not the part that was asked for.',
    remedy: 'What was read before the error is valid; take the rest from another backup.',
  },
  DATABASE_QUERY_FAILED: {
    errorClass: 'DatabaseError',
    meaning: 'SQLite rejected a statement: a missing table or column, bad SQL, or an attempt to write.',
    remedy: 'Check the statement against the schema; databases of a backup are read-only.',
  },
  DATABASE_CLOSED: {
    errorClass: 'DatabaseError',
    meaning: 'The database was closed.',
    remedy: 'Keep the database open until all queries have ended.',
  },
  DATABASE_TOO_LARGE: {
    errorClass: 'DatabaseError',
    meaning: 'The database does not fit into the memory that its driver may use.',
    remedy: 'Use the default driver on a source that can be read synchronously, or raise the limit.',
  },
  DATABASE_DRIVER_UNAVAILABLE: {
    errorClass: 'DatabaseError',
    meaning: 'The package or Node.js module behind the chosen driver is not there.',
    remedy: 'Install the package that the message names, or use the default driver.',
  },
  DATASET_ABSENT: {
    errorClass: 'DatasetError',
    meaning: 'The backup does not hold the dataset; `reason` says why.',
    remedy: 'Ask `probe()` first; where the reason is `encrypted-only`, make an encrypted backup.',
  },
  DATASET_SCHEMA_UNSUPPORTED: {
    errorClass: 'DatasetError',
    meaning: 'The database of the dataset lacks tables or columns without which nothing can be read.',
    remedy: 'Report the iOS version and the schema.',
  },
  DATASET_ROW_INVALID: {
    errorClass: 'DatasetError',
    meaning: 'A row or field could not be decoded and `strict` was asked for.',
    remedy: 'Leave `strict` off and collect such rows with `onIssue`.',
  },
  IO_NO_SPACE: {
    errorClass: 'IoError',
    meaning: 'The target disk or quota is full.',
    remedy: 'Free space and try again; nothing half-written was left under a final name.',
    transient: true,
  },
  IO_ACCESS_DENIED: {
    errorClass: 'IoError',
    meaning: 'The operating system refused to read or write the path.',
    remedy: 'Check the permissions of the path in the message.',
  },
  IO_FAILED: {
    errorClass: 'IoError',
    meaning: 'A read or write failed for another reason; `cause` has the system error.',
    remedy: 'Check the disk or the network share.',
  },
  IO_EXISTS: {
    errorClass: 'IoError',
    meaning: 'The target has a file of that name already, and it was not to be replaced.',
    remedy: 'Choose an empty target, or say with `onExisting` what is to happen.',
  },
  IO_UNSAFE_PATH: {
    errorClass: 'IoError',
    meaning: 'A path would leave the folder that it belongs to.',
    remedy: 'None is needed: nothing was read or written outside.',
  },
} as const satisfies Record<string, ErrorCodeInfo>;

/** A stable error code. */
export type ErrorCode = keyof typeof errorCodes;
