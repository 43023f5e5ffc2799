import type { BackupDisturbance, BackupFaults, BackupPhase, BackupQuirks } from './types.js';

interface Planned {
  readonly phase: BackupPhase;
  readonly disturbance: BackupDisturbance;
  left: number;
}

/** The fault script of backups. */
export class BackupFaultScript implements BackupFaults {
  readonly quirks: BackupQuirks = {};
  #planned: Planned[] = [];

  at(phase: BackupPhase, disturbance: BackupDisturbance, options: { time?: number | undefined } = {}): void {
    const { time = 1 } = options;
    if (!Number.isSafeInteger(time) || time < 1) throw new RangeError(`time must be 1 or more, not ${time}`);
    this.#planned.push({ phase, disturbance, left: time });
  }

  clear(): void {
    this.#planned = [];
    for (const key of Object.keys(this.quirks) as (keyof BackupQuirks)[]) this.quirks[key] = undefined;
  }

  /** What happens now that a phase is reached. */
  take(phase: BackupPhase): readonly BackupDisturbance[] {
    const due = this.#planned.filter((plan) => plan.phase === phase && (plan.left -= 1) === 0);
    this.#planned = this.#planned.filter((plan) => plan.left > 0);
    return due.map(({ disturbance }) => disturbance);
  }
}
