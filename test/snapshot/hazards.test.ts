import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SnapshotError } from '../../src/core/errors.js';
import { readTreeFile } from '../../src/core/memory-tree.js';
import { FileLeaseManager } from '../../src/snapshot/leases/file-lease-manager.js';
import type { LeaseManager } from '../../src/snapshot/leases/lease-manager.js';
import { MemoryLeaseManager } from '../../src/snapshot/leases/memory-lease-manager.js';
import type { StoreFs } from '../../src/snapshot/fs/store-fs.js';
import { nodeFs } from '../../src/snapshot/fs/node-fs.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { allVersions, bytesOf, leftovers, openAlone, treeNow } from './crash-support.js';
import { FaultyFs, quickFs } from './faulty-fs.js';
import { replaceFile, udid } from './support.js';

afterEach(() => {
  vi.useRealTimers();
});

const other = '00008110-000000000000000F';

async function run(store: SnapshotStore, files: Record<string, string>, device = udid): Promise<string> {
  await using sink = await store.begin(device);
  for (const [path, content] of Object.entries(files)) await sink.write(`${device}/${path}`, bytesOf(content));
  await sink.commit();
  return (await sink.version())?.id ?? '';
}

/** A store with the leases of files, as a program of its own has. */
async function openShared(location: string, fs: StoreFs = quickFs): Promise<SnapshotStore> {
  const leases = new FileLeaseManager({ fs: nodeFs, folder: join(location, '.ios-backup-kit/locks') });
  const store = await SnapshotStore.open(location, { create: true, isolation: 'link', fs, leases });
  onTestFinished(async () => await store.close());
  return store;
}

describe('another tool that writes in place into a newest backup of links', () => {
  it.each([
    ['cuts a file', (path: string) => truncateSync(path, 3)],
    ['writes the same number of bytes', (path: string) => writeFileSync(path, 'ONE, first')],
  ])('%s: the old version is not given out as if it were whole', async (_what, damage) => {
    const location = await temporaryFolder();
    await using store = await openAlone(location, 'link');
    const id = await run(store, { 'a/one': 'one, first', 'a/two': 'two' });
    damage(join(location, udid, 'a/one'));
    await expect(store.device(udid).openFolder(id)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
    const target = join(location, 'exported');
    await expect(store.device(udid).exportFolder(id, target)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
    expect(existsSync(target)).toBe(false);
    expect(leftovers(location)).toEqual([]);
    // What it has made is the newest, and is kept.
    const found = await store.device(udid).capture();
    await using folder = await store.device(udid).openFolder(found.id, { allowCopy: true });
    expect(treeNow(folder.path)).toEqual(treeNow(join(location, udid)));
  });
});

describe('several programs', () => {
  it('the second one that wants to work on a device is told who does', async () => {
    const location = await temporaryFolder();
    const [first, second] = [await openShared(location), await openShared(location)];
    await using _sink = await first.begin(udid);
    await expect(second.begin(udid)).rejects.toMatchObject({
      code: 'SNAPSHOT_LOCKED',
      holder: expect.stringContaining('backup') as string,
    });
    await expect(second.device(udid).capture()).rejects.toMatchObject({ code: 'SNAPSHOT_LOCKED' });
    await expect(second.purge()).rejects.toMatchObject({ code: 'SNAPSHOT_LOCKED' });
    expect(await second.device(udid).list()).toEqual([]);
  });

  it('two devices are backed up at once', async () => {
    const location = await temporaryFolder();
    const [first, second] = [await openShared(location), await openShared(location)];
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`f/${index}`, `content ${index}`]));
    for (const round of ['1', '2', '3'])
      await Promise.all([run(first, { ...files, round }), run(second, { ...files, round }, other)]);
    for (const device of [udid, other]) {
      expect(await first.device(device).list()).toHaveLength(3);
      await using folder = await second.device(device).openFolder('newest');
      expect(treeNow(folder.path)).toEqual(treeNow(join(location, device)));
    }
  });

  it('who reads a version in the trash goes on reading while it is purged, and then it goes', async () => {
    const location = await temporaryFolder();
    const [reader, cleaner] = [await openShared(location), await openShared(location)];
    const id = await run(reader, { 'a/one': 'first', 'a/two': 'first, too' });
    await run(reader, { 'a/one': 'second', 'a/two': 'second, too' });
    await cleaner.device(udid).delete([id], { permanently: true });
    const version = await reader.device(udid).get(id);
    expect(await readTreeFile(version, 'a/one', { limit: 100 })).toHaveLength(5);
    await expect(cleaner.device(udid).delete([id])).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
    expect((await cleaner.purge()).versions).toEqual([]);
    expect(await readTreeFile(version, 'a/two', { limit: 100 })).toHaveLength(10);
    await version.close();
    expect((await cleaner.purge()).versions).toEqual([id]);
  });

  it('who has looked at a version that is purged before it is read is told so', async () => {
    const location = await temporaryFolder();
    const [reader, cleaner] = [await openShared(location), await openShared(location)];
    const id = await run(reader, { 'a/one': 'first' });
    await run(reader, { 'a/one': 'second' });
    const version = await reader.device(udid).get(id);
    await cleaner.device(udid).delete([id], { permanently: true });
    await cleaner.purge();
    await expect(version.open('a/one')).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
    await version.close();
  });

  it('a version that somebody opens after a purge has looked who reads stays', async () => {
    const location = await temporaryFolder();
    const reader = await openShared(location);
    const id = await run(reader, { 'a/one': 'first' });
    await run(reader, { 'a/one': 'second' });
    await reader.device(udid).delete([id], { permanently: true });
    const version = await reader.device(udid).get(id);
    const files = new FileLeaseManager({ fs: nodeFs, folder: join(location, '.ios-backup-kit/locks') });
    const leases: LeaseManager = {
      acquire: async (options) => await files.acquire(options),
      async held() {
        const held = await files.held();
        await (await version.open('a/one'))?.close();
        return held;
      },
    };
    await using cleaner = await SnapshotStore.open(location, { isolation: 'link', fs: quickFs, leases });
    expect((await cleaner.purge()).versions).toEqual([]);
    expect(await readTreeFile(version, 'a/one', { limit: 100 })).toHaveLength(5);
    await version.close();
  });

  it('a store that is only read makes no leases', async () => {
    const location = await temporaryFolder();
    {
      await using store = await openShared(location);
      await run(store, { 'a/one': 'first' });
    }
    rmSync(join(location, '.ios-backup-kit/locks'), { recursive: true, force: true });
    await using store = await SnapshotStore.open(location, { readOnly: true });
    const version = await store.device(udid).get();
    expect(await readTreeFile(version, 'a/one', { limit: 100 })).toHaveLength(5);
    expect(existsSync(join(location, '.ios-backup-kit/locks'))).toBe(false);
  });
});

