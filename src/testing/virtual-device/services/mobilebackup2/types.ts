import type { FileRef } from '../../../../manifest/types.js';
import type { PlistInput, PlistValue } from '../../../../plist/types.js';
import type { BackupSpec } from '../../../backup-builder/backup-spec.js';

/** How backups of one iOS version go, as data. Each value can be set by itself. */
export interface BackupProfile {
  /** Version that the device offers first, major and minor. */
  readonly deviceLinkVersion: readonly [major: number, minor: number];
  /** Version of MobileBackup2 that the device picks. */
  readonly protocolVersion: number;
  /** Whether the owner has to enter the passcode for each backup. */
  readonly passcodeForBackup: boolean;
  /** Whether the owner has to enter the passcode to set, change or remove the backup password. */
  readonly passcodeForPasswordChange: boolean;
  /** Whether the device asks the host to free space although there is enough. */
  readonly probesPurge: boolean;
  /** Whether Info, List, Unback and Extract work; on current devices they fail. */
  readonly hasHostCommands: boolean;
  /** Most files of one batch. */
  readonly batchFiles: number;
  /** Most bytes of one batch; one file alone may have more. */
  readonly batchBytes: number;
  /** Milliseconds from a successful restore to the restart, at most: the host may end the connection before. */
  readonly restartDelayMs: number;
  /** Milliseconds for which the device is gone when it restarts. */
  readonly restartMs: number;
  /** Milliseconds for which the device waits for the passcode. */
  readonly passcodeMs: number;
}

/** What the owner does when the device asks for the passcode: enters it at once, dismisses the sheet, or waits to be told. */
export type PasscodeAnswer = 'enter' | 'dismiss' | 'wait';

/** How a virtual device makes backups. */
export interface VirtualBackupOptions {
  /** Backup password from the start; none by default, and backups are plain then. */
  readonly password?: string | undefined;
  /** Rounds of the key derivation, as for {@link BackupSpec.kdf}: `fast` by default. */
  readonly kdf?: BackupSpec['kdf'];
  /** What the owner does when asked for the passcode; `enter` by default. */
  readonly passcode?: PasscodeAnswer | undefined;
  /** Whether an account for cloud backups is signed in; true by default. */
  readonly cloudAccount?: boolean | undefined;
  /** Where it differs from a device of that iOS version. */
  readonly profile?: Partial<BackupProfile> | undefined;
}

/** A moment in a request at which something may be disturbed: before what it names is done. */
export type BackupPhase =
  /** The request was read, and nothing was answered. */
  | 'start'
  /** The metadata of the former backup, or of the one that is restored, is read. */
  | 'metadata'
  /** The host is asked for its free space. */
  | 'space'
  /** A batch of files is sent to the host. */
  | 'upload'
  /** The new metadata is sent. */
  | 'manifest'
  /** Files are moved from `Snapshot` to their place. */
  | 'move'
  /** What is out of date is removed. */
  | 'remove'
  /** The state of the finished backup is sent. */
  | 'finish'
  /** The metadata is read back. */
  | 'verify'
  /** A batch of files is asked for, in a restore. */
  | 'download'
  /** The answer to the request is sent. */
  | 'respond';

/** What happens at a phase, once. */
export type BackupDisturbance =
  | {
      /** The request ends with an error of Apple's MBErrorDomain. */
      readonly respond: {
        /** `ErrorCode` of the response. */
        readonly code: number;
        /** `ErrorDescription` of the response; by default it names the fault script. */
        readonly text?: string | undefined;
      };
    }
  | {
      /** A message goes out as it is. */
      readonly send: PlistInput;
      /** Whether the device waits for a status from the host; true by default. */
      readonly awaitStatus?: boolean | undefined;
    }
  | {
      /** Files go to any path of the host, hostile ones too, in a batch of their own. */
      readonly upload: readonly HostileFile[];
    }
  | {
      /** Bytes go out as they are, in place of a message. */
      readonly bytes: Uint8Array;
    }
  | {
      /** The device ends the session and gives this reason. */
      readonly disconnect: string;
    }
  | {
      /** The cable is pulled. */
      readonly pullCable: true;
    }
  | {
      /** Nothing more is sent, and the connection stays open. */
      readonly silent: true;
    };

