import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { password, udid, type Device } from './device.js';
import { diskUsage, measure, run, settle, type Surroundings, type Usage } from './usage.js';

/** Something that keeps versions of the live backup. */
export interface Engine {
  readonly name: string;
  /** Forgets all versions, so that the next one is the first. */
  reset(): Promise<void>;
  /** Makes a store and the first version in it. */
  first(): Usage;
  /** Makes a version of the live backup as it is. */
  version(): Usage;
  /** What it leaves for later, where it leaves something. */
  background?(): Usage;
  /** Identities of the versions, oldest first. */
  ids(): string[];
  /** Makes a version a folder again. */
  open(id: string): Promise<Usage>;
  /** SHA-256 over names, times and contents of a version. */
  digest(id: string): Promise<string>;
  /** Drops versions without asking for their space. */
  forget(ids: readonly string[]): void;
  /** Drops versions and gives their space back. */
  drop(ids: readonly string[]): Usage;
  /** Bytes that it takes on the disk beside the live backup. */
  bytes(): number;
}

/** Where an engine works. */
export interface Place {
  readonly device: Device;
  /** A folder for itself, on the file system of the live backup. */
  readonly folder: string;
  readonly encrypted: boolean;
}

const tasks = join(import.meta.dirname, 'tasks');

/** SHA-256 over names, times and contents below a folder. */
export function digestOf(folder: string): string {
  return run([process.execPath, join(tasks, 'digest.mjs'), folder], { cwd: folder, env: {} }).trim();
}

async function emptied(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
}

/** Ours, through `tasks/*.mjs`. */
class Ours implements Engine {
  readonly name = 'ours';
  readonly #device: Device;
  readonly #surroundings: Surroundings;

  constructor({ device, folder, encrypted }: Place) {
    this.#device = device;
    this.#surroundings = { cwd: folder, env: encrypted ? { BENCH_PASSWORD: password } : {} };
  }

  #task(name: string, ...args: string[]): string[] {
    return [process.execPath, join(tasks, `${name}.mjs`), this.#device.location, udid, ...args];
  }

  #ask(name: string, ...args: string[]): string {
    return run(this.#task(name, ...args), this.#surroundings);
  }

