import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isBackupKitError } from '../../src/core/errors.js';
import type { Placement } from '../../src/snapshot/types.js';
import type { VersionSink } from '../../src/snapshot/device-versions.js';
import type { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import {
  allVersions,
  bytesOf,
  cloneFolder,
  contentsOf,
  expectVersions,
  leftovers,
  openAlone,
  treeNow,
  type Tree,
} from './crash-support.js';
import { DeadProcessError, FaultyFs } from './faulty-fs.js';
import { udid } from './support.js';

type Write = readonly [path: string, content: string | null];

/** A run of the device as it goes: by way of Snapshot, with moves, removals and what it had already. */
async function run(store: SnapshotStore, writes: readonly Write[], retry = false): Promise<void> {
  await withSink(await store.begin(udid), async (sink) => {
    await receive(sink, writes);
    await committing(sink, retry);
  });
}

/** Closes a sink in the end, but not in a process that is dead: its calls of `node:fs` would have an effect. */
async function withSink(sink: VersionSink, work: (sink: VersionSink) => Promise<void>): Promise<void> {
  try {
    await work(sink);
  } catch (error) {
    if (!(error instanceof DeadProcessError)) await sink.close();
    throw error;
  }
  await sink.close();
}

async function receive(sink: VersionSink, writes: readonly Write[]): Promise<void> {
  for (const [path, content] of writes) {
    if (content === null) await sink.remove(`${udid}/${path}`);
    else if (path.endsWith('/')) await sink.makeDirectory(`${udid}/${path.slice(0, -1)}`);
    else {
      await sink.write(`${udid}/Snapshot/${path}`, bytesOf(content));
      await sink.move(`${udid}/Snapshot/${path}`, `${udid}/${path}`);
    }
  }
  await sink.remove(`${udid}/Snapshot`);
}

/** Commits, and once more where that fails and `retry` says so. */
async function committing(sink: VersionSink, retry: boolean): Promise<void> {
  try {
    await sink.commit();
  } catch (error) {
    if (!retry || error instanceof DeadProcessError) throw error;
    try {
      await sink.commit();
    } catch (second) {
      // The version exists, and is completed by the next who comes.
      if (!isBackupKitError(second, 'SNAPSHOT_CLOSED')) throw second;
    }
    throw error;
  }
}

const first: Write[] = [
  ['aa/one', 'one, first'],
  ['aa/two', 'two, first'],
  ['bb/three', 'three'],
  ['bb/twin', 'the same'],
  ['cc/twin', 'the same'],
  ['dd/nothing', ''],
  ['empty/', ''],
  ['file-then-folder', 'a file'],
];
const second: Write[] = [
  ['aa/one', 'one, second'],
  ['bb/three', null],
  ['bb/four', 'four'],
  ['file-then-folder', null],
  ['file-then-folder/in', 'in a folder'],
];
const third: Write[] = [
  ['aa/one', 'one, third'],
  ['aa/two', null],
  ['aa/two', 'two, first'],
  ['cc/twin', null],
  ['bb/three', 'three'],
  ['ee/five', 'five'],
];

interface Scene {
  readonly location: string;
  readonly ids: readonly string[];
}

interface Scenario {
  readonly placements?: readonly Placement[];
  /** Whether the location is empty before. */
  readonly fresh?: boolean;
  /** What other tools have done before. */
  foreign?(live: string): void;
  prepare?(store: SnapshotStore, scene: Scene): Promise<void>;
  act(store: SnapshotStore, scene: Scene, retry?: boolean): Promise<void>;
  /** Versions that it may remove for good. */
  purges?(scene: Scene): readonly string[];
}

const replace = (path: string, content: string): void => {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
};

const newest = (scene: Scene): string => scene.ids.at(-1) ?? '';
const oldest = (scene: Scene): string => scene.ids[0] ?? '';

const scenarios: Record<string, Scenario> = {
  'a first run': {
    fresh: true,
    act: async (store, _scene, retry) => await run(store, first, retry),
  },
  'a run': {
    act: async (store, _scene, retry) =>
      await run(
        store,
        [
          ['aa/one', 'one, fourth'],
          // Gone, and there again with what it had.
          ['aa/two', null],
          ['aa/two', 'two, first'],
          ['bb/four', null],
          ['ff/six', 'six'],
          ['ff/seven', 'three'],
          ['empty', null],
          ['file-then-folder', null],
          ['file-then-folder', 'a file again'],
          ['new-empty/', ''],
        ],
        retry,
      ),
  },
  'a run after changes of another tool': {
    placements: ['link', 'copy'],
    foreign: (live) => {
      replace(join(live, 'aa/one'), 'by another tool');
      rmSync(join(live, 'ee/five'));
      writeFileSync(join(live, 'ee/eight'), 'eight');
    },
    act: async (store, _scene, retry) => await run(store, [['aa/one', 'one, fourth']], retry),
  },
  'a run after another tool has not finished': {
    placements: ['link', 'copy'],
    foreign: (live) => {
      replace(join(live, 'aa/one'), 'by another tool');
      writeFileSync(join(live, 'ee/eight'), 'eight');
      writeFileSync(join(live, 'Status.plist'), status('uploading'));
    },
    act: async (store, _scene, retry) =>
      await run(
        store,
        [
          ['ff/nine', 'nine'],
          ['Status.plist', status('finished')],
        ],
        retry,
      ),
  },
  'a capture': {
    foreign: (live) => {
      writeFileSync(join(live, 'ee/eight'), 'eight');
      writeFileSync(join(live, 'ee/nine'), 'three');
      mkdirSync(join(live, 'an-empty-one'));
    },
    act: async (store) => void (await store.device(udid).capture()),
  },
  'a capture of replaced files': {
    placements: ['link', 'copy'],
    foreign: (live) => {
      replace(join(live, 'aa/one'), 'by another tool');
      replace(join(live, 'aa/two'), 'two, first');
      rmSync(join(live, 'bb'), { recursive: true });
    },
    act: async (store) => void (await store.device(udid).capture()),
  },
  'going back': {
    act: async (store, scene) => void (await store.device(udid).rollback(oldest(scene))),
  },
  'going back where the newest is gone': {
    placements: ['link', 'copy'],
    foreign: (live) => {
      rmSync(live, { recursive: true });
    },
    act: async (store, scene) => void (await store.device(udid).rollback(oldest(scene))),
  },
  'an edit': {
    async act(store, scene, retry) {
      const edit = await store.device(udid).edit(oldest(scene), { allowCopy: true });
      await withSink(edit, async (sink) => {
        await sink.write(`${udid}/aa/one`, bytesOf('edited'));
        await sink.write(`${udid}/gg/new`, bytesOf('three'));
        await sink.remove(`${udid}/bb/three`);
        await committing(sink, retry === true);
      });
    },
  },
  'an import': {
    async act(store, scene) {
      await store.device(udid).import(join(scene.location, 'elsewhere'), { created: new Date('2025-01-02T03:04:05Z') });
    },
    async prepare(_store, { location }) {
      mkdirSync(join(location, 'elsewhere/aa'), { recursive: true });
      mkdirSync(join(location, 'elsewhere/nothing'));
      writeFileSync(join(location, 'elsewhere/aa/one'), 'one, first');
      writeFileSync(join(location, 'elsewhere/aa/ten'), 'ten');
      writeFileSync(join(location, 'elsewhere/aa/zero'), '');
    },
  },
  deleting: {
    act: async (store, scene) => await store.device(udid).delete(scene.ids.slice(0, 2)),
  },
  undeleting: {
    prepare: async (store, scene) => await store.device(udid).delete(scene.ids.slice(0, 2)),
    act: async (store, scene) => await store.device(udid).undelete(scene.ids.slice(0, 2)),
  },
  'a purge': {
    async prepare(store, scene) {
      await store.device(udid).delete([newest(scene)], { permanently: true });
      await store.device(udid).delete([oldest(scene)]);
    },
    act: async (store) => void (await store.purge()),
    purges: (scene) => [newest(scene)],
  },
  'opening a version as a folder': {
    async act(store, scene) {
      await using folder = await store.device(udid).openFolder(oldest(scene), { allowCopy: true });
      expect(Object.keys(treeNow(folder.path)).length).toBeGreaterThan(5);
    },
  },
};

function status(state: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>SnapshotState</key><string>${state}</string></dict></plist>`;
}

/** A location with three versions and what the scenario wants, and what it holds. */
interface Prepared extends Scene {
  readonly versions: Map<string, { kind: string; tree: Tree }>;
  readonly live: Tree;
  /** Files of the location whose content is on the disk before the scenario. */
  readonly base: FaultyFs;
}

const lasting: string[] = [];

/** A folder for several tests. */
function lastingFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'crash-'));
  lasting.push(folder);
  return folder;
}

async function prepare(scenario: Scenario, isolation: Placement): Promise<Prepared> {
  const location = lastingFolder();
  const base = new FaultyFs();
  const ids: string[] = [];
  {
    await using store = await openAlone(location, isolation);
    if (scenario.fresh !== true)
      for (const writes of [first, second, third]) {
        await run(store, writes);
        ids.push((await store.device(udid).list())[0]?.id ?? '');
      }
    await scenario.prepare?.(store, { location, ids });
  }
  scenario.foreign?.(join(location, udid));
  const copy = lastingFolder();
  cloneFolder(location, join(copy, 'x'));
  // Of a copy: what is read must not be changed by looking.
  await using store = await openAlone(join(copy, 'x'), isolation);
  return { location, ids, versions: await allVersions(store), live: treeNow(join(location, udid)), base };
}

/** What the scenario makes where nothing is in its way: new versions by kind, without times, and calls. */
async function reference(scenario: Scenario, isolation: Placement, prepared: Prepared) {
  const location = join(lastingFolder(), 'x');
  cloneFolder(prepared.location, location);
  const faulty = new FaultyFs();
  let opening = 0;
  {
    await using store = await openAlone(location, isolation, faulty.fs);
    opening = faulty.calls;
    await scenario.act(store, { location, ids: prepared.ids });
  }
  await using store = await openAlone(location, isolation);
  const versions = await allVersions(store);
  expectVersions(
    versions,
    new Map([...prepared.versions].filter(([id]) => scenario.purges?.(prepared).includes(id) !== true)),
  );
  const made = [...versions].filter(([id]) => !prepared.versions.has(id)).map(([, version]) => version);
  return { calls: faulty.calls, opening, made, live: treeNow(join(location, udid)) };
}

type Reference = Awaited<ReturnType<typeof reference>>;

/** Everything that must hold after a process has died, or a disk has failed: I1 to I5. */
async function expectSound(
  location: string,
  isolation: Placement,
  { scenario, prepared, expected }: { scenario: Scenario; prepared: Prepared; expected: Reference },
): Promise<'before' | 'after'> {
  const live = join(location, udid);
  await using store = await openAlone(location, isolation);
  expect(leftovers(location)).toEqual([]);
  const versions = await allVersions(store);
  const purged = scenario.purges?.(prepared) ?? [];
  for (const [id, { tree }] of prepared.versions)
    if (versions.has(id) || !purged.includes(id)) expect({ id, tree: versions.get(id)?.tree }).toEqual({ id, tree });
  const made = [...versions].filter(([id]) => !prepared.versions.has(id)).map(([, version]) => version);
  for (const { kind, tree } of made) {
    const likely = expected.made.filter((version) => version.kind === kind).map((version) => contentsOf(version.tree));
    expect(likely).toContainEqual(contentsOf(tree));
  }
  const isRun = made.find(({ kind }) => kind === 'run' || kind === 'rollback');
  // I5: the newest backup is what the last version says, or what it was.
  expect(treeNow(live)).toEqual(isRun?.tree ?? prepared.live);
  // live.ver is right: there is nothing to capture, unless another tool has changed something.
  const isUnfinished = existsSync(join(live, 'Status.plist')) && isRun === undefined;
  if (Object.keys(treeNow(live)).length > 0 && !isUnfinished) {
    const captured = await store.device(udid).capture();
    const after = (await store.device(udid).list({ deleted: true })).length;
    // Where the version that it was is deleted, another one is made.
    const isListed = (await store.device(udid).list()).some(({ id }) => versions.has(id) && id === captured.id);
    if (isRun !== undefined || scenario.foreign === undefined) expect(isListed || purged.length > 0).toBe(true);
    expect(after).toBe(versions.size + (isListed ? 0 : 1));
    await using folder = await store.device(udid).openFolder(captured.id, { allowCopy: true });
    expect(treeNow(folder.path)).toEqual(treeNow(live));
  }
  await run(store, [
    ['aa/one', 'the next run'],
    ['next', 'three'],
    ['Status.plist', status('finished')],
  ]);
  expect(readFileSync(join(live, 'aa/one'), 'utf8')).toBe('the next run');
  await store.purge();
  const last = await allVersions(store);
  for (const [id, { tree }] of prepared.versions)
    if (!purged.includes(id)) expect({ id, tree: last.get(id)?.tree }).toEqual({ id, tree });
  expect(last.get((await store.device(udid).get()).info.id)?.tree).toEqual(treeNow(live));
  expect(leftovers(location)).toEqual([]);
  return isRun === undefined && made.length === 0 ? 'before' : 'after';
}

const all: readonly Placement[] = ['link', 'move', 'copy'];

/**
 * Stops each kind of work at every n-th call that changes the disk, as a crash, a loss of power or a failing disk does, and
 * checks what is left. `deep` stops the recovery as well.
 */
export function crashTests({ every, deep }: { every: number; deep: boolean }): void {
  afterAll(() => {
    for (const folder of lasting.splice(0)) rmSync(folder, { recursive: true });
  });
  describe.each(Object.entries(scenarios))('%s', (name, scenario) => {
    describe.each(scenario.placements ?? all)('in %s placement', (isolation) => {
      let ready: Promise<{ prepared: Prepared; expected: Reference }> | undefined;
      const start = async (): Promise<{ prepared: Prepared; expected: Reference }> => {
        ready ??= prepare(scenario, isolation).then(async (prepared) => ({
          prepared,
          expected: await reference(scenario, isolation, prepared),
        }));
        return await ready;
      };
      const offset = (name.length + isolation.length) % every;
      it('survives the death of the process at any call', async () => {
        const { prepared, expected } = await start();
        const folder = await temporaryFolder();
        const outcomes = { before: 0, after: 0 };
        for (
          let n = expected.opening + 1 + (offset % (expected.calls - expected.opening));
          n <= expected.calls;
          n += every
        ) {
          const location = join(folder, String(n));
          cloneFolder(prepared.location, location);
          const faulty = new FaultyFs({ at: n, kind: 'dies' }, { volume: n % 2 === 0 });
          faulty.syncAll(location);
          const failure = await dying(faulty, location, isolation, async (store) => {
            await scenario.act(store, { location, ids: prepared.ids });
          });
          expect(failure ?? 'nothing').toBe('nothing');
          if (n % 4 < 2) faulty.losePower(location);
          try {
            outcomes[await expectSound(location, isolation, { scenario, prepared, expected })] += 1;
          } catch (error) {
            throw new Error(`Dead at call ${n} (${faulty.failed}, power ${n % 4 < 2 ? 'lost' : 'kept'})`, {
              cause: error,
            });
          }
          rmSync(location, { recursive: true });
        }
        expect(outcomes.before + outcomes.after).toBeGreaterThan(0);
      });

      it('survives a disk that fails once at any call, and can be repeated', async () => {
        const { prepared, expected } = await start();
        const folder = await temporaryFolder();
        for (
          let n = expected.opening + 1 + (offset % (expected.calls - expected.opening));
          n <= expected.calls;
          n += every
        ) {
          const location = join(folder, String(n));
          cloneFolder(prepared.location, location);
          const code = n % 2 === 0 ? 'ENOSPC' : 'EIO';
          const faulty = new FaultyFs({ at: n, kind: 'once', code, late: n % 3 === 0 });
          const scene = { location, ids: prepared.ids };
          try {
            {
              await using store = await openAlone(location, isolation, faulty.fs);
              const error = await scenario.act(store, scene, n % 5 < 2).then(
                () => undefined,
                (reason: unknown) => reason,
              );
              if (error !== undefined) {
                expect(error).toMatchObject({ code: code === 'ENOSPC' ? 'IO_NO_SPACE' : 'IO_FAILED' });
                await again(scenario, store, scene);
              }
            }
            await expectSound(location, isolation, { scenario, prepared, expected });
          } catch (error) {
            throw new Error(`${code} at call ${n} (${faulty.failed})`, { cause: error });
          }
          rmSync(location, { recursive: true });
        }
        expect(existsSync(prepared.location)).toBe(true);
      });

      if (!deep) return;
      it('survives a second death while it recovers', async () => {
        const { prepared, expected } = await start();
        const folder = await temporaryFolder();
        let recoveries = 0;
        for (let n = expected.opening + 1; n <= expected.calls; n += 7) {
          const crashed = join(folder, `${n}`);
          cloneFolder(prepared.location, crashed);
          const faulty = new FaultyFs({ at: n, kind: 'dies' });
          await dying(faulty, crashed, isolation, async (store) => {
            await scenario.act(store, { location: crashed, ids: prepared.ids });
          });
          for (let m = 1 + (n % 3); ; m += 3) {
            const location = join(folder, `${n}-${m}`);
            cloneFolder(crashed, location);
            const second = new FaultyFs({ at: m, kind: 'dies' }, { volume: false });
            second.syncAll(location);
            await dying(second, location, isolation, async () => {});
            if (!second.died) break;
            recoveries += 1;
            second.losePower(location);
            try {
              await expectSound(location, isolation, { scenario, prepared, expected });
            } catch (error) {
              throw new Error(`Dead at call ${n} (${faulty.failed}), then at ${m} (${second.failed})`, {
                cause: error,
              });
            }
            rmSync(location, { recursive: true });
          }
          rmSync(crashed, { recursive: true });
        }
        expect(recoveries).toBeGreaterThan(0);
      });
    });
  });
}

/** The work once more, where its first attempt has not done it. */
async function again(scenario: Scenario, store: SnapshotStore, scene: Scene): Promise<void> {
  try {
    await scenario.act(store, scene);
  } catch (error) {
    // A part of several versions was done already.
    if (!isBackupKitError(error, 'SNAPSHOT_NOT_FOUND')) throw error;
  }
}

/** Runs work in a process that dies: nothing of it has an effect on the disk from then on. Gives what was no death. */
async function dying(
  faulty: FaultyFs,
  location: string,
  isolation: Placement,
  work: (store: SnapshotStore) => Promise<void>,
): Promise<unknown> {
  try {
    const store = await openAlone(location, isolation, faulty.fs);
    await work(store);
  } catch (error) {
    if (!faulty.died && !(error instanceof DeadProcessError)) return error;
  }
  return undefined;
}
