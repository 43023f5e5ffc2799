import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileLeaseManager } from '../../../src/snapshot/leases/file-lease-manager.js';
import type { LeaseClock, LeaseTimings } from '../../../src/snapshot/leases/lease-clock.js';
import type { ProcessIdentity, ProcessWatch } from '../../../src/snapshot/leases/process-identity.js';
import { nodeFs } from '../../../src/snapshot/fs/node-fs.js';
import type { StoreFs } from '../../../src/snapshot/fs/store-fs.js';

/** A disk without links. */
export const withoutLinks: StoreFs = {
  ...nodeFs,
  link() {
    throw Object.assign(new Error('no links here'), { code: 'EPERM' });
  },
};

/** A folder for lease files, removed by {@link removeFolders}. */
const folders: string[] = [];
export function leaseFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leases-'));
  folders.push(folder);
  return join(folder, 'locks');
}
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
}

/** Time that passes when somebody sleeps, and stands still else. */
export class TestClock implements LeaseClock {
  #now = Math.random() * 1e6;
  #timers: { every: number; next: number; call: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.pass(ms);
    await Promise.resolve();
    signal?.throwIfAborted();
  }

  every(ms: number, call: () => void): () => void {
    const timer = { every: ms, next: this.#now + ms, call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets time pass, with its timers. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter((timer) => timer.next <= end).toSorted((a, b) => a.next - b.next)[0];
      if (next === undefined) break;
      this.#now = next.next;
      next.next += next.every;
      next.call();
    }
    this.#now = end;
  }

  /** Lets time pass for a process that stands still. */
  freeze(ms: number): void {
    this.#now += ms;
  }
}

export const someone: ProcessIdentity = {
  pid: 4711,
  started: '100',
  host: 'here',
  machine: 'machine-1',
  boot: 'boot-1',
  uptime: 1000,
  space: 'space-1',
};

/** A process among others of which some are dead. */
export function processes(self: Partial<ProcessIdentity> = {}, dead: ReadonlySet<number> = new Set()): ProcessWatch {
  const me = { ...someone, ...self };
  return { self: me, isGone: (other) => other.machine === me.machine && dead.has(other.pid) };
}

export interface TestManager {
  manager: FileLeaseManager;
  clock: TestClock;
}

/** A manager with its own time, as a program of its own would have. */
export function manager(
  folder: string,
  options: { fs?: StoreFs; clock?: TestClock; timings?: LeaseTimings; processes?: ProcessWatch } = {},
): TestManager {
  const clock = options.clock ?? new TestClock();
  return {
    clock,
    manager: new FileLeaseManager({ fs: nodeFs, folder, processes: processes(), ...options, clock }),
  };
}
