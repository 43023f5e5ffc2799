import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { writeFileSync } from 'node:fs';
import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBlobStore } from '../../src/snapshot/blobs/memory-blob-store.js';
import type { VerifyFinding, VerifyOptions, VerifySummary } from '../../src/entry/snapshot.js';
import { keys } from '../../src/snapshot/store/keys.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { fileIn, flip, makeRichStore, nameOf, offsetOf, other, partPath, type RichStore } from './damage.js';
import { quickFs } from './faulty-fs.js';
import { readVersion, treeInMemory, udid } from './support.js';

async function check(
  store: SnapshotStore,
  options: VerifyOptions = { level: 'full' },
): Promise<{ findings: VerifyFinding[]; summary: VerifySummary }> {
  const run = store.verify(options);
  const findings: VerifyFinding[] = [];
  for await (const finding of run) findings.push(finding);
  return { findings, summary: await run.summary };
}

let rich: RichStore;
let folder: string;
const whole: Record<string, Record<string, string>> = {};

const deviceOf = (id: string): string => (rich.versions.includes(id) ? udid : other);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ios-backup-kit-'));
  rich = await makeRichStore(folder);
  await using store = await SnapshotStore.open(folder, { fs: quickFs });
  for (const id of [...rich.versions, ...rich.others]) whole[id] = await readVersion(store, deviceOf(id), id);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What a flip must lead to. */
interface Flip {
  /** The part, and the place of the byte in it. */
  readonly at: () => readonly [part: string, offset: number];
  readonly problem: VerifyFinding['problem'];
  readonly severity?: VerifyFinding['severity'];
  /** Versions that lack something, with paths where they can be opened still. */
  readonly lost?: () => Record<string, string[] | undefined>;
}

const versionFile = (day: number): string => keys.version(udid, rich.versions[day - 1] ?? '');
const objectOf = (name: string): string => keys.object(nameOf(rich.contents[name] ?? new Uint8Array()));
const day = (number: number): string => rich.versions[number - 1] ?? '';
const bigOf = (...days: number[]): Record<string, string[]> =>
  Object.fromEntries(days.map((number) => [day(number), ['aa/big']]));
const others = (): Record<string, undefined> => Object.fromEntries(rich.others.map((id) => [id, undefined]));
const entryAt = (name: keyof RichStore['entries'], offset: number) => (): readonly [string, number] => {
  const { offset: start, length } = rich.entries[name];
  return [rich.pack, offset < 0 ? start + length + offset : start + offset];
};

