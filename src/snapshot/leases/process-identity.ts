import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, networkInterfaces, uptime } from 'node:os';
import { errnoOf } from '../../core/errno.js';

/** Names a process so that another one can tell whether it still runs. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the process started, in ticks since the boot, where the system tells: numbers of processes are used again. */
  readonly started?: string | undefined;
  /** Name of the computer, for people. */
  readonly host: string;
  /** Names the computer: many are called `localhost`. */
  readonly machine: string;
  /** Names the run of the system, where it tells. */
  readonly boot?: string | undefined;
  /** Seconds since the system started. */
  readonly uptime: number;
  /** Names the space of process numbers: containers have their own. */
  readonly space?: string | undefined;
}

/** Tells processes apart; tests put another one in its place. */
export interface ProcessWatch {
  /** This process. */
  readonly self: ProcessIdentity;
  /** Whether a process is certain to run no more. What cannot be told, because it runs elsewhere, is not gone. */
  readonly isGone: (process: ProcessIdentity) => boolean;
}

/** Seconds by which two readings of the same uptime may differ. */
const uptimeSlack = 60;

/** Watches the processes of this computer. */
export function systemProcesses(): ProcessWatch {
  const self = thisProcess();
  return {
    self,
    isGone(other) {
      if (other.machine !== self.machine) return false;
      if (other.boot !== self.boot) return other.boot !== undefined && self.boot !== undefined;
      // Compared with nothing but itself: the time of the boot by the clock moves when the clock is set.
      if (self.boot === undefined && other.uptime > uptime() + uptimeSlack) return true;
      return other.space === self.space && !isAlive(other);
    },
  };
}

function thisProcess(): ProcessIdentity {
  return {
    pid: process.pid,
    started: statOf(process.pid)?.started,
    host: hostname(),
    machine: machineName(),
    boot: textOf('/proc/sys/kernel/random/boot_id'),
    uptime: Math.floor(uptime()),
    space: processSpace(),
  };
}

/** A hash, since the number of a machine is not for others to know. Where it changes, holders are outwaited instead. */
function machineName(): string {
  const addresses = (): string =>
    Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter(({ internal }) => !internal)
      .map(({ mac }) => mac)
      .sort()
      .join();
  const machine = textOf('/etc/machine-id') ?? addresses();
  return createHash('sha256').update(`ios-backup-kit lease\n${hostname()}\n${machine}`).digest('hex').slice(0, 32);
}

function processSpace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    if (errnoOf(error) === 'ESRCH') return false;
  }
  const stat = statOf(pid);
  if (stat === undefined) return true;
  // Killed, and not yet collected by its parent.
  if (stat.state === 'Z' || stat.state === 'X') return false;
  return started === undefined || started === stat.started;
}

/** State and start of a process, on Linux. */
function statOf(pid: number): { state: string; started: string } | undefined {
  const text = textOf(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name of the program stands in parentheses and may hold anything; the state is field 3, the start field 22.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, started] = [fields[0], fields[19]];
  return state === undefined || started === undefined ? undefined : { state, started };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
