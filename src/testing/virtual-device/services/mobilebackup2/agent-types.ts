import type { BackupKeys } from '../../../backup-builder/keys.js';
import type { BuildPlan } from '../../../backup-builder/plan.js';
import type { DomainFileSystem } from '../../file-system/domain-file-system.js';
import type { VirtualDevice } from '../../types.js';
import type { BackupFaultScript } from './faults.js';
import type { PasscodeSheet } from './passcode-sheet.js';
import type { BackupProfile, BackupRun, VirtualBackups } from './types.js';

/** The device that an agent makes backups of. */
export type BackupDevice = Pick<
  VirtualDevice,
  | 'udid'
  | 'ios'
  | 'hasPasscode'
  | 'lockState'
  | 'values'
  | 'apps'
  | 'notifications'
  | 'now'
  | 'detach'
  | 'restart'
  | 'forgetHost'
>;

/** What the requests of a host use of the device's side: what lasts from one session to the next. */
export interface Agent extends VirtualBackups {
  readonly device: BackupDevice;
  readonly fileSystem: DomainFileSystem;
  readonly profile: BackupProfile;
  readonly faults: BackupFaultScript;
  readonly sheet: PasscodeSheet;
  readonly hasCloudAccount: boolean;
  restartPending: boolean;
  /** Carries out a request, and keeps what it came to. */
  carryOut(task: { cancel(): void }, work: () => Promise<BackupRun>): Promise<void>;
  /** Lets something go on beside the sessions; `untilIdle` waits for it. */
  runAside(work: Promise<unknown>): void;
  /** Restarts the device when the host is gone, or after a time; settles when it begins to. */
  restartAfter(hostGone: Promise<unknown>): Promise<void>;
  /** The keys of the present password; the keybag stays the same until it is changed. */
  keys(): Promise<BackupKeys>;
  /** What the property lists of a run state, for a snapshot state. */
  plan(options: { isFullBackup: boolean }): (snapshotState: string) => BuildPlan;
  /** Tells lockdownd of a backup that was made. */
  backupMade(): void;
  /** Switches cloud backups. */
  setCloudBackup(isOn: boolean): void;
}
