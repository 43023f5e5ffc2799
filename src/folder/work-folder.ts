import { closeSync, openSync, readdirSync, renameSync, rmdirSync, unlinkSync, type Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { yieldToEventLoop } from '../core/abort.js';
import { errnoOf } from '../core/errno.js';
import { syncFileSystem } from '../core/sync-file-system.js';
import { lstatOf, syncPath } from './file-system.js';
import { takeLock } from './work-lock.js';

const lockName = 'lock';

/** Files that are brought to the disk at a time. */
const syncsAtOnce = 16;

/** Files from which on the whole file system is synced where it can be: for fewer, what others have written would count more. */
const manyFiles = 256;

/** Names handled between two turns of the event loop. */
const namesPerTurn = 256;

/** The folder with the changes of a run, held for one sink. @see docs/design/backup-sink.md */
export class WorkFolder {
  readonly path: string;
  readonly #root: string;
  readonly #release: () => void;
  #handled = 0;

  private constructor(path: string, root: string, release: () => void) {
    this.path = path;
    this.#root = root;
    this.#release = release;
  }

  /**
   * Takes the folder at `path` for the backups below `root`: completes what a killed process had committed, and throws away
   * what it had not.
   *
   * @throws BackupSessionError `BACKUP_IN_USE` where another sink holds it.
   */
  static async take(path: string, root: string): Promise<WorkFolder> {
    const folder = new WorkFolder(path, root, takeLock(join(path, lockName)));
    try {
      if (lstatOf(folder.#ready) !== undefined) await folder.apply({ durable: true });
      await folder.discard();
      return folder;
    } catch (error) {
      folder.#release();
      throw error;
    }
  }

  /** Throws away the changes: all but the lock. */
  async discard(): Promise<void> {
    for (const name of readdirSync(this.path)) if (name !== lockName) await removeTree(join(this.path, name));
  }

  /** From here on the run is complete, also where the process ends now. */
  async markReady({ durable }: { durable: boolean }): Promise<void> {
    const draft = join(this.path, 'ready.new');
    closeSync(openSync(draft, 'w', 0o600));
    renameSync(draft, this.#ready);
    if (durable) await syncPath(this.path);
  }

  /**
   * Brings content and names of what is new, `files` files, to the disk: many by one call where the system has it, and
   * otherwise several at a time, so that the disk takes them together.
   */
  async syncNew({ files }: { files: number }): Promise<void> {
    if (files >= manyFiles && (await syncFileSystem(this.path))) return;
    const running = new Set<Promise<void>>();
    let failure: unknown;
    await this.#walk('new', async (full) => {
      if (running.size >= syncsAtOnce) await Promise.race(running);
      const sync: Promise<void> = syncPath(full)
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => running.delete(sync));
      running.add(sync);
    });
    await Promise.all(running);
    if (failure !== undefined) throw failure;
  }

  /** Makes the changes of a complete run to the backup; may be repeated where it was interrupted. */
  async apply({ durable }: { durable: boolean }): Promise<void> {
    const gone = join(this.path, 'gone');
    await this.#walk('gone', async (_full, path, entry) => {
      if (entry.isFile()) await removeTree(join(this.#root, path));
    });
    // Once done, not again: what is new comes to lie where something is gone.
    if (lstatOf(gone) !== undefined) renameSync(gone, join(this.path, 'applied'));
    if (lstatOf(join(this.path, 'new')) !== undefined) await this.#moveIn('', durable);
    unlinkSync(this.#ready);
    if (durable) await syncPath(this.path);
  }

  /** Lets go of the folder, which is removed; its changes must have been applied or thrown away. */
  release(): void {
    this.#release();
    try {
      rmdirSync(this.path);
    } catch (error) {
      // Another sink has come in the meantime.
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error;
    }
  }

  get #ready(): string {
    return join(this.path, 'ready');
  }

  /** Moves what is in the folder `path` of `new` to where it belongs. */
  async #moveIn(path: string, durable: boolean): Promise<void> {
    const from = join(this.path, 'new', path);
    for (const entry of readdirSync(from, { withFileTypes: true })) {
      const child = join(path, entry.name);
      const target = join(this.#root, child);
      const there = lstatOf(target);
      if (entry.isDirectory() && there?.isDirectory() === true) {
        await this.#moveIn(child, durable);
        continue;
      }
      if (there !== undefined && there.isDirectory() !== entry.isDirectory()) await removeTree(target);
      renameSync(join(from, entry.name), target);
      await this.#turn();
    }
    if (durable) await syncPath(join(this.#root, path));
    rmdirSync(from);
  }

  /** Calls `visit` for all that a part holds, folders after what is in them. */
  async #walk(
    part: 'new' | 'gone',
    visit: (full: string, path: string, entry: Dirent) => Promise<void> | void,
    path = '',
  ): Promise<void> {
    const folder = join(this.path, part, path);
    if (lstatOf(folder) === undefined) return;
    for await (const entry of await opendir(folder)) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) await this.#walk(part, visit, child);
      await visit(join(folder, entry.name), child, entry);
      await this.#turn();
    }
  }

  async #turn(): Promise<void> {
    this.#handled += 1;
    if (this.#handled % namesPerTurn === 0) await yieldToEventLoop();
  }
}

/** Removes a file, or a folder with what is in it; links are removed, not followed. */
export async function removeTree(path: string): Promise<void> {
  const stat = lstatOf(path);
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    unlinkSync(path);
    return;
  }
  let handled = 0;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    await removeTree(join(path, entry.name));
    handled += 1;
    if (handled % namesPerTurn === 0) await yieldToEventLoop();
  }
  rmdirSync(path);
}
