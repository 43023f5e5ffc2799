import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { errnoOf } from '../../core/errno.js';
import { ioError, isBackupKitError } from '../../core/errors.js';
import { removeQuietly } from '../fs/durable.js';
import type { StoreFs } from '../fs/store-fs.js';
import { FileLease } from './file-lease.js';
import { leaseTimings, processClock, type LeaseClock, type LeaseTimings } from './lease-clock.js';
import {
  checkScope,
  describeHolder,
  encodeHeader,
  lastNumber,
  leasePath,
  parseLeaseName,
  readLease,
  type LeaseName,
} from './lease-file.js';
import type { Lease, LeaseManager, LeaseOptions } from './lease-manager.js';
import { LeaseWatch } from './lease-watch.js';
import { systemProcesses, type ProcessWatch } from './process-identity.js';
import { waitForLease, type Blocked } from './wait-for-lease.js';

/** Options of {@link FileLeaseManager}. */
export interface FileLeaseManagerOptions {
  readonly fs: StoreFs;
  /** The folder of the lease files, `locks` of the store; made where it is missing. */
  readonly folder: string;
  readonly clock?: LeaseClock | undefined;
  readonly timings?: LeaseTimings | undefined;
  readonly processes?: ProcessWatch | undefined;
}

/** A lease file of somebody. */
interface SeenLease extends LeaseName {
  readonly path: string;
  readonly holder: string;
  readonly token: string | undefined;
  /** Whether it may be taken over. */
  readonly stale: boolean;
}

/**
 * Leases as files in a folder that programs, also of several computers, share.
 *
 * An exclusive lease is `<scope>.exclusive-<n>`, a shared one `<scope>.shared-<token>`. Each program first makes its own file
 * and then looks for those of others, so that of two at least one sees the other and withdraws. `n` is one more than that of
 * the stale leases that were found: of several that take the same ones over one can make the file. No file of another is
 * touched before the own one holds, so that a slow program cannot move a new lease away that it takes for the old one.
 */
export class FileLeaseManager implements LeaseManager {
  readonly #fs: StoreFs;
  readonly #folder: string;
  readonly #clock: LeaseClock;
  readonly #timings: LeaseTimings;
  readonly #processes: ProcessWatch;
  readonly #watch: LeaseWatch;

  constructor(options: FileLeaseManagerOptions) {
    this.#fs = options.fs;
    this.#folder = options.folder;
    this.#clock = options.clock ?? processClock;
    this.#timings = options.timings ?? leaseTimings;
    this.#processes = options.processes ?? systemProcesses();
    this.#watch = new LeaseWatch({ clock: this.#clock, timings: this.#timings, processes: this.#processes });
  }