const flips: Record<string, Flip> = {
  'an object of one version': {
    at: () => [objectOf('small3'), 17],
    problem: 'object-damaged',
    lost: () => ({ [day(3)]: ['bb/again', 'bb/small'] }),
  },
  'an object that all share': {
    at: () => [objectOf('same'), 3],
    problem: 'object-damaged',
    lost: () => Object.fromEntries([1, 2, 3].map((number) => [day(number), ['aa/same']])),
  },
  'an object of two devices': {
    at: () => [objectOf('small2'), 100],
    problem: 'object-damaged',
    lost: () => ({ [day(2)]: ['bb/again', 'bb/small'], [rich.others[1] ?? '']: ['cc/7'] }),
  },
  'the base of a chain': { at: () => [objectOf('big3'), 1000], problem: 'object-damaged', lost: () => bigOf(1, 2, 3) },
  'a delta that another one rests on': { at: entryAt('big2', 300), problem: 'entry-damaged', lost: () => bigOf(1, 2) },
  'a delta': { at: entryAt('big1', 300), problem: 'entry-damaged', lost: () => bigOf(1) },
  'the header of an entry': { at: entryAt('big1', 20), problem: 'entry-damaged', severity: 'warning' },
  'a packed content': {
    at: entryAt('small1', 72),
    problem: 'entry-damaged',
    lost: () => ({ [day(1)]: ['bb/again', 'bb/small'] }),
  },
  'the head of a chunk': {
    // The chunk table has it as well.
    at: entryAt('small1', 62),
    problem: 'entry-damaged',
    severity: 'warning',
  },
  'a chunk table': { at: entryAt('big1', -6), problem: 'entry-damaged', severity: 'warning' },
  'the magic of a pack': { at: () => [rich.pack, 1], problem: 'pack-damaged', severity: 'warning' },
  'the format of a pack': { at: () => [rich.pack, 4], problem: 'pack-damaged', severity: 'warning' },
  'the directory of a pack': { at: () => [rich.pack, -100], problem: 'pack-damaged', severity: 'warning' },
  'the footer of a pack': { at: () => [rich.pack, -30], problem: 'pack-damaged', severity: 'warning' },
  'the last byte of a pack': { at: () => [rich.pack, -1], problem: 'pack-damaged', severity: 'warning' },
  'the magic of a record': {
    at: () => [versionFile(2), 0],
    problem: 'record-damaged',
    lost: () => ({ [day(2)]: undefined }),
  },
  'the format of a record': {
    at: () => [versionFile(2), 5],
    problem: 'record-damaged',
    lost: () => ({ [day(2)]: undefined }),
  },
  'the length of a header': {
    at: () => [versionFile(2), 9],
    problem: 'record-damaged',
    lost: () => ({ [day(2)]: undefined }),
  },
  'the header of a record': {
    at: () => [versionFile(2), 60],
    problem: 'record-damaged',
    lost: () => ({ [day(2)]: undefined }),
  },
  'the rows of a record': {
    at: () => [versionFile(2), -80],
    problem: 'record-damaged',
    lost: () => ({ [day(2)]: undefined }),
  },
  'the hash of a record': {
    at: () => [versionFile(2), -4],
    problem: 'record-damaged',
    lost: () => ({ [day(2)]: undefined }),
  },
  'the magic of a table': { at: () => [fileIn(folder, 'tables'), 2], problem: 'table-damaged', lost: others },
  'the rows of a table': { at: () => [fileIn(folder, 'tables'), 5000], problem: 'table-damaged', lost: others },
  'the hash of a table': { at: () => [fileIn(folder, 'tables'), -2], problem: 'table-damaged', lost: others },
  'the record of a newest backup': {
    at: () => [keys.live(udid), 70],
    problem: 'live-record-damaged',
    severity: 'warning',
  },
  'the identity of the store': {
    at: () => ['store.json', offsetOf(partPath(folder, 'store.json'), '"id": "') + 9],
    problem: 'store-file-damaged',
  },
  'the sum of store.json': {
    at: () => ['store.json', offsetOf(partPath(folder, 'store.json'), '"sum": "') + 20],
    problem: 'store-file-damaged',
  },
  'a pin': { at: () => [keys.settings(udid), 22], problem: 'settings-damaged' },
  'a note': {
    at: () => [keys.settings(udid), offsetOf(partPath(folder, keys.settings(udid)), 'a note') + 2],
    problem: 'settings-damaged',
  },
  'a blank in the settings': { at: () => [keys.settings(udid), 2], problem: 'settings-damaged' },
};

describe('one flipped bit is found, with the versions that it concerns, and no other version suffers', () => {
  it.each(Object.entries(flips))('%s', async (_name, { at, problem, severity = 'error', lost = () => ({}) }) => {
    const [part, offset] = at();
    const path = partPath(folder, part);
    flip(path, offset);
    try {
      await using store = await SnapshotStore.open(folder, { readOnly: true });
      const { findings, summary } = await check(store);
      const told = findings.filter((finding) => finding.severity !== 'info');
      expect(told.map((finding) => [finding.problem, finding.part, finding.severity])).toContainEqual([
        problem,
        part,
        severity,
      ]);
      const expected: Record<string, string[] | undefined> = lost();
      const affected = Object.fromEntries(told.flatMap(({ versions }) => versions.map(({ id, paths }) => [id, paths])));
      expect(affected).toEqual(expected);
      expect(summary.damagedVersions.map(({ id }) => id).sort()).toEqual(Object.keys(expected).sort());
      expect(summary.versions).toBe(5);
      for (const [id, files] of Object.entries(whole)) {
        if (id in expected && expected[id] === undefined) {
          await expect(store.device(deviceOf(id)).get(id)).rejects.toMatchObject({ code: /SNAPSHOT_/ });
          continue;
        }
        const now = await readVersion(store, deviceOf(id), id);
        for (const [path_, content] of Object.entries(files))
          if (expected[id]?.includes(path_) === true) expect(now[path_]).not.toBe(content);
          else expect([path_, now[path_]]).toEqual([path_, content]);
      }
    } finally {
      flip(path, offset);
    }
  });

  it('nothing is found in a store that is whole', async () => {
    await using store = await SnapshotStore.open(folder, { fs: quickFs });
    for (const level of ['structure', 'full'] as const) {
      const { findings, summary } = await check(store, { level });
      expect(findings).toEqual([]);
      expect(summary).toMatchObject({ level, errors: 0, versions: 5, damagedVersions: [], contents: 12 });
    }
    const { summary } = await check(store);
    expect(summary.checkedContents).toBe(9 + 3);
  });
});