/** A program with a run. @see hold-run.process.ts */
function program(location: string): { ask(line: string): Promise<string>; signal(name: NodeJS.Signals): void } {
  const script = join(import.meta.dirname, 'hold-run.process.ts');
  const args = ['--import', 'tsx', script, location, udid, '50', '600'];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => String((await lines.next()).value);
  const ready = answer();
  onTestFinished(async () => {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  });
  return {
    async ask(line) {
      await ready;
      child.stdin.write(`${line}\n`);
      return await answer();
    },
    signal: (name) => void child.kill(name),
  };
}

it('a program that stood still while another took over changes nothing when it goes on', async () => {
  const location = await temporaryFolder();
  const [sleeper, taker] = [program(location), program(location)];
  expect(await sleeper.ask('begin')).toBe('ok');
  expect(await sleeper.ask('write a/one sleeper')).toBe('ok');
  sleeper.signal('SIGSTOP');
  expect(await taker.ask('begin')).toBe('ok');
  expect(await taker.ask('write a/one taker')).toBe('ok');
  expect(await taker.ask('write a/two taker')).toBe('ok');
  sleeper.signal('SIGCONT');
  // Amid the run of the other.
  await sleeper.ask('write a/two sleeper');
  await sleeper.ask('write a/three sleeper');
  expect(await sleeper.ask('commit')).toBe('SNAPSHOT_LEASE_LOST');
  await sleeper.ask('close');
  expect(await taker.ask('write b/four taker')).toBe('ok');
  expect(await taker.ask('commit')).toBe('ok');
  expect(await taker.ask('close')).toBe('ok');
  const live = treeNow(join(location, udid));
  expect(Object.entries(live).map(([path, text]) => `${path}: ${text.split(' ')[0]}`)).toEqual([
    'a/one: taker',
    'a/two: taker',
    'b/four: taker',
  ]);
  await using store = await SnapshotStore.open(location);
  const versions = await allVersions(store);
  expect([...versions.values()].map(({ tree }) => tree)).toEqual([live]);
}, 60_000);

