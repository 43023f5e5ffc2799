import { setTimeout as delay } from 'node:timers/promises';
import { cocoaSecondsFromDate } from '../../../../core/apple-time.js';
import type { Closeable } from '../../../../core/resource.js';
import { asString } from '../../../../plist/guards.js';
import type { AppSpec, DeviceSpec } from '../../../backup-builder/backup-spec.js';
import { BackupKeys } from '../../../backup-builder/keys.js';
import { planBackup, type BuildPlan } from '../../../backup-builder/plan.js';
import type { SeededRandom } from '../../../backup-builder/seeded-random.js';
import type { DomainFileSystem } from '../../file-system/domain-file-system.js';
import type { VirtualService } from '../../types.js';
import type { Agent, BackupDevice } from './agent-types.js';
import { BackupFaultScript } from './faults.js';
import { PasscodeSheet } from './passcode-sheet.js';
import { backupProfile } from './profiles.js';
import { serveBackups } from './session.js';
import type { BackupProfile, BackupRun, PasscodeAnswer, VirtualBackupOptions } from './types.js';

/** Values of lockdownd about backups. */
const backupDomain = 'com.apple.mobile.backup';

/** What an agent is made of. */
export interface BackupAgentParts {
  readonly device: BackupDevice;
  readonly fileSystem: DomainFileSystem;
  readonly random: SeededRandom;
  readonly options: VirtualBackupOptions;
  /** What is known of apps beside what the device tells: their groups and plug-ins. */
  readonly apps: readonly AppSpec[];
}

/** Makes and restores the backups of a device: what lasts from one session to the next. */
export class BackupAgent implements Agent, Closeable {
  readonly device: BackupDevice;
  readonly fileSystem: DomainFileSystem;
  readonly profile: BackupProfile;
  readonly faults = new BackupFaultScript();
  readonly runs: BackupRun[] = [];
  readonly service: VirtualService;
  readonly sheet: PasscodeSheet;
  restartPending = false;
  readonly #parts: BackupAgentParts;
  readonly #seed: string;
  readonly #busy = new Set<Promise<unknown>>();
  readonly #tasks = new Set<{ cancel(): void }>();
  readonly #keys: Promise<BackupKeys>[] = [];
  #keysAreCurrent = false;
  #keybags = 0;
  #runIds = 0;
  #password: string | undefined;

  constructor(parts: BackupAgentParts) {
    const { device, options, random } = parts;
    this.device = device;
    this.fileSystem = parts.fileSystem;
    this.profile = { ...backupProfile(device.ios), ...options.profile };
    this.sheet = new PasscodeSheet(device, options.passcode ?? 'enter', this.profile.passcodeMs);
    this.service = { handler: async (connection) => await serveBackups(this, connection) };
    this.#parts = parts;
    this.#seed = random.hex(32);
    this.#password = options.password;
    if (options.password !== undefined) this.#setValue('WillEncrypt', true);
  }

  get password(): string | undefined {
    return this.#password;
  }

  get asksForPasscode(): boolean {
    return this.sheet.isShown;
  }

  get hasCloudAccount(): boolean {
    return this.#parts.options.cloudAccount ?? true;
  }

  setPassword(password: string | undefined): void {
    if (password === '') throw new RangeError('A backup password cannot be empty');
    this.#password = password;
    this.#keysAreCurrent = false;
    this.#setValue('WillEncrypt', password !== undefined);
    this.#announceChange();
  }

  answerPasscode(answer: PasscodeAnswer): void {
    this.sheet.answerWith(answer);
  }

  cancel(): void {
    this.device.notifications.post('com.apple.itunes-client.syncCancelRequest');
    for (const task of this.#tasks) task.cancel();
  }

  async untilIdle(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy);
  }

  async close(): Promise<void> {
    for (const keys of this.#keys.splice(0)) await (await keys).close();
  }

  /** The device has restarted: what a restore has left is in place. */
  restarted(): void {
    this.restartPending = false;
  }

  async carryOut(task: { cancel(): void }, work: () => Promise<BackupRun>): Promise<void> {
    this.#tasks.add(task);
    const run = work().then((report) => this.runs.push(report));
    this.runAside(run);
    try {
      await run;
    } finally {
      this.#tasks.delete(task);
    }
  }

  runAside(work: Promise<unknown>): void {
    const settled: Promise<unknown> = work.catch(() => undefined).then(() => this.#busy.delete(settled));
    this.#busy.add(settled);
  }

  async restartAfter(hostGone: Promise<unknown>): Promise<void> {
    const timer = new AbortController();
    const waited = Promise.race([hostGone, delay(this.profile.restartDelayMs, undefined, { signal: timer.signal })])
      .catch(() => undefined)
      .finally(() => timer.abort());
    this.runAside(waited.then(async () => await this.device.restart({ ms: this.profile.restartMs })));
    await waited;
  }

  async keys(): Promise<BackupKeys> {
    const known = this.#keysAreCurrent ? this.#keys.at(-1) : undefined;
    if (known !== undefined) return await known;
    this.#keysAreCurrent = true;
    const keys = BackupKeys.create(this.#plan(`${this.#seed} keybag ${this.#keybags++}`, {}), undefined);
    this.#keys.push(keys);
    return await keys;
  }

  plan(options: { isFullBackup: boolean }): (snapshotState: string) => BuildPlan {
    const statusPlist = { UUID: this.#parts.random.fork(`run ${this.#runIds++}`).uuid() };
    const date = this.device.now();
    return (SnapshotState) =>
      this.#plan(this.#seed, { ...options, date, statusPlist: { ...statusPlist, SnapshotState } });
  }

  backupMade(): void {
    const { values } = this.device;
    this.#setValue('LastiTunesBackupDate', Math.floor(cocoaSecondsFromDate(this.device.now())));
    this.#setValue('LastiTunesBackupTZ', asString(values.get('', 'TimeZone')) ?? 'UTC');
    this.#announceChange();
  }

  setCloudBackup(isOn: boolean): void {
    this.#setValue('CloudBackupEnabled', isOn);
    this.#announceChange();
  }

  /** Lets hosts know that the values about backups have changed. */
  #announceChange(): void {
    this.device.notifications.post('com.apple.mobile.backup.domain_changed');
  }

  #setValue(key: string, value: boolean | number | string): void {
    this.device.values.set(backupDomain, key, value);
  }

  #plan(
    seed: string,
    spec: Pick<Parameters<typeof planBackup>[0], 'isFullBackup' | 'date' | 'statusPlist'>,
  ): BuildPlan {
    return planBackup({
      ...spec,
      seed,
      ios: this.device.ios,
      kdf: this.#parts.options.kdf,
      password: this.#password,
      passcodeSet: this.device.hasPasscode,
      device: this.#deviceSpec(),
      apps: this.#apps(),
    });
  }

  #deviceSpec(): DeviceSpec {
    const text = (key: string): string | undefined => asString(this.device.values.get('', key));
    return {
      udid: this.device.udid,
      name: text('DeviceName'),
      productType: text('ProductType'),
      productVersion: text('ProductVersion'),
      buildVersion: text('BuildVersion'),
      serialNumber: text('SerialNumber'),
    };
  }

  #apps(): AppSpec[] {
    const known = new Map(this.#parts.apps.map((app) => [app.bundleId, app]));
    return [...this.device.apps.values()]
      .filter(({ type }) => type === 'User')
      .map((app) => ({
        ...known.get(app.bundleId),
        bundleId: app.bundleId,
        name: app.name,
        version: asString(app.attributes.get('CFBundleVersion')),
      }));
  }
}
