import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { utf8Encode } from '../../src/core/bytes.js';
import { isBackupKitError } from '../../src/core/errors.js';
import type { BackupSink } from '../../src/core/backup-tree.js';
import { readTreeFile } from '../../src/core/memory-tree.js';
import type { VersionSink } from '../../src/snapshot/device-versions.js';
import type { Placement } from '../../src/snapshot/types.js';
import type { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { contentsOf, leftovers, openAlone, shortOf, treeNow, type Tree } from './crash-support.js';
import { udid } from './support.js';

/** Numbers that a seed determines. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A backup as the model sees it: contents by path, and folders. */
class Model {
  readonly files: Map<string, string>;
  readonly folders: Set<string>;

  constructor(files: Iterable<readonly [string, string]> = [], folders: Iterable<string> = []) {
    this.files = new Map(files);
    this.folders = new Set(folders);
  }

  /** Of a tree as a folder shows it; contents in short are enough for comparison. */
  static of(tree: Tree): Model {
    const model = new Model();
    for (const [path, text] of Object.entries(contentsOf(tree))) {
      if (path.endsWith('/')) model.makeFolder(path.slice(0, -1));
      else model.write(path, text);
    }
    return model;
  }

  write(path: string, content: string): void {
    this.makeFolder(parentOf(path));
    this.files.set(path, content);
  }

  makeFolder(path: string): void {
    for (let at = path; at !== ''; at = parentOf(at)) this.folders.add(at);
  }

  remove(path: string): void {
    const isBelow = (name: string): boolean => name === path || name.startsWith(`${path}/`);
    for (const name of this.files.keys()) if (isBelow(name)) this.files.delete(name);
    for (const name of this.folders) if (isBelow(name)) this.folders.delete(name);
  }

  /** Copies a file or folder to where nothing is. */
  copy(from: string, to: string): void {
    const files = [...this.files].filter(([name]) => name === from || name.startsWith(`${from}/`));
    const folders = [...this.folders].filter((name) => name === from || name.startsWith(`${from}/`));
    this.makeFolder(parentOf(to));
    for (const name of folders) this.makeFolder(to + name.slice(from.length));
    for (const [name, content] of files) this.write(to + name.slice(from.length), content);
  }

  /** What a folder with this would show, without times. */
  get contents(): Tree {
    const tree: Tree = {};
    for (const [path, content] of this.files) tree[path] = content;
    const filled = new Set([...this.files.keys(), ...this.folders].map(parentOf));
    for (const folder of this.folders) if (!filled.has(folder)) tree[`${folder}/`] = '';
    return tree;
  }

  clone(): Model {
    return new Model(this.files, this.folders);
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

interface Known {
  tree: Tree;
  deleted: boolean;
  permanently: boolean;
}

const folderNames = ['a', 'a/c', 'b', 'd/e/f', 'x'];
const fileNames = ['f1', 'f2', 'f3', 'x', 'ä'];
const large = 'L'.repeat(40_000);

class Simulation {
  readonly location: string;
  readonly isolation: Placement;
  readonly random: () => number;
  readonly versions = new Map<string, Known>();
  readonly did: string[] = [];
  deltas = 0;
  merged = 0;
  store: SnapshotStore;
  live = new Model();
  #serial = 0;

  constructor(location: string, isolation: Placement, seed: number, store: SnapshotStore) {
    this.location = location;
    this.isolation = isolation;
    this.random = generator(seed);
    this.store = store;
  }

  get device() {
    return this.store.device(udid);
  }

  get liveFolder(): string {
    return join(this.location, udid);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.below(from.length)];
  }

  path(): string {
    const folder = this.below(4) === 0 ? '' : `${this.pick(folderNames)}/`;
    return `${folder}${this.pick(fileNames)}`;
  }

  content(): string {
    const kind = this.below(12);
    if (kind === 0) return '';
    if (kind === 1) return large + this.below(3);
    if (kind < 4) return this.pages();
    if (kind < 7) return `common ${this.below(6)}`;
    this.#serial += 1;
    return `content ${this.#serial}`;
  }

  /** Pages, few of which differ from those of other such contents, and which come again. */
  pages(): string {
    const changed = new Set([this.below(12), this.below(12)]);
    const pages = Array.from({ length: 8 + this.below(2) }, (_, page) =>
      `${page}${changed.has(page) ? this.below(9) : '-'}`.repeat(2048),
    );
    return pages.join('');
  }

  /** Makes a path free for a file: no file above it, no folder at it. */
  blockers(model: Model, path: string): string[] {
    const found: string[] = [];
    for (let at = parentOf(path); at !== ''; at = parentOf(at)) if (model.files.has(at)) found.push(at);
    if (model.folders.has(path)) found.push(path);
    return found;
  }

  /** Something that a device does, to a sink and to the model. */
  async change(sink: BackupSink, model: Model): Promise<void> {
    const at = (path: string): string => `${udid}/${path}`;
    const free = async (path: string): Promise<void> => {
      for (const blocker of this.blockers(model, path)) {
        await sink.remove(at(blocker));
        model.remove(blocker);
      }
    };
    const there = [...model.files.keys(), ...model.folders];
    const kind = this.below(10);
    const from = this.pick(there);
    if (kind < 4 || from === undefined) {
      const content = this.content();
      // Always at the same places, as databases are.
      const path = content.startsWith('0') ? `paged-${this.below(2)}` : this.path();
      await free(path);
      await sink.write(at(path), pieces(content));
      model.write(path, shortOf(utf8Encode(content)));
    } else if (kind < 5) {
      await sink.remove(at(from));
      model.remove(from);
    } else if (kind < 6) {
      const path = this.pick(folderNames) ?? 'a';
      if (this.blockers(model, `${path}/any`).length > 0) return;
      await sink.makeDirectory(at(path));
      model.makeFolder(path);
    } else {
      const to = this.path();
      if (to === from || to.startsWith(`${from}/`) || from.startsWith(`${to}/`)) return;
      if (this.blockers(model, to).some((blocker) => from === blocker || from.startsWith(`${blocker}/`))) return;
      await free(to);
      model.remove(to);
      model.copy(from, to);
      if (kind < 9) {
        await sink.move(at(from), at(to));
        model.remove(from);
      } else await sink.copy(at(from), at(to));
    }
  }

  /** Something that another tool does to the newest backup. */
  foreign(): void {
    const existing = this.pick([...this.live.files.keys()]);
    const kind = this.below(4);
    const content = this.content();
    if (this.isolation === 'move') {
      // What other tools change there is lost by design; what they add is not.
      const path = `added-${this.below(1e6)}`;
      mkdirSync(this.liveFolder, { recursive: true });
      writeFileSync(join(this.liveFolder, path), content);
      this.live.write(path, shortOf(utf8Encode(content)));
      return;
    }
    if (existing === undefined || kind === 0) {
      const path = this.path();
      if (this.blockers(this.live, path).length > 0) return;
      this.replace(path, content);
    } else if (kind === 1) {
      rmSync(join(this.liveFolder, existing));
      this.live.files.delete(existing);
    } else if (kind === 2 && this.isolation !== 'link') {
      // Of the same size, at once: the clock of the disk may not have gone on.
      const old = this.live.files.get(existing) ?? '';
      const same = old.length > 0 && old.length < 60 ? `${old.slice(0, -1)}${this.below(10)}` : content;
      writeFileSync(join(this.liveFolder, existing), same);
      this.live.write(existing, shortOf(utf8Encode(same)));
    } else this.replace(existing, content);
  }

  replace(path: string, content: string): void {
    const full = join(this.liveFolder, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(`${full}.new`, content);
    if (this.below(2) === 0) utimesSync(`${full}.new`, 1.6e9 + this.below(100), 1.6e9 + this.below(100) + 0.5);
    renameSync(`${full}.new`, full);
    this.live.write(path, shortOf(utf8Encode(content)));
  }

  /** Finds the versions that came; `expected` are the contents that they must have, in the order of their making. */
  async came(expected: readonly { kind: string; contents: Tree }[], times?: Tree): Promise<void> {
    const listed = await this.device.list({ deleted: true });
    const made = listed.filter(({ id }) => !this.versions.has(id)).toReversed();
    expect(made.map(({ kind }) => kind)).toEqual(expected.map(({ kind }) => kind));
    for (const [index, { id }] of made.entries()) {
      const tree = await this.read(id);
      expect(contentsOf(tree)).toEqual(expected[index]?.contents);
      if (times !== undefined && index === made.length - 1) expect(tree).toEqual(times);
      this.versions.set(id, { tree, deleted: false, permanently: false });
    }
  }

  async read(id: string): Promise<Tree> {
    await using folder = await this.device.openFolder(id, { allowCopy: true });
    return treeNow(folder.path);
  }

  /** What `begin` and `rollback` keep first: the newest backup, where no version is like it. */
  async found(before: Tree): Promise<{ kind: string; contents: Tree }[]> {
    const live = await this.lastLive();
    const now = contentsOf(before);
    const isKnown = live !== undefined && JSON.stringify(sorted(live)) === JSON.stringify(sorted(before));
    return isKnown || Object.keys(now).length === 0 ? [] : [{ kind: 'found', contents: now }];
  }

  #liveTree: Tree | undefined;

  async lastLive(): Promise<Tree | undefined> {
    return this.#liveTree;
  }

  nowLive(): void {
    this.#liveTree = treeNow(this.liveFolder);
    expect(contentsOf(this.#liveTree)).toEqual(this.live.contents);
  }

  readonly steps: Record<string, () => Promise<void>> = {
    run: async () => {
      const before = treeNow(this.liveFolder);
      const found = await this.found(before);
      const model = this.live.clone();
      await using sink: VersionSink = await this.store.begin(udid);
      for (let left = 1 + this.below(8); left > 0; left -= 1) await this.change(sink, model);
      if (this.below(5) === 0) {
        await sink.close();
        expect(treeNow(this.liveFolder)).toEqual(before);
        await this.came(found, before);
        this.#liveTree = before;
        return;
      }
      await sink.commit();
      if (this.below(4) === 0) {
        // One sink, two versions.
        this.live = model.clone();
        this.nowLive();
        await this.came([...found.splice(0), { kind: 'run', contents: model.contents }], treeNow(this.liveFolder));
        for (let left = 1 + this.below(4); left > 0; left -= 1) await this.change(sink, model);
        await sink.commit();
      }
      await sink.close();
      this.live = model;
      this.nowLive();
      await this.came([...found, { kind: 'run', contents: model.contents }], treeNow(this.liveFolder));
    },
    foreign: async () => {
      for (let left = 1 + this.below(3); left > 0; left -= 1) this.foreign();
      if (this.below(3) === 0 || Object.keys(treeNow(this.liveFolder)).length === 0) return;
      const isNew = (await this.found(treeNow(this.liveFolder))).length > 0;
      const known = new Set(this.versions.keys());
      const { id } = await this.device.capture();
      // Where the version that it was is deleted, one is made though nothing has changed.
      if (isNew || !known.has(id))
        await this.came([{ kind: 'capture', contents: this.live.contents }], treeNow(this.liveFolder));
      this.nowLive();
    },
    import: async () => {
      const model = new Model();
      const folder = join(this.location, 'import', String(this.below(1e9)));
      for (let left = 1 + this.below(5); left > 0; left -= 1) {
        const [path, content] = [this.path(), this.content()];
        if (this.blockers(model, path).length > 0) continue;
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), content);
        utimesSync(join(folder, path), 1.5e9, 1.5e9 + this.below(3) + 0.25);
        model.write(path, shortOf(utf8Encode(content)));
      }
      await this.device.import(folder, this.below(2) === 0 ? {} : { created: new Date(1.6e12 + this.below(1e9)) });
      await this.came([{ kind: 'import', contents: model.contents }], treeNow(folder));
      rmSync(folder, { recursive: true });
    },
    edit: async () => {
      const id = this.pick(this.listed());
      if (id === undefined) return;
      const before = this.versions.get(id)?.tree ?? {};
      const model = Model.of(before);
      await using sink = await this.device.edit(id, { allowCopy: true });
      for (let left = 1 + this.below(4); left > 0; left -= 1) await this.change(sink, model);
      if (this.below(4) === 0) return;
      await sink.commit();
      await sink.close();
      await this.came([{ kind: 'edit', contents: model.contents }]);
      const made = (await sink.version())?.id ?? '';
      for (const [path, text] of Object.entries(this.versions.get(made)?.tree ?? {}))
        if (model.contents[path] === contentsOf(before)[path])
          expect({ path, text }).toEqual({ path, text: before[path] });
    },
    rollback: async () => {
      const id = this.pick(this.listed());
      if (id === undefined) return;
      const tree = this.versions.get(id)?.tree ?? {};
      const found = await this.found(treeNow(this.liveFolder));
      await this.device.rollback(id);
      this.live = Model.of(tree);
      expect(treeNow(this.liveFolder)).toEqual(tree);
      this.nowLive();
      await this.came([...found, { kind: 'rollback', contents: contentsOf(tree) }], tree);
    },
    delete: async () => {
      const listed = this.listed();
      const ids = listed.filter(() => this.below(3) === 0);
      const permanently = this.below(2) === 0;
      if (ids.length === 0) return;
      // What precedes a version that lost much is pinned by the store.
      for (const { id, pinned } of await this.device.list()) if (pinned) await this.device.unpin(id);
      try {
        await this.device.delete(ids, { permanently });
      } catch (error) {
        if (ids.length !== listed.length || !isBackupKitError(error, 'SNAPSHOT_GUARD')) throw error;
        return;
      }
      for (const id of ids) this.mark(id, { deleted: true, permanently });
    },
    undelete: async () => {
      const ids = [...this.versions].filter(([, { deleted }]) => deleted && this.below(2) === 0).map(([id]) => id);
      await this.device.undelete(ids);
      for (const id of ids) this.mark(id, { deleted: false, permanently: false });
    },
    purge: async () => {
      const report = await this.store.purge();
      const gone = [...this.versions].filter(([, { deleted, permanently }]) => deleted && permanently);
      expect([...report.versions].toSorted()).toEqual(gone.map(([id]) => id).toSorted());
      for (const [id] of gone) this.versions.delete(id);
    },
    compact: async () => {
      const tuning = { deltaBytes: 16_384, chainLinks: 2 + this.below(3), packBytes: 1000 + this.below(20_000) };
      const report = await this.store.compact({ tuning, maxBytes: this.below(3) === 0 ? 50_000 : undefined });
      expect(report).toMatchObject({ damaged: [], waiting: 0 });
      this.deltas += report.deltas;
      this.merged += report.merged;
    },
    reopen: async () => {
      await this.store.close();
      this.store = await openAlone(this.location, this.isolation);
      expect(leftovers(this.location)).toEqual([]);
    },
    'read in place': async () => {
      const id = this.pick(this.listed());
      if (id === undefined) return;
      await using version = await this.device.get(id);
      for (const [path, content] of Object.entries(contentsOf(this.versions.get(id)?.tree ?? {}))) {
        if (path.endsWith('/')) continue;
        const bytes = await readTreeFile(version, path, { limit: 1e6 });
        expect(bytes && shortOf(bytes)).toBe(content);
      }
    },
  };

  mark(id: string, change: Partial<Known>): void {
    const known = this.versions.get(id);
    if (known !== undefined) Object.assign(known, change);
  }

  listed(): string[] {
    return [...this.versions].filter(([, { deleted }]) => !deleted).map(([id]) => id);
  }

  async check(ids: readonly string[]): Promise<void> {
    const listed = await this.device.list({ deleted: true });
    const expected = [...this.versions].map(([id, { deleted }]) => `${id} ${deleted}`).toSorted();
    expect(listed.map(({ id, deleted }) => `${id} ${deleted}`).toSorted()).toEqual(expected);
    for (const id of ids) expect({ id, tree: await this.read(id) }).toEqual({ id, tree: this.versions.get(id)?.tree });
  }
}

function sorted(tree: Tree): [string, string][] {
  return Object.entries(tree).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  const bytes = utf8Encode(text);
  for (let at = 0; at < bytes.length; at += 30_000) yield bytes.subarray(at, at + 30_000);
}

const weights: Record<string, number> = {
  run: 8,
  foreign: 5,
  import: 2,
  edit: 3,
  rollback: 2,
  delete: 3,
  undelete: 1,
  purge: 3,
  compact: 4,
  reopen: 2,
  'read in place': 1,
};

/** Random operations against a model. The seed is told on failure. */
export function modelTests(isolation: Placement, { seeds, steps }: { seeds: readonly number[]; steps: number }): void {
  const names = Object.entries(weights).flatMap(([name, weight]) => Array.from({ length: weight }, () => name));
  it.each(seeds)(`${steps} steps in ${isolation} placement, seed %i`, async (seed) => {
    const location = await temporaryFolder();
    const simulation = new Simulation(location, isolation, seed, await openAlone(location, isolation));
    try {
      for (let step = 0; step < steps; step += 1) {
        // What lies in the trash with days of grace has to be taken back to be removed.
        const isMuch = simulation.versions.size > 14 && step % 4 !== 3;
        const name = isMuch ? ['undelete', 'delete', 'purge'][step % 4] : simulation.pick(names);
        simulation.did.push(name ?? '');
        await simulation.steps[name ?? '']?.();
        const all = [...simulation.versions.keys()];
        const some = all.filter(() => simulation.below(6) === 0);
        await simulation.check(step % 25 === 24 || step === steps - 1 ? all : some);
      }
      expect(simulation.did.length).toBe(steps);
      expect(simulation.deltas).toBeGreaterThan(0);
    } catch (error) {
      const did = simulation.did;
      throw new Error(`Seed ${seed}, step ${did.length} of ${isolation}: ${did.slice(-12).join(', ')}`, {
        cause: error,
      });
    } finally {
      await simulation.store.close();
    }
  });
}