describe('a clock that is set back and forth', () => {
  it('does not change which version is the newest, nor what follows what', async () => {
    const location = await temporaryFolder();
    await using store = await openAlone(location, 'link');
    const ids: string[] = [];
    vi.useFakeTimers({ toFake: ['Date'] });
    for (const time of [
      '2026-06-01T12:00:00Z',
      '2031-01-01T00:00:00Z',
      '2026-06-01T11:00:00Z',
      '2024-01-01T00:00:00Z',
    ]) {
      vi.setSystemTime(new Date(time));
      ids.push(await run(store, { 'a/one': time }));
    }
    await replaceFile(join(location, udid, 'a/two'), 'foreign');
    ids.push((await store.device(udid).capture()).id);
    const listed = await store.device(udid).list();
    expect(listed.map(({ id }) => id)).toEqual(ids.toReversed());
    expect(listed.map(({ parent }) => parent)).toEqual([...ids.slice(0, -1).toReversed(), undefined]);
    expect((await store.device(udid).get()).info.id).toBe(ids.at(-1));
    expect(listed.at(-2)?.created.toISOString()).toBe('2031-01-01T00:00:00.000Z');
    // Also where what is between has gone.
    await store.device(udid).delete(ids.slice(2, 4), { permanently: true });
    await store.purge();
    ids.push(await run(store, { 'a/one': 'last' }));
    expect((await store.device(udid).get()).info.id).toBe(ids.at(-1));
  });
});

describe('a disk', () => {
  it.each([1, 3, 8])('that gives a file at most %i names: what is more is copied', async (names) => {
    const few: StoreFs = {
      ...quickFs,
      link(from, to) {
        if ((quickFs.facts(from)?.links ?? 1) >= names + 1)
          throw Object.assign(new Error('too many links'), { code: names === 3 ? 'ERANGE' : 'EMLINK' });
        quickFs.link(from, to);
      },
    };
    const location = await temporaryFolder();
    await using store = await openAlone(location, 'link', few);
    const same = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`a/${index}`, 'the same']));
    await run(store, same);
    await run(store, { 'a/0': 'another', 'b/1': 'the same' });
    for (const { id } of await store.device(udid).list()) {
      await using folder = await store.device(udid).openFolder(id);
      expect(Object.keys(treeNow(folder.path))).toHaveLength(id === (await store.device(udid).get()).info.id ? 31 : 30);
      expect(folder.written.copied).toBeGreaterThan(0);
    }
    await using folder = await store.device(udid).openFolder('newest');
    expect(treeNow(folder.path)).toEqual(treeNow(join(location, udid)));
  });

  it.each([2_000_000, Infinity])('with times in steps of %s µs: a change of the same size is seen', async (step) => {
    const cut = (us: number): number => (step === Infinity ? 0 : Math.floor(us / step) * step);
    const coarse: StoreFs = {
      ...quickFs,
      facts(path) {
        const facts = quickFs.facts(path);
        return facts && { ...facts, modifiedUs: cut(facts.modifiedUs) };
      },
    };
    const location = await temporaryFolder();
    await using store = await openAlone(location, 'copy', coarse);
    const file = join(location, udid, 'a/one');
    await run(store, { 'a/one': 'first', 'a/two': 'two' });
    // All within one step, as far as the disk tells.
    const stepMs = Math.min(step, 2e6) / 1000;
    const at = new Date(Math.floor(Date.now() / stepMs) * stepMs);
    for (const content of ['FIRST', 'fIRST', 'FiRST']) {
      writeFileSync(file, content);
      utimesSync(file, at, at);
      const { id } = await store.device(udid).capture();
      await using folder = await store.device(udid).openFolder(id, { allowCopy: true });
      expect(readFileSync(join(folder.path, 'a/one'), 'utf8')).toBe(content);
    }
    // What was doubtful before a run that did not touch it is so after the run.
    await run(store, { 'a/two': 'another' });
    writeFileSync(file, 'FIrST');
    utimesSync(file, at, at);
    await run(store, { 'a/two': 'a third' });
    await using folder = await store.device(udid).openFolder('newest', { allowCopy: true });
    expect(readFileSync(join(folder.path, 'a/one'), 'utf8')).toBe('FIrST');
  });
});