it('a lease that does not say who holds it', async () => {
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true, fs: quickFs });
  await store.device(udid).import(treeInMemory({ 'aa/a': 'a' }));
  await using version = await store.device(udid).get();
  await (await version.open('aa/a'))?.close();
  const part = fileIn(location, 'locks', 'version-');
  flip(partPath(location, part), 0);
  const { findings } = await check(store);
  expect(findings).toEqual([expect.objectContaining({ problem: 'lease-damaged', severity: 'warning', part })]);
});

it('what is missing, strange or writable', async () => {
  const location = await temporaryFolder();
  const { contents, versions } = await makeRichStore(location);
  const part = keys.object(nameOf(contents['big3'] ?? new Uint8Array()));
  await chmod(partPath(location, keys.object(nameOf(contents['small3'] ?? new Uint8Array()))), 0o644);
  await rm(partPath(location, part));
  await mkdir(partPath(location, 'objects/zz'));
  await writeFile(partPath(location, 'objects/zz/file'), '');
  await writeFile(partPath(location, '.DS_Store'), '');
  await writeFile(partPath(location, `devices/${udid}/versions/notes.txt`), '');
  await using store = await SnapshotStore.open(location, { fs: quickFs });
  const { findings } = await check(store, { level: 'structure' });
  expect(findings.map(({ problem, severity, part: name }) => `${severity} ${problem} ${name}`).sort()).toEqual(
    [
      `error content-missing ${part}`,
      'info stray .DS_Store',
      `info stray devices/${udid}/versions/notes.txt`,
      'info stray objects/zz/file',
      `info writable ${keys.object(nameOf(contents['small3'] ?? new Uint8Array()))}`,
    ].sort(),
  );
  const missing = findings.find(({ severity }) => severity === 'error');
  expect(missing?.versions.map(({ id }) => id)).toEqual(expect.arrayContaining([...versions]));
});

it('thirty samples look at everything, across restarts', async () => {
  const location = await temporaryFolder();
  {
    await using store = await SnapshotStore.open(location, { create: true, fs: quickFs });
    const files = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`aa/${index}`, `file ${index}`]));
    await store.device(udid).import(treeInMemory(files));
  }
  const seen: number[] = [];
  let contents = 0;
  for (const runs of [7, 13, 10]) {
    await using store = await SnapshotStore.open(location, { fs: quickFs });
    for (let run = 0; run < runs; run += 1) {
      const { summary } = await check(store, { level: 'sample' });
      seen.push(summary.slice?.index ?? -1);
      contents += summary.checkedContents;
      expect(summary.checkedContents).toBeLessThan(40);
    }
  }
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, index) => index));
  expect(contents).toBe(200);
  await using store = await SnapshotStore.open(location, { readOnly: true });
  expect((await check(store, { level: 'sample', share: 0.5, slice: 1 })).summary.slice).toEqual({ index: 1, of: 2 });
});

it('checks a store without a folder, and one that changes under it', async () => {
  const blobs = new MemoryBlobStore();
  await using store = await SnapshotStore.open(blobs, { create: true });
  const { id } = await store.device(udid).import(treeInMemory({ 'aa/a': 'a', 'aa/b': 'b' }));
  expect((await check(store)).findings).toEqual([]);
  await blobs.put(keys.object(nameOf(Buffer.from('a'))), Buffer.from('x'), { size: 1 });
  expect((await check(store, { level: 'structure' })).findings).toEqual([]);
  const { findings } = await check(store);
  expect(findings).toMatchObject([{ problem: 'object-damaged', versions: [{ id, paths: ['aa/a'] }] }]);
});

it('keeps a purge waiting, and says when it was not taken to its end', async () => {
  await using store = await SnapshotStore.open(folder, { fs: quickFs });
  const run = store.verify();
  const partly = run[Symbol.asyncIterator]();
  writeFileSync(partPath(folder, 'strange'), '');
  try {
    await partly.next();
    await expect(store.purge()).rejects.toMatchObject({ code: 'SNAPSHOT_LOCKED' });
  } finally {
    await partly.return?.();
    await rm(partPath(folder, 'strange'));
  }
  await expect(run.summary).rejects.toThrow('not taken to their end');
});
