import type { PlistInput } from '../../plist/types.js';
import type { ContactSpec } from './stores/contacts.js';
import type { MessageSpec } from './stores/messages-spec.js';
import type { DatabaseSpec, FileSpec, RawRow } from './types.js';

/**
 * What {@link buildBackup} builds. Everything has a default: `{}` is a plain, finished backup of an iOS 17 iPhone without a
 * file. Equal specs give byte-identical backups.
 */
export interface BackupSpec {
  /**
   * iOS version, `17.4` by default; from 4.0. It chooses the generation: Manifest.mbdb and flat blobs before 10 (with
   * Manifest.mbdx on 4), a readable Manifest.db with obfuscated records on 10.0, a readable one on 10.1, an encrypted one from 10.2.
   */
  ios?: string | undefined;
  /** Whether the backup is encrypted: by default when there is a `password`. */
  encrypted?: boolean | undefined;
  /** Password of an encrypted backup, `password` by default. */
  password?: string | undefined;
  /**
   * Rounds of the key derivation. `fast`, the default, is 10 and 10 and opens at once; `real` is Apple's 10,000,000 (from 10.2)
   * and 10,000, which takes seconds.
   */
  kdf?: 'fast' | 'real' | KeyDerivationRounds | undefined;
  /** Everything that looks random comes from it: keys, salts, ids, generated content, times. 1 by default. */
  seed?: number | string | undefined;
  /** The device, where it differs from a plausible one of that iOS version. */
  device?: DeviceSpec | undefined;
  /** End of the run, whole seconds. By default a day on which that iOS version was current. */
  date?: Date | undefined;
  /** Whether the device had a passcode; true by default. */
  passcodeSet?: boolean | undefined;
  /** `IsFullBackup` of Status.plist; false by default. */
  isFullBackup?: boolean | undefined;
  /** How far the run came; `finished` by default. */
  snapshotState?: 'uploading' | 'moving' | 'removing' | 'finished' | undefined;
  /** `BackupState` of Status.plist; `new` by default. */
  backupState?: 'empty' | 'old' | 'new' | undefined;
  /** Apps that the user installed. */
  apps?: readonly AppSpec[] | undefined;
  /** Files, folders and links. An async iterable is read once, file by file, so any number fits. A folder comes before what is in it. */
  files?: Iterable<FileSpec> | AsyncIterable<FileSpec> | undefined;
  /** SQLite databases that are made from SQL. */
  databases?: readonly DatabaseSpec[] | undefined;
  /**
   * Messages of sms.db and their attachments, with the schema of that iOS version, from 6.0. The owner writes from the device's
   * phone number. For more options use {@link messagesStore}, `files` and `databases`.
   */
  messages?: readonly MessageSpec[] | undefined;
  /** Contacts of the address book, with the schema of that iOS version. For more options use {@link contactsStore} and `databases`. */
  contacts?: readonly ContactSpec[] | undefined;
  /** Top-level files to leave out. */
  omit?: readonly TopLevelFile[] | undefined;
  /**
   * Files written beside the backup's own, by path in the backup folder: blobs without a row, `.DS_Store`, leftovers in
   * `Snapshot/`. They replace what the builder wrote under the same path.
   */
  extraFiles?: Readonly<Record<string, Uint8Array | string>> | undefined;
  /** Rows of Manifest.db as they are, after all others. Needs a database generation. */
  rows?: readonly RawRow[] | undefined;
  /** How Manifest.db itself is written. */
  manifest?: ManifestDatabaseSpec | undefined;
  /** Keys of Info.plist that are set to another value, or left out where the value is `undefined`. */
  infoPlist?: PlistOverrides | undefined;
  /** The same for Manifest.plist. */
  manifestPlist?: PlistOverrides | undefined;
  /** The same for Status.plist. */
  statusPlist?: PlistOverrides | undefined;
}

/** Files at the top of a backup folder that a backup may lack. */
export type TopLevelFile = 'Info.plist' | 'Manifest.plist' | 'Status.plist' | 'Manifest.db' | 'Manifest.mbdb';

/** Top-level keys of a property list and their values; `undefined` removes the key. */
export type PlistOverrides = Readonly<Record<string, PlistInput | undefined>>;

/** Rounds of both PBKDF2 stages. */
export interface KeyDerivationRounds {
  /** Rounds of the HMAC-SHA256 stage, `DPIC` of the keybag; not used before iOS 10.2. */
  dpic: number;
  /** Rounds of the HMAC-SHA1 stage, `ITER` of the keybag. */
  iter: number;
}

/** The device that was backed up. Absent values are invented, and the same for the same seed. */
export interface DeviceSpec {
  /** 40 lower-case hex digits, or 8 and 16 upper-case hex digits with a dash. */
  udid?: string | undefined;
  /** Name that its owner gave it, e.g. `Sam’s iPhone`. */
  name?: string | undefined;
  /** Model identifier, e.g. `iPhone15,4`. */
  productType?: string | undefined;
  /** Marketing name, e.g. `iPhone 15`. */
  productName?: string | undefined;
  /** iOS version that the property lists state; `ios` of the spec by default. */
  productVersion?: string | undefined;
  /** Build, e.g. `21E219`. */
  buildVersion?: string | undefined;
  /** `F` and 9 upper-case hex digits by default. */
  serialNumber?: string | undefined;
  /** In the reserved range +1 555 0100 to 0199 by default. */
  phoneNumber?: string | undefined;
  /** 15 digits with the check digit last; of the range of test devices (00) by default. */
  imei?: string | undefined;
  /** Second IMEI; by default on devices of iOS 12 and later. */
  imei2?: string | undefined;
  /** 14 hex digits without a check digit; decimal ones by default. */
  meid?: string | undefined;
  /** Number of the SIM, 19 digits with the check digit last. */
  iccid?: string | undefined;
}

/** An app: in `Installed Applications` of Info.plist, and its containers in `Applications` of Manifest.plist. */
export interface AppSpec {
  /** Bundle id, e.g. `com.example.notes`. */
  bundleId: string;
  /** `CFBundleVersion`; `1` by default. */
  version?: string | undefined;
  /** Name for people; the last part of the bundle id by default. */
  name?: string | undefined;
  /** Ids of its app groups, e.g. `group.com.example.notes`. */
  groups?: readonly string[] | undefined;
  /** Bundle ids of its plug-ins, e.g. `com.example.notes.widget`. */
  plugins?: readonly string[] | undefined;
}

/** How Manifest.db is written, where it differs from a device's. */
export interface ManifestDatabaseSpec {
  /**
   * A decrypted copy as tools leave it: Manifest.db and blobs are plain, but records keep their keys and digests, Manifest.plist
   * still says `IsEncrypted` and has its `ManifestKey`, and the padding block is still behind the last page of Manifest.db.
   */
  decryptedCopy?: boolean | undefined;
  /** No primary key, no indexes and no `Properties`, as other tools write it. */
  simplifiedSchema?: boolean | undefined;
  /** Whether the header says WAL mode (bytes 18 and 19 are 2) as a device's does; true by default. */
  walHeader?: boolean | undefined;
  /** Page size in bytes, a power of two from 512 to 65,536; 4096 by default. */
  pageSize?: number | undefined;
  /** Whether the encrypted file has PKCS#7 padding; true by default. */
  padding?: boolean | undefined;
  /** Protection class of the manifest's key; 4 by default. */
  protectionClass?: number | undefined;
}