it('a file that is replaced between the look at it and its storing does not get the name of what it was', async () => {
  const location = await temporaryFolder();
  const live = join(location, udid);
  let replace = (): void => {};
  const racing: StoreFs = {
    ...quickFs,
    makeFolder(path) {
      if (path.includes('/objects/')) replace();
      quickFs.makeFolder(path);
    },
  };
  await replaceFile(join(live, 'a/one'), 'one');
  await replaceFile(join(live, 'a/two'), 'two');
  await using store = await openAlone(location, 'link', racing);
  replace = () => {
    replace = () => {};
    writeFileSync(join(live, 'a/x'), 'TWO');
    renameSync(join(live, 'a/x'), join(live, 'a/two'));
  };
  await expect(store.device(udid).capture()).rejects.toMatchObject({ code: 'SNAPSHOT_INCOMPLETE' });
  const { id } = await store.device(udid).capture();
  await store.device(udid).exportFolder(id, join(location, 'exported'));
  expect(treeNow(join(location, 'exported'))).toEqual(treeNow(live));
});

it('a store whose placement was changed after a crash still finds what the newest backup alone holds', async () => {
  const location = await temporaryFolder();
  let isDead = false;
  const dying: StoreFs = {
    ...quickFs,
    rename(from, to) {
      if (isDead) throw new Error('The process is dead');
      quickFs.rename(from, to);
      isDead = to.includes('/versions/');
    },
  };
  const dead = await openAlone(location, 'move', dying);
  const sink = await dead.begin(udid);
  await sink.write(`${udid}/a/one`, bytesOf('one'));
  await expect(sink.commit()).rejects.toThrow('dead');
  await using store = await openAlone(location, 'link');
  expect([...(await allVersions(store)).values()].map(({ tree }) => tree)).toEqual([treeNow(join(location, udid))]);
});

it('a reader sees a version from the moment it exists, though its files are still under way', async () => {
  const location = await temporaryFolder();
  let look: (() => void) | undefined;
  const seen: Promise<unknown>[] = [];
  const watched: StoreFs = {
    ...quickFs,
    async syncVolume() {
      // All files are in their places, and the record of the newest backup is not there yet.
      await Promise.all(seen);
      return true;
    },
    rename(from, to) {
      quickFs.rename(from, to);
      if (from.includes('/new/')) look?.();
    },
  };
  await using store = await openAlone(location, 'move', watched);
  const first = await run(store, { 'a/one': 'one', 'a/two': 'two' });
  look = () => {
    seen.push(
      (async () => {
        const reader = await SnapshotStore.open(location, { readOnly: true, leases: new MemoryLeaseManager() });
        const texts: (string | undefined)[] = [];
        for (const id of [first, (await reader.device(udid).get()).info.id]) {
          const bytes = await readTreeFile(await reader.device(udid).get(id), 'a/one', { limit: 100 });
          texts.push(bytes && new TextDecoder().decode(bytes));
        }
        return texts;
      })(),
    );
  };
  await run(store, { 'a/one': 'ONE', 'a/two': 'TWO' });
  expect(seen.length).toBeGreaterThan(0);
  for (const texts of await Promise.all(seen)) expect(texts).toEqual(['one', 'ONE']);
});

it.each(['link', 'move', 'copy'] as const)(
  'a commit is repeated when there is room again, in %s placement, with files that are there again',
  async (isolation) => {
    const location = await temporaryFolder();
    let isFull = false;
    const full: StoreFs = {
      ...quickFs,
      create(path, mode) {
        if (isFull) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        return quickFs.create(path, mode);
      },
    };
    await using store = await openAlone(location, isolation, full);
    const id = await run(store, { 'a/one': 'one', 'a/two': 'two' });
    for (const begin of [
      async () => await store.begin(udid),
      async () => await store.device(udid).edit(id, { allowCopy: true }),
    ]) {
      const sink = await begin();
      await sink.remove(`${udid}/a/one`);
      await sink.write(`${udid}/a/one`, bytesOf('one'));
      await sink.write(`${udid}/a/two`, bytesOf('TWO'));
      isFull = true;
      await expect(sink.commit()).rejects.toMatchObject({ code: 'IO_NO_SPACE' });
      isFull = false;
      await sink.commit();
      await sink.close();
      const made = (await sink.version())?.id ?? '';
      await using folder = await store.device(udid).openFolder(made, { allowCopy: true });
      const texts = Object.entries(treeNow(folder.path)).map(([path, text]) => `${path}: ${text.split(' ')[0]}`);
      expect(texts).toEqual(['a/one: one', 'a/two: TWO']);
    }
  },
);