  async acquire(options: LeaseOptions): Promise<Lease> {
    checkScope(options.scope);
    const timing = { clock: this.#clock, pollMs: this.#timings.pollMs };
    try {
      this.#fs.makeFolder(this.#folder);
      return await waitForLease(options, timing, async (untilMs) =>
        options.mode === 'exclusive' ? await this.#exclusive(options, untilMs) : this.#shared(options),
      );
    } catch (error) {
      throw ioError(error, this.#folder, 'taking a lease in');
    }
  }

  async held(): Promise<ReadonlyMap<string, readonly string[]>> {
    const holders = new Map<string, string[]>();
    try {
      for (const { scope, kind, holder, stale } of this.#look()) {
        if (stale || kind === 'draft') continue;
        holders.set(scope, [...(holders.get(scope) ?? []), holder]);
      }
    } catch (error) {
      throw ioError(error, this.#folder, 'reading the leases in');
    }
    return holders;
  }

  async #exclusive(options: LeaseOptions, untilMs: number): Promise<Lease | Blocked> {
    const own = this.#createExclusive(options);
    if (!(own instanceof FileLease)) return own;
    // Ours is there: no new shared lease comes now, and those that came at the same moment withdraw.
    const patienceMs = Math.max(untilMs, this.#clock.now() + this.#timings.settleMs);
    try {
      for (;;) {
        const others = this.#others(own);
        const blocker = others.find(({ kind, stale }) => kind !== 'draft' && !stale);
        this.#remove(others);
        // Where this process has slept meanwhile, another one may have taken over.
        own.check();
        if (blocker === undefined) return own;
        const leftMs = patienceMs - this.#clock.now();
        if (leftMs <= 0) {
          own.releaseNow();
          return blocker;
        }
        await this.#clock.sleep(Math.min(leftMs, this.#timings.pollMs), options.signal);
      }
    } catch (error) {
      own.releaseNow();
      if (isBackupKitError(error, 'SNAPSHOT_LEASE_LOST')) return { holder: 'a program that took it over' };
      throw error;
    }
  }

  /** Makes the file of an exclusive lease, where no other one has an exclusive lease. Does not look at shared ones. */
  #createExclusive(options: LeaseOptions): FileLease | Blocked {
    const isLive = ({ kind, stale }: SeenLease): boolean => kind === 'exclusive' && !stale;
    const before = this.#look(options.scope);
    const holder = before.find(isLive);
    if (holder !== undefined) return holder;
    const number = 1 + Math.max(0, ...before.map(({ number }) => number));
    // No program of ours comes that far: somebody has made such a file.
    if (number > lastNumber) return { holder: `a file in ${this.#folder} that must be removed by hand` };
    const path = leasePath(this.#folder, options.scope, `exclusive-${number}`);
    const own = this.#create(options, path);
    if (own === undefined) return { holder: describeHolder(readLease(this.#fs, path)?.header) };
    const others = this.#others(own);
    const rival = others.find(isLive);
    if (rival === undefined) {
      // Before the wait for shared ones, so that a holder that wakes up finds that it lost.
      this.#remove(others);
      return own;
    }
    own.releaseNow();
    return rival;
  }

  #shared(options: LeaseOptions): FileLease | Blocked {
    const path = leasePath(this.#folder, options.scope, `shared-${randomUUID()}`);
    const own = this.#create(options, path);
    if (own === undefined) return { holder: 'a program that came at the same moment' };
    const exclusive = this.#others(own).filter(({ kind }) => kind === 'exclusive');
    const holder = exclusive.find(({ stale }) => !stale);
    if (holder !== undefined) {
      own.releaseNow();
      return holder;
    }
    this.#remove(exclusive);
    return own;
  }

  /** Makes a lease file with its content; `undefined` where another program was first. */
  #create({ scope, purpose }: LeaseOptions, path: string): FileLease | undefined {
    const token = randomUUID();
    const header = encodeHeader({ token, purpose, holder: this.#processes.self });
    const draft = leasePath(this.#folder, scope, `draft-${token}`);
    let writer = this.#fs.create(draft, 0o600);
    try {
      writer.write(header);
      if (!this.#link(draft, path)) {
        writer.close();
        // A disk without links: the file is empty for a moment, and its holder unknown.
        writer = this.#fs.create(path, 0o600);
        writer.write(header);
      }
    } catch (error) {
      writer.close();
      // ENOENT: the draft was taken for that of a dead process.
      if (errnoOf(error) === 'EEXIST' || errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    } finally {
      removeQuietly(this.#fs, draft);
    }
    return new FileLease(
      { scope, token, path, writer },
      { fs: this.#fs, clock: this.#clock, beatMs: this.#timings.beatMs },
    );
  }

  /** Whether the disk has links. @throws the error of the system, `EEXIST` where the name is taken. */
  #link(from: string, to: string): boolean {
    try {
      this.#fs.link(from, to);
      return true;
    } catch (error) {
      const code = errnoOf(error);
      // A network share may have made the link and lost the answer.
      if (code === 'EEXIST' && this.#fs.facts(from)?.links === 2) return true;
      if (code === 'EEXIST' || code === 'ENOENT' || code === 'ENOSPC' || code === 'EDQUOT') throw error;
      return false;
    }
  }

  /** The leases of the same scope that are not `own`. */
  #others(own: FileLease): SeenLease[] {
    return this.#look(own.scope).filter(({ token }) => token !== own.token);
  }

  /** All leases, or those of a scope. */
  #look(scope?: string): SeenLease[] {
    const seen: SeenLease[] = [];
    const paths = new Set<string>();
    for (const { name, kind } of this.#fs.entries(this.#folder)) {
      const parts = parseLeaseName(name);
      if (parts === undefined) continue;
      const path = join(this.#folder, name);
      paths.add(path);
      if (scope !== undefined && parts.scope !== scope) continue;
      const state = kind === 'file' ? readLease(this.#fs, path) : undefined;
      if (state !== undefined) {
        const stale = this.#watch.isStale(path, state);
        seen.push({ ...parts, path, stale, holder: describeHolder(state.header), token: state.header?.token });
      } else if (this.#fs.facts(path) !== undefined) {
        // A folder or link is no lease, but its name is taken.
        seen.push({ ...parts, path, stale: true, holder: describeHolder(undefined), token: undefined });
      }
    }
    this.#watch.keepOnly(paths);
    return seen;
  }

  /** Removes leases that were taken over. */
  #remove(leases: readonly SeenLease[]): void {
    for (const { path, stale } of leases) if (stale) removeQuietly(this.#fs, path);
  }
}