/** A file that the device sends outside of what a backup has. */
export interface HostileFile {
  /** Path on the host, sent as it is. */
  readonly path: string;
  /** Bytes, or text as UTF-8; empty by default. */
  readonly content?: Uint8Array | string | undefined;
  /** How the file ends, where not well. */
  readonly end?:
    | {
        /** Code of the last block. */
        readonly code: number;
        /** Text of the last block; none by default. */
        readonly text?: string | undefined;
      }
    | undefined;
}

/** How a file of a backup ends early. */
export interface FileFailure {
  /** Code of the last block: 0x0B and 0x06 are known. */
  readonly code: number;
  /** The device's words; none by default. */
  readonly text?: string | undefined;
  /** Bytes of content that are sent before; all by default. */
  readonly afterBytes?: number | undefined;
}

/** What a device does otherwise than real ones, for as long as it is set. */
export interface BackupQuirks {
  /** Version of Device Link that is offered. */
  deviceLinkVersion?: readonly [major: number, minor: number] | undefined;
  /** `ProtocolVersion` of the answer to the Hello, of any type. */
  protocolVersion?: PlistValue | undefined;
  /** Error code of the answer to the Hello. */
  helloErrorCode?: number | undefined;
  /** Number of elements of the messages that announce a batch, from 1; 4 by default. */
  uploadElements?: number | undefined;
  /** `SnapshotState` that the last Status.plist states; `finished` by default. */
  snapshotState?: string | undefined;
  /** Files of the backup that end early. */
  failFile?: ((file: FileRef) => FileFailure | undefined) | undefined;
  /** Whether messages are in XML. */
  xml?: boolean | undefined;
}

/** Disturbances of backups and restores, beside those of `device.faults`. */
export interface BackupFaults {
  /** Set any of these; they stay until they are set to `undefined`. */
  readonly quirks: BackupQuirks;
  /** Lets something happen when a request reaches a phase for the n-th time from now on (the first by default). */
  at(phase: BackupPhase, disturbance: BackupDisturbance, options?: { time?: number | undefined }): void;
  /** Ends all of them. */
  clear(): void;
}

/** What a request of a host came to. */
export interface BackupRun {
  /** Name of the request, e.g. `Backup`. */
  readonly request: string;
  /** `ErrorCode` of the response; `undefined` where the host was gone before. */
  readonly errorCode: number | undefined;
  /** `ErrorDescription` of the response. */
  readonly text: string | undefined;
  /** Whether a backup began anew instead of adding to the one that the host has. */
  readonly isFull: boolean;
  /** Files whose content was sent to the host, without metadata. */
  readonly uploadedFiles: number;
  /** Bytes of these contents as they were sent, encrypted where the backup is. */
  readonly uploadedBytes: number;
  /** Items that the host was asked to move. */
  readonly moved: number;
  /** Items that the host was asked to remove. */
  readonly removed: number;
  /** Files whose content came from the host, without metadata. */
  readonly downloadedFiles: number;
  /** Longest block of file content that came from the host, in bytes; devices are ended by long ones. */
  readonly longestBlock: number;
}

/** Backups of a virtual device. */
export interface VirtualBackups {
  /** The backup password; `undefined` where backups are plain. */
  readonly password: string | undefined;
  /** Requests that have ended, first to last. */
  readonly runs: readonly BackupRun[];
  /** Whether a restore waits for a restart of the device; until then another one fails with 102. */
  readonly restartPending: boolean;
  /** Whether the device shows the sheet that asks for the passcode. */
  readonly asksForPasscode: boolean;
  /** What goes wrong in the requests to come. */
  readonly faults: BackupFaults;
  /** Sets, changes or removes the backup password as the settings of the device do: the next backup begins anew. */
  setPassword(password: string | undefined): void;
  /** What the owner does from now on when asked for the passcode; answers a sheet that is shown too. */
  answerPasscode(answer: PasscodeAnswer): void;
  /** The owner cancels the backup that is under way: hosts are told, and the run ends with 202. */
  cancel(): void;
  /** Settles when no request is under way and a restart that follows a restore is over. */
  untilIdle(): Promise<void>;
}