it.each(['link', 'move', 'copy'] as const)(
  'an import is on the disk when its version exists, in %s placement, where a volume cannot be synced at once',
  async (isolation) => {
    const location = await temporaryFolder();
    const from = join(location, 'elsewhere');
    mkdirSync(join(from, 'a'), { recursive: true });
    writeFileSync(join(from, 'a/one'), 'one');
    const faulty = new FaultyFs(undefined, { volume: false });
    {
      await using store = await openAlone(location, isolation, faulty.fs);
      await store.device(udid).import(from);
    }
    faulty.losePower(join(location, '.ios-backup-kit'));
    await using store = await openAlone(location, isolation);
    await using folder = await store.device(udid).openFolder('newest', { allowCopy: true });
    expect(treeNow(folder.path)['a/one']).toContain('one @');
  },
);

it('a lease that is lost while a run commits, up to the last step before its record, makes no version', async () => {
  const location = await temporaryFolder();
  const memory = new MemoryLeaseManager();
  let isLost = false;
  const leases: LeaseManager = {
    async acquire(options) {
      const lease = await memory.acquire(options);
      return {
        scope: lease.scope,
        check() {
          if (isLost) throw new SnapshotError('SNAPSHOT_LEASE_LOST', 'taken over');
          lease.check();
        },
        release: async () => await lease.release(),
      };
    },
    held: async () => await memory.held(),
  };
  const fs: StoreFs = {
    ...quickFs,
    rename(from, to) {
      quickFs.rename(from, to);
      // The last thing that is written before the record.
      if (to.endsWith('/commit')) isLost = true;
    },
  };
  await using store = await SnapshotStore.open(location, { create: true, isolation: 'link', fs, leases });
  const sink = await store.begin(udid);
  await sink.write(`${udid}/a/one`, bytesOf('one'));
  await expect(sink.commit()).rejects.toMatchObject({ code: 'SNAPSHOT_LEASE_LOST' });
  isLost = false;
  await sink.close();
  expect(await store.device(udid).list()).toEqual([]);
  await using after = await openAlone(location, 'link');
  expect(await after.device(udid).list()).toEqual([]);
  expect(leftovers(location)).toEqual([]);
});

it('a disk without links has a store in move placement', async () => {
  const none: StoreFs = {
    ...quickFs,
    link() {
      throw Object.assign(new Error('no links here'), { code: 'EPERM' });
    },
    clone() {
      throw Object.assign(new Error('no clones here'), { code: 'ENOTSUP' });
    },
  };
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true, fs: none });
  expect(store.info.placement).toBe('move');
  await run(store, { 'a/one': 'first' });
  await run(store, { 'a/one': 'second' });
  expect((await allVersions(store)).size).toBe(2);
});

it('a store on another volume than the newest backups is refused', async () => {
  const location = await temporaryFolder();
  const split: StoreFs = {
    ...quickFs,
    facts(path) {
      const facts = quickFs.facts(path);
      return facts && { ...facts, volume: path.includes('.ios-backup-kit') ? 4711 : facts.volume };
    },
  };
  await expect(openAlone(location, 'link', split)).rejects.toMatchObject({ code: 'SNAPSHOT_UNSUPPORTED' });
  const bound: StoreFs = {
    ...quickFs,
    rename(from, to) {
      if (to.endsWith('.probe')) throw Object.assign(new Error('two volumes'), { code: 'EXDEV' });
      quickFs.rename(from, to);
    },
  };
  await expect(openAlone(location, 'link', bound)).rejects.toMatchObject({ code: 'SNAPSHOT_UNSUPPORTED' });
  mkdirSync(join(location, 'here'));
});
