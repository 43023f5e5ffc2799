import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname, uptime } from 'node:os';
import { dirname } from 'node:path';
import { errnoOf } from '../core/errno.js';
import { BackupSessionError, ioError } from '../core/errors.js';

/** Locks that this process holds, by path: a lock with our number that is not among them is left over from before. */
const held = new Set<string>();

/** Slack between the clock and the time since the start of the computer, in milliseconds. */
const clockSlackMs = 5000;

/**
 * Takes the lock file at `path` and gives the function that releases it.
 *
 * @throws {@link BackupSessionError} `BACKUP_IN_USE` where another sink of this or another process has it.
 */
export function takeLock(path: string): () => void {
  const content = `${process.pid}\n${hostname()}\n${randomUUID()}\n`;
  for (let attempt = 1; !create(path, content); attempt += 1) {
    const owner = read(path);
    if (attempt > 10 || (owner !== undefined && isAlive(path, owner))) throw inUse(path, owner ?? '');
    if (owner !== undefined) removeStale(path, owner);
  }
  held.add(path);
  return () => {
    if (held.delete(path) && read(path) === content) unlinkSync(path);
  };
}

/** Whether the file was made, whole; not where it is there already. */
function create(path: string, content: string): boolean {
  const draft = `${path}.${randomUUID()}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(draft, content, { flag: 'wx', mode: 0o600 });
    try {
      linkSync(draft, path);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      // A disk without links: the file is empty for a moment.
      writeFileSync(path, content, { flag: 'wx', mode: 0o600 });
    } finally {
      unlinkSync(draft);
    }
    return true;
  } catch (error) {
    // The folder may go away in between, with the sink before this one.
    if (errnoOf(error) === 'EEXIST' || errnoOf(error) === 'ENOENT') return false;
    throw ioError(error, path, 'writing');
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw ioError(error, path, 'reading');
  }
}

function isAlive(path: string, owner: string): boolean {
  const [pid = '', host = ''] = owner.split('\n');
  const number = Number(pid);
  // Another computer on the same network folder: nothing can be said of its processes.
  if (host !== hostname()) return host !== '';
  if (number === process.pid) return held.has(path);
  const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (made < Date.now() - uptime() * 1000 - clockSlackMs) return false;
  try {
    return Number.isSafeInteger(number) && number > 0 && process.kill(number, 0);
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

/** Removes the lock of `owner`, unless another process has just taken it over. */
function removeStale(path: string, owner: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
    if (read(aside) === owner) unlinkSync(aside);
    else renameSync(aside, path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw ioError(error, path, 'removing');
  }
}

function inUse(path: string, owner: string): BackupSessionError {
  const [pid = '', host = ''] = owner.split('\n');
  return new BackupSessionError(
    'BACKUP_IN_USE',
    `Process ${pid} on ${host} is writing to this backup; wait until it has ended, or remove ${path} if it runs no more`,
  );
}
