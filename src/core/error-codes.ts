/** What one error code means, for docs/errors.md and for people who read the source. */
export interface ErrorCodeInfo {
  /** Name of the class that carries the code. */
  readonly errorClass:
    | 'DeviceError'
    | 'ProtocolError'
    | 'BackupSessionError'
    | 'ManifestError'
    | 'FormatError'
    | 'DatabaseError'
    | 'DatasetError'
    | 'SnapshotError'
    | 'IoError';
  /** What happened. */
  readonly meaning: string;
  /** What the caller or the user can do about it. */
  readonly remedy: string;
  /** Whether the same call may succeed later without a change to its arguments. */
  readonly transient?: true;
}

/*
 * Every code that this package's errors carry. Stable within a major version; messages are not.
 * docs/errors.md is generated from this table, and a contract test asks for a test that provokes each code.
 */
const table = {
  DEVICE_MUX_UNAVAILABLE: {
    errorClass: 'DeviceError',
    meaning: 'usbmuxd, the service that reaches devices, does not answer at its address.',
    remedy:
      'Linux: install and start usbmuxd. Windows: install Apple Devices or iTunes. Elsewhere set USBMUXD_SOCKET_ADDRESS to where it listens.',
  },
  DEVICE_TRANSPORT_UNAVAILABLE: {
    errorClass: 'DeviceError',
    meaning: 'The optional package behind the chosen transport is not there, or does not load.',
    remedy: 'Install what the message names, or use the default transport.',
  },
  DEVICE_NOT_FOUND: {
    errorClass: 'DeviceError',
    meaning: 'No device is attached, or none with that UDID.',
    remedy: 'Plug it in, unlock it, and check with `listDevices()` that it is seen.',
  },
  DEVICE_AMBIGUOUS: {
    errorClass: 'DeviceError',
    meaning: 'Several devices are attached and none was chosen.',
    remedy: 'Pass one of the UDIDs that the message lists.',
  },
  DEVICE_NOT_PAIRED: {
    errorClass: 'DeviceError',
    meaning: 'The device does not trust this host, or not any more.',
    remedy: 'Pair with `pairDevice()` or `Device.connect(udid, { pair: true })`, and tap Trust on the device.',
  },
  DEVICE_TRUST_DENIED: {
    errorClass: 'DeviceError',
    meaning: 'The owner has tapped "Don\u2019t Trust".',
    remedy: 'Unplug the device, plug it in again, and tap Trust.',
  },
  DEVICE_LOCKED: {
    errorClass: 'DeviceError',
    meaning: 'The device is locked, or has not been unlocked since it was started.',
    remedy: 'Unlock the device and try again.',
    transient: true,
  },
  DEVICE_IDENTITY_MISMATCH: {
    errorClass: 'DeviceError',
    meaning: 'What answers does not have the key of the device that was paired.',
    remedy: 'If it is the right device, forget its pair record and pair again; else something poses as it.',
  },
  DEVICE_PAIR_RECORD_INVALID: {
    errorClass: 'DeviceError',
    meaning: 'A pair record is no property list, or lacks certificates or keys.',
    remedy: 'Forget the record with `forgetDevice()` and pair again, or import a whole one.',
  },
  DEVICE_SERVICE_UNAVAILABLE: {
    errorClass: 'DeviceError',
    meaning: 'The device does not offer the service, or not now.',
    remedy:
      'See `remoteError`: the iOS version or a management profile may not allow it; unplug and plug in again where it is ServiceLimit.',
  },
  DEVICE_REFUSED: {
    errorClass: 'DeviceError',
    meaning: 'The device or usbmuxd refused a request; `remoteError` has its own word for why.',
    remedy: 'See `remoteError`.',
  },
  DEVICE_CLOSED: {
    errorClass: 'DeviceError',
    meaning: 'The device, client or connection was closed by this program.',
    remedy: 'Keep it open until all calls have ended.',
  },
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
  BACKUP_REMOTE_FAILED: {
    errorClass: 'BackupSessionError',
    meaning: 'The device has ended a backup, a restore or another request with an error.',
    remedy: 'See `remoteCode` and `remoteDescription`; the message says what helps for the codes that are known.',
  },
  BACKUP_PASSWORD_INCORRECT: {
    errorClass: 'BackupSessionError',
    meaning: 'The device did not accept the backup password (its error 207).',
    remedy: 'Give the backup password that was set when encryption was turned on; it is not the device passcode.',
  },
  BACKUP_PASSWORD_REQUIRED: {
    errorClass: 'BackupSessionError',
    meaning: 'The backup is encrypted, or is to be, and no password was given.',
    remedy: 'Pass `password`.',
  },
  BACKUP_ENCRYPTION_STATE: {
    errorClass: 'BackupSessionError',
    meaning: 'The backup password cannot be changed this way: encryption is on already, or is not on.',
    remedy: 'Give `from` where encryption is on, and only `to` where it is off.',
  },
  BACKUP_DEVICE_LOCKED: {
    errorClass: 'BackupSessionError',
    meaning: 'The device is locked, or its passcode was not entered in time (its error 208).',
    remedy: 'Unlock the device, enter the passcode when it asks for it, and try again.',
    transient: true,
  },
  BACKUP_NO_SPACE: {
    errorClass: 'BackupSessionError',
    meaning: 'There is not enough space for the backup on this computer, or for the restore on the device.',
    remedy: 'Free space and try again; the last backup is as it was.',
    transient: true,
  },
  BACKUP_CANCELLED: {
    errorClass: 'BackupSessionError',
    meaning: 'The backup or restore was cancelled on the device.',
    remedy: 'Start it again when the owner agrees; the last backup is as it was.',
    transient: true,
  },
  BACKUP_DEVICE_BUSY: {
    errorClass: 'BackupSessionError',
    meaning: 'Another program or computer is syncing or backing up the device.',
    remedy: 'Wait until it has ended, or end it, and try again.',
    transient: true,
  },
  BACKUP_UNSAFE_PATH: {
    errorClass: 'BackupSessionError',
    meaning: 'The device wanted to read or write outside of its own folder.',
    remedy: 'None is needed: it was refused. No genuine device does this; find out what was connected.',
  },
  BACKUP_INCOMPLETE: {
    errorClass: 'BackupSessionError',
    meaning: 'The backup has not been completed by the device, or lacks what a restore needs.',
    remedy: 'Make a new backup, a full one where this happens again.',
  },
  BACKUP_IN_USE: {
    errorClass: 'BackupSessionError',
    meaning: 'Another process is writing to the backup.',
    remedy: 'Wait until it has ended; if it runs no more, remove the lock file that the message names.',
    transient: true,
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
  SNAPSHOT_NOT_A_STORE: {
    errorClass: 'SnapshotError',
    meaning: 'There is no version store at the location, or a folder of that name that is none.',
    remedy: 'Check the path, or make a store with `create: true`.',
  },
  SNAPSHOT_FORMAT_UNSUPPORTED: {
    errorClass: 'SnapshotError',
    meaning: 'The store was written by a newer release, or needs a feature that this one does not know.',
    remedy: 'Use the release that the message names, or a newer one. Nothing was changed.',
  },
  SNAPSHOT_NOT_FOUND: {
    errorClass: 'SnapshotError',
    meaning: 'The store has no such version or device.',
    remedy: 'List the versions of the device; a deleted one may be in the trash still.',
  },
  SNAPSHOT_LOCKED: {
    errorClass: 'SnapshotError',
    meaning: 'Another program works on the same device or store, or reads the version that is to be removed.',
    remedy:
      'Wait until it has ended; `holder` says who it is. A lease of a dead program is taken over after 90 seconds.',
    transient: true,
  },
  SNAPSHOT_LEASE_LOST: {
    errorClass: 'SnapshotError',
    meaning: 'The computer slept or stalled so long that another program took the work over.',
    remedy: 'Start again; what was committed before is there, what was not is not.',
    transient: true,
  },
  SNAPSHOT_CORRUPT: {
    errorClass: 'SnapshotError',
    meaning: 'A record, table, pack or content of the store is damaged or missing.',
    remedy: 'Run `verify` to see which versions it concerns, and `repair` to mend what can be mended.',
  },
  SNAPSHOT_INCOMPLETE: {
    errorClass: 'SnapshotError',
    meaning: 'What was written is not a finished backup, so that no version was made of it.',
    remedy: 'Back up again; the last version and the newest backup are as they were.',
  },
  SNAPSHOT_SECRET_REQUIRED: {
    errorClass: 'SnapshotError',
    meaning: 'A content is kept as the difference of decrypted files, and the key to it was not given.',
    remedy: 'Open the store with the password, or the derived key, of the backup.',
  },
  SNAPSHOT_READ_ONLY: {
    errorClass: 'SnapshotError',
    meaning: 'The store was opened for reading, or knows a feature that this release must not write.',
    remedy: 'Open it without `readOnly`, or use a newer release.',
  },
  SNAPSHOT_UNSUPPORTED: {
    errorClass: 'SnapshotError',
    meaning: 'The location cannot do this: it has no folders, lies on two volumes, or would need a full copy.',
    remedy: 'See the message; a full copy must be allowed with `allowCopy`.',
  },
  SNAPSHOT_GUARD: {
    errorClass: 'SnapshotError',
    meaning: 'What was asked for would remove a version that is protected: pinned, open, or the only complete one.',
    remedy: 'Unpin or close it first.',
  },
  SNAPSHOT_CLOSED: {
    errorClass: 'SnapshotError',
    meaning: 'The store, run or version was closed before the call.',
    remedy: 'Keep it open until all calls have ended.',
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
  IO_NOT_FOUND: {
    errorClass: 'IoError',
    meaning: 'The device has no such file or folder.',
    remedy: 'Check the path, e.g. with `readdir()` of its parent.',
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
export type ErrorCode = keyof typeof table;

/** Codes of one class of errors, by the name of the class. */
export type CodeOf<C extends ErrorCodeInfo['errorClass']> = {
  [K in ErrorCode]: (typeof table)[K]['errorClass'] extends C ? K : never;
}[ErrorCode];

/** What each code means, for programs that explain errors to people. */
export const errorCodes: Readonly<Record<ErrorCode, ErrorCodeInfo>> = table;
