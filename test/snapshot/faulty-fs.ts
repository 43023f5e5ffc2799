import { lstatSync, readdirSync, truncateSync } from 'node:fs';
import { nodeFs } from '../../src/snapshot/fs/node-fs.js';
import type { StoreFs } from '../../src/snapshot/fs/store-fs.js';

/** What happens at a call of the file system. */
export interface Fault {
  /** Number of the call among those that change something, from 1 on. */
  readonly at: number;
  /** `once`: this call fails. `dies`: this call and all later ones fail, as after a SIGKILL. */
  readonly kind: 'once' | 'dies';
  /** Code of the error that `once` gives. */
  readonly code?: string | undefined;
  /** Whether a call that fails once has its effect nevertheless, as where a network share loses the answer. */
  readonly late?: boolean | undefined;
}

/** Calls that change the disk, or bring changes to it. */
const changing = [
  'makeFolder',
  'link',
  'clone',
  'copy',
  'rename',
  'unlink',
  'removeFolder',
  'setMode',
  'setTime',
  'sync',
] as const;

/** Error of a call of a process that is dead. */
export class DeadProcessError extends Error {}

/** The disk as tests need it: quick, because nothing is brought to it, and without room for a reserve. */
export const quickFs: StoreFs = {
  ...nodeFs,
  sync() {},
  syncVolume: async () => true,
  create(path, mode) {
    return { ...nodeFs.create(path, mode), sync() {} };
  },
  space: () => ({ free: 0, total: 1e9 }),
};

/** A disk that counts the calls that change it, and fails at one of them. */
export class FaultyFs {
  /** Changing calls so far. */
  calls = 0;
  /** What the call at which it failed was. */
  failed: string | undefined;
  /** What the disk is given to the store as. */
  readonly fs: StoreFs;
  readonly #fault: Fault | undefined;
  /** Sizes of files whose content is on the disk, by their identity. */
  readonly #synced = new Map<number, number>();

  /** `volume`: whether the system can bring a whole volume to the disk at once; else each file by itself. */
  constructor(fault?: Fault, { volume = true, base = quickFs }: { volume?: boolean; base?: StoreFs } = {}) {
    this.#fault = fault;
    const wrapped = { ...base } as unknown as Record<string, (...args: string[]) => unknown>;
    for (const name of changing) {
      const original = wrapped[name];
      wrapped[name] = (...args) =>
        this.#call(`${name} ${args.join(' ')}`, () => {
          const last = name === 'unlink' ? lstatSync(args[0] ?? '', { throwIfNoEntry: false }) : undefined;
          original?.(...args);
          if (last?.nlink === 1) this.#synced.delete(last.ino);
          const made = args.at(-1) ?? '';
          if (name === 'sync') this.#markSynced(args[0] ?? '');
          if (name === 'copy' || name === 'clone') this.#synced.delete(inodeOf(made) ?? -1);
        });
    }
    this.fs = {
      ...(wrapped as unknown as StoreFs),
      create: (path, mode) => {
        const writer = this.#call(`create ${path}`, () => base.create(path, mode));
        this.#synced.delete(inodeOf(path) ?? -1);
        return {
          write: (bytes) => {
            this.#call(
              `write ${path}`,
              () => {
                writer.write(bytes);
              },
              () => {
                writer.write(bytes.subarray(0, bytes.length >>> 1));
              },
            );
          },
          sync: () => {
            this.#call(`sync content ${path}`, () => {
              this.#markSynced(path);
            });
          },
          close: () => {
            writer.close();
          },
        };
      },
      syncVolume: async (folder) =>
        this.#call(`sync volume ${folder}`, () => {
          if (volume) this.syncAll(folder.replace(/\/\.ios-backup-kit.*|\/[^/]*$/, ''));
          return volume;
        }),
    };
  }

  get died(): boolean {
    return this.failed !== undefined && this.#fault?.kind === 'dies';
  }

  /** What is below `root` now is on the disk. */
  syncAll(root: string): void {
    for (const path of filesBelow(root)) this.#markSynced(path);
  }

  /**
   * What a loss of power can do to a disk that was not told to keep things: names are there, but files are empty whose content
   * was not brought to it.
   */
  losePower(root: string): number {
    let lost = 0;
    for (const path of filesBelow(root)) {
      const stat = lstatSync(path);
      if (stat.size === 0 || this.#synced.get(stat.ino) === stat.size) continue;
      truncateSync(path);
      lost += 1;
    }
    return lost;
  }

  #markSynced(path: string): void {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() === true) this.#synced.set(stat.ino, stat.size);
  }

  #call<T>(what: string, run: () => T, tear?: () => void): T {
    if (this.died) throw new DeadProcessError('The process is dead');
    this.calls += 1;
    const fault = this.#fault;
    if (fault === undefined || this.calls !== fault.at) return run();
    this.failed = what;
    if (fault.kind === 'dies') {
      tear?.();
      throw new DeadProcessError('The process is dead');
    }
    if (fault.late === true) run();
    else tear?.();
    const code = fault.code ?? 'EIO';
    throw Object.assign(new Error(`${code}: injected, ${what}`), { code });
  }
}

function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

function filesBelow(root: string): string[] {
  if (lstatSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`);
}