  async reset(): Promise<void> {
    await rm(join(this.#device.location, '.ios-backup-kit'), { recursive: true, force: true });
  }

  first(): Usage {
    return this.version();
  }

  version(): Usage {
    return measure([this.#task('capture')], this.#surroundings);
  }

  background(): Usage {
    return measure([this.#task('compact')], this.#surroundings);
  }

  ids(): string[] {
    return (JSON.parse(this.#ask('list')) as string[]).toReversed();
  }

  async open(id: string): Promise<Usage> {
    settle();
    // The task itself says what it took until the folder was there: taking the folder away again is not part of it.
    return JSON.parse(this.#ask('open', id)) as Usage;
  }

  async digest(id: string): Promise<string> {
    return (JSON.parse(this.#ask('open', id, 'digest')) as { digest: string }).digest;
  }

  forget(ids: readonly string[]): void {
    this.drop(ids);
  }

  drop(ids: readonly string[]): Usage {
    return measure([this.#task('drop', ...ids)], this.#surroundings);
  }

  bytes(): number {
    return diskUsage(this.#device.location) - diskUsage(this.#device.backup);
  }
}

/** What both peers have in common: a repository of their own, and restoring by copying. */
abstract class Peer implements Engine {
  abstract readonly name: string;
  protected readonly place: Place;
  protected readonly surroundings: Surroundings;
  protected readonly repository: string;
  readonly #restored: string;
  #restores = 0;

  constructor(place: Place, env: Record<string, string>) {
    this.place = place;
    this.repository = join(place.folder, 'repository');
    this.#restored = join(place.folder, 'restored');
    this.surroundings = { cwd: place.folder, env };
  }

  protected abstract initialising(): string[];
  protected abstract storing(): string[];
  protected abstract restoring(id: string, target: string): { command: string[]; backup: string };
  protected abstract forgetting(ids: readonly string[]): string[];
  protected abstract dropping(ids: readonly string[]): string[][];
  abstract ids(): string[];

  async reset(): Promise<void> {
    await emptied(this.place.folder);
  }

  first(): Usage {
    return measure([this.initialising(), this.storing()], this.#atLocation());
  }

  version(): Usage {
    return measure([this.storing()], this.#atLocation());
  }

  async open(id: string): Promise<Usage> {
    return (await this.#restore(id)).usage;
  }

  async digest(id: string): Promise<string> {
    return digestOf((await this.#restore(id)).backup);
  }

  forget(ids: readonly string[]): void {
    run(this.forgetting(ids), this.surroundings);
  }

  drop(ids: readonly string[]): Usage {
    return measure(this.dropping(ids), this.surroundings);
  }

  bytes(): number {
    return diskUsage(this.repository);
  }

  /** Both store the live folder by its path from here, or from the top. */
  #atLocation(): Surroundings {
    return { cwd: this.place.device.location, env: this.surroundings.env };
  }

  async #restore(id: string): Promise<{ usage: Usage; backup: string }> {
    await rm(this.#restored, { recursive: true, force: true });
    this.#restores += 1;
    const target = join(this.#restored, String(this.#restores));
    await mkdir(target, { recursive: true });
    const { command, backup } = this.restoring(id, target);
    const usage = measure([command], { cwd: target, env: this.surroundings.env });
    return { usage, backup: join(target, backup) };
  }
}

/** restic, told to look at times of content only: what another engine does to a file beside must not cost it anything. */
class Restic extends Peer {
  readonly name = 'restic';

  constructor(place: Place) {
    super(place, {
      RESTIC_REPOSITORY: join(place.folder, 'repository'),
      RESTIC_PASSWORD: 'bench',
      RESTIC_CACHE_DIR: join(place.folder, 'cache'),
    });
  }

  protected initialising(): string[] {
    return ['restic', 'init', '--quiet'];
  }

  protected storing(): string[] {
    return ['restic', 'backup', '--quiet', '--ignore-ctime', this.place.device.backup];
  }

  protected restoring(id: string, target: string): { command: string[]; backup: string } {
    return { command: ['restic', 'restore', id, '--quiet', '--target', target], backup: this.place.device.backup };
  }

  protected forgetting(ids: readonly string[]): string[] {
    return ['restic', 'forget', '--quiet', ...ids];
  }

  protected dropping(ids: readonly string[]): string[][] {
    return [['restic', 'forget', '--quiet', '--prune', ...ids]];
  }

  ids(): string[] {
    const list = run(['restic', 'snapshots', '--json'], this.surroundings);
    return (JSON.parse(list) as { id: string; time: string }[])
      .toSorted((a, b) => (a.time < b.time ? -1 : 1))
      .map(({ id }) => id);
  }
}

/** borg, told the same. */
class Borg extends Peer {
  readonly name = 'borg';
  #versions = 0;

  constructor(place: Place) {
    super(place, {
      BORG_REPO: join(place.folder, 'repository'),
      BORG_PASSPHRASE: 'bench',
      BORG_BASE_DIR: join(place.folder, 'base'),
    });
  }

  protected initialising(): string[] {
    return ['borg', 'init', '--error', '--encryption', 'repokey-blake2'];
  }

  protected storing(): string[] {
    this.#versions += 1;
    return ['borg', 'create', '-C', 'zstd,3', '--files-cache', 'mtime,size,inode', `::v${this.#versions}`, udid];
  }

  protected restoring(id: string): { command: string[]; backup: string } {
    return { command: ['borg', 'extract', `::${id}`], backup: udid };
  }

  protected forgetting(ids: readonly string[]): string[] {
    return ['borg', 'delete', '::', ...ids];
  }

  protected dropping(ids: readonly string[]): string[][] {
    return [this.forgetting(ids), ['borg', 'compact']];
  }

  ids(): string[] {
    return run(['borg', 'list', '--short', '--sort-by', 'timestamp'], this.surroundings).split('\n').filter(Boolean);
  }
}

const makers: Readonly<Record<string, { isThere: () => boolean; make: (place: Place) => Engine }>> = {
  ours: {
    isThere: () => existsSync(join(import.meta.dirname, '../../dist/snapshot.js')),
    make: (place) => new Ours(place),
  },
  restic: {
    isThere: () => spawnSync('restic', ['version'], { stdio: 'ignore' }).status === 0,
    make: (place) => new Restic(place),
  },
  borg: {
    isThere: () => spawnSync('borg', ['--version'], { stdio: 'ignore' }).status === 0,
    make: (place) => new Borg(place),
  },
};

/** Names of all engines. */
export const engineNames: readonly string[] = Object.keys(makers);

/** Of some names those that are there, and those that are not. */
export function sortedByPresence(names: readonly string[]): { present: string[]; absent: string[] } {
  const isThere = (name: string): boolean => {
    const maker = makers[name];
    if (maker === undefined) throw new Error(`Unknown engine ${name}; there are ${engineNames.join(', ')}`);
    return maker.isThere();
  };
  const present = names.filter(isThere);
  return { present, absent: names.filter((name) => !present.includes(name)) };
}

/** An engine for one phone, with an empty folder of its own. */
export async function createEngine(name: string, place: Omit<Place, 'folder'>, work: string): Promise<Engine> {
  const maker = makers[name];
  if (maker === undefined) throw new Error(`Unknown engine ${name}`);
  const folder = join(work, name);
  await emptied(folder);
  return maker.make({ ...place, folder });
}
