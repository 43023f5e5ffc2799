import type { AbortOptions } from '../core/abort.js';
import type { BackupTree } from '../core/backup-tree.js';

/** How a file of the newest backup becomes part of history. @see docs/design/snapshot-store.md */
export type Placement = 'clone' | 'link' | 'move' | 'copy';

/** Where a version comes from. */
export type VersionKind = 'run' | 'found' | 'capture' | 'import' | 'edit' | 'rollback';

/** What a backup says of itself. */
export interface BackupFacts {
  /** Name of the device, as its owner has set it. */
  readonly deviceName?: string | undefined;
  /** Model identifier, e.g. `iPhone15,2`. */
  readonly productType?: string | undefined;
  /** iOS version, e.g. `17.4.1`. */
  readonly productVersion?: string | undefined;
  /** Build of iOS, e.g. `21E236`. */
  readonly buildVersion?: string | undefined;
  /** Serial number of the device. */
  readonly serialNumber?: string | undefined;
  /** Whether its files are encrypted. */
  readonly encrypted?: boolean | undefined;
  /** Whether the device says that it was a full backup. */
  readonly full?: boolean | undefined;
  /** `SnapshotState` of Status.plist in the device's words; `finished` for a complete backup. */
  readonly state?: string | undefined;
  /** When the device says that it was made, ISO 8601. */
  readonly backupDate?: string | undefined;
  /** SHA-256 of the keybag, hexadecimal: another one means that file keys of earlier runs are of no use. */
  readonly keybag?: string | undefined;
}

/** One version, without its content. */
export interface VersionInfo {
  /** Identity, e.g. `20261123T024830123Z-k3f9q2xw`; sorts by time. */
  readonly id: string;
  /** UDID of the device. */
  readonly udid: string;
  /** Where it comes from. */
  readonly kind: VersionKind;
  /** When it was made, by the clock of the host. */
  readonly created: Date;
  /** IANA name of the time zone of the host, e.g. `Europe/Berlin`. */
  readonly zone: string;
  /** The version that was the newest before. */
  readonly parent: string | undefined;
  /** SHA-256 over all names, contents and times, hexadecimal: equal for equal trees. */
  readonly root: string;
  /** Number of files. */
  readonly files: number;
  /** Sum of their sizes in bytes. */
  readonly bytes: number;
  /** Files that `parent` did not have. */
  readonly added: number;
  /** Files whose content is another one than in `parent`. */
  readonly changed: number;
  /** Files that `parent` had. */
  readonly removed: number;
  /** What the backup says of itself. */
  readonly backup: BackupFacts;
  /** Whether retention and deleting leave it alone. */
  readonly pinned: boolean;
  /** What somebody has written about it. */
  readonly note: string | undefined;
  /** Whether it lies in the trash. */
  readonly deleted: boolean;
}

/** A version whose content can be read, as a backup tree: `Backup.open(version)`. Its top is the folder of the device. */
export interface VersionTree extends BackupTree {
  /** What is known of the version. */
  readonly info: VersionInfo;
}

/** File keys of one encrypted backup, for differences between decrypted contents. */
export interface UnlockedBackup {
  /** Names the secret: SHA-256 of the keybag, hexadecimal. */
  readonly keybag: string;
  /** 32 bytes that only those have who can open the backup. */
  readonly secret: Uint8Array;
  /** AES-256 key of the file at `path` of the tree; `undefined` where it has none or is not a file of the backup. */
  fileKey(path: string, options?: AbortOptions): Promise<Uint8Array | undefined>;
  /** Releases the manifest and forgets the keys. */
  close(): Promise<void>;
}

/** What the store has to know of backups. It stores trees; this is all that makes one an iOS backup. */
export interface BackupKnowledge {
  /** What the backup says of itself; empty for a tree that is none. Never throws for what the files hold. */
  describe(tree: BackupTree, options?: AbortOptions): Promise<BackupFacts>;
  /** Names of files that lie at the top of a backup alone: by them it is found in an archive. */
  readonly marks?: readonly string[] | undefined;
  /** UDID of the device that a backup is of; `undefined` where it does not say. */
  udidOf?(tree: BackupTree, options?: AbortOptions): Promise<string | undefined>;
  /** Opens the keys of an encrypted backup; `undefined` where the password is not known or does not fit. */
  unlock?(tree: BackupTree, options?: AbortOptions): Promise<UnlockedBackup | undefined>;
}

/** Progress of long work on a store. Sizes are in bytes. */
export type StoreProgress =
  | {
      /** Looking at the files of a backup, and reading those that are not known. */
      readonly type: 'scan';
      /** Files so far. */
      readonly files: number;
      /** Bytes so far. */
      readonly bytes: number;
      /** Files in all, as far as known. */
      readonly totalFiles: number;
      /** Bytes in all. */
      readonly totalBytes: number;
    }
  | {
      /** Making contents part of history. */
      readonly type: 'store';
      /** Files so far. */
      readonly files: number;
      /** Files in all, as far as known. */
      readonly totalFiles: number;
    }
  | {
      /** Writing files of a version. */
      readonly type: 'write';
      /** Files so far. */
      readonly files: number;
      /** Bytes so far. */
      readonly bytes: number;
      /** Files in all, as far as known. */
      readonly totalFiles: number;
      /** Bytes in all. */
      readonly totalBytes: number;
    }
  | {
      /** Checking parts of the store. */
      readonly type: 'check';
      /** Parts so far. */
      readonly parts: number;
      /** Bytes so far. */
      readonly bytes: number;
      /** Parts in all. */
      readonly totalParts: number;
    }
  | {
      /** Making history smaller. */
      readonly type: 'compact';
      /** Contents so far. */
      readonly contents: number;
      /** Contents in all. */
      readonly totalContents: number;
      /** Bytes that are free by it so far. */
      readonly savedBytes: number;
    };

/** What is known of an open store. */
export interface StoreInfo {
  /** Identity of the store: 32 hexadecimal digits. */
  readonly id: string;
  /** Absolute path of the folder in which backups and store lie; `undefined` for a blob store. */
  readonly location: string | undefined;
  /** How files of the newest backup become part of history; `undefined` for a blob store. */
  readonly placement: Placement | undefined;
  /** Why it is not a better one, as sentences. */
  readonly reasons: readonly string[];
  /** When the store was made. */
  readonly created: Date;
}
