import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RepairOptions, RepairReport, RepairSource } from '../../src/entry/snapshot.js';
import { MemoryBlobStore } from '../../src/snapshot/blobs/memory-blob-store.js';
import { keys } from '../../src/snapshot/store/keys.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { cloneFolder } from './crash-support.js';
import { fileIn, flip, makeRichStore, nameOf, offsetOf, other, partPath, type RichStore } from './damage.js';
import { quickFs } from './faulty-fs.js';
import { copyOf, readVersion, treeOf, udid } from './support.js';

let rich: RichStore;
let folder: string;
let template: string;
let replica: SnapshotStore;
const whole: Record<string, Record<string, string>> = {};
let newest: Record<string, string>;

const deviceOf = (id: string): string => (rich.versions.includes(id) ? udid : other);
const objectOf = (name: string): string => keys.object(nameOf(rich.contents[name] ?? new Uint8Array()));
const path = (part: string): string => partPath(folder, part);

beforeAll(async () => {
  const top = await mkdtemp(join(tmpdir(), 'ios-backup-kit-'));
  [template, folder] = [join(top, 'template'), join(top, 'location')];
  rich = await makeRichStore(template);
  await using store = await SnapshotStore.open(template, { readOnly: true });
  for (const id of [...rich.versions, ...rich.others]) whole[id] = await readVersion(store, deviceOf(id), id);
  newest = await treeOf(join(template, udid));
  replica = await SnapshotStore.open(new MemoryBlobStore(), { create: true });
  await store.copyTo(replica);
});
afterAll(async () => {
  await rm(join(template, '..'), { recursive: true, force: true });
});

/** Damages a fresh store, mends it, and looks that everything but what is said to be lost is as it was. */
async function mend(
  damage: () => Promise<void> | void,
  { lost = [], ...options }: RepairOptions & { lost?: string[] } = {},
): Promise<RepairReport> {
  await rm(folder, { recursive: true, force: true });
  cloneFolder(template, folder);
  await damage();
  await using store = await SnapshotStore.open(folder, { fs: quickFs });
  const before = await treeOf(folder);
  const plan = await store.repair(options);
  const { 'quarantine/': _, ...left } = await treeOf(folder);
  for (const [name, content] of Object.entries(before))
    if (!name.includes('/locks/')) expect([name, left[name]]).toEqual([name, content]);
  const report = await store.repair({ ...options, dryRun: false });
  expect(report.mended).toEqual(plan.mended);
  expect(report.lost).toEqual(plan.lost);
  for (const [id, files] of Object.entries(whole))
    if (!lost.includes(id)) expect(await readVersion(store, deviceOf(id), id)).toEqual(files);
  const check = store.verify({ level: 'full' });
  const found: string[] = [];
  for await (const { problem, severity, part } of check) if (severity !== 'info') found.push(`${problem} ${part}`);
  if (report.lost.length === 0) expect(found).toEqual([]);
  return report;
}

const sources = (report: RepairReport): RepairSource[] => report.mended.map(({ from }) => from);
const flipEntry = (name: keyof RichStore['entries'], at: number): void => {
  flip(path(rich.pack), rich.entries[name].offset + at);
};

describe('repair', () => {
  it('takes a content from the newest backup of any device', async () => {
    const report = await mend(async () => {
      // As if the disk could not link: the newest backup has its own file.
      const live = join(folder, udid, 'aa/big');
      await copyOf(live, `${live}.copy`);
      flip(path(objectOf('big3')), 4000);
      await rename(`${live}.copy`, live);
    });
    expect(sources(report)).toEqual(['newest']);
    expect(report.quarantined).toHaveLength(1);
    expect(await readFile(path(report.quarantined[0] ?? ''))).toHaveLength(300_000);
  });

  it('takes a content from a pack, and an entry from its object', async () => {
    const small = rich.contents['small1'] ?? new Uint8Array();
    const put = async (content: Uint8Array): Promise<void> => {
      const full = path(objectOf('small1'));
      await mkdir(join(full, '..'), { recursive: true });
      await writeFile(full, content);
      await chmod(full, 0o444);
    };
    const bad = new Uint8Array(small);
    bad[9] = 0;
    expect(sources(await mend(async () => await put(bad)))).toEqual(['store']);
    const report = await mend(async () => {
      await put(small);
      flipEntry('small1', 90);
    });
    expect(sources(report)).toEqual(['store']);
    expect(report.quarantined.map((name) => name.slice(0, 17))).toEqual(['quarantine/packs_']);
  });

  it('takes a content from a folder of a version that is open', async () => {
    await rm(folder, { recursive: true, force: true });
    cloneFolder(template, folder);
    await using store = await SnapshotStore.open(folder, { fs: quickFs });
    await using opened = await store
      .device(udid)
      .openFolder(rich.versions[2] ?? '', { writable: true, allowCopy: true });
    expect(opened.written.copied).toBeGreaterThan(0);
    flip(path(objectOf('same')), 3);
    const report = await store.repair({ dryRun: false });
    expect(sources(report)).toEqual(['opened']);
    // The newest backup had the same damaged file.
    expect(await treeOf(join(folder, udid))).toEqual(newest);
  });

  it('takes contents, also those that others rest on, from another store', async () => {
    const report = await mend(
      () => {
        for (const name of ['big3', 'small2', 'same']) flip(path(objectOf(name)), 7);
        flipEntry('big1', 400);
      },
      { from: replica },
    );
    expect(sources(report).sort()).toEqual(['replica', 'replica', 'replica', 'replica']);
    expect(await treeOf(join(folder, udid))).toEqual(newest);
  });

  it('writes what is whole of a pack into a new one', async () => {
    expect(sources(await mend(() => flip(path(rich.pack), -100)))).toEqual(['computed']);
    expect(sources(await mend(() => flip(path(rich.pack), 1)))).toEqual(['computed']);
    expect(sources(await mend(() => flip(path(rich.pack), 4)))).toEqual(['computed']);
    // Header of an entry, and its chunk table: the content can be read still.
    expect(sources(await mend(() => flipEntry('big1', 20)))).toEqual(['store']);
    expect(sources(await mend(() => flipEntry('big1', rich.entries.big1.length - 6)))).toEqual(['store']);
    expect((await readdir(path('packs'), { recursive: true })).filter((name) => name.endsWith('.pk'))).toHaveLength(1);
  });

  it('says what cannot be mended; the version can be opened, and reading what is lost is an error', async () => {
    const lost = rich.versions[0] ?? '';
    const report = await mend(() => flipEntry('big1', 300), { lost: [lost] });
    expect(report.mended).toEqual([]);
    expect(report.lost).toMatchObject([{ problem: 'entry-damaged', versions: [{ id: lost, paths: ['aa/big'] }] }]);
    await using store = await SnapshotStore.open(folder, { fs: quickFs });
    expect(await readVersion(store, udid, lost)).toEqual({ ...whole[lost], 'aa/big': 'damaged' });
  });

  it('never lets other bytes be read for what is lost', async () => {
    const [, second = ''] = rich.versions;
    const lost = [second, rich.others[1] ?? ''];
    const report = await mend(() => flip(path(objectOf('small2')), 7), { lost });
    expect(report.lost).toHaveLength(1);
    await using store = await SnapshotStore.open(folder, { fs: quickFs });
    const files = await readVersion(store, udid, second);
    expect(files).toEqual({ ...whole[second], 'bb/small': 'damaged', 'bb/again': 'damaged' });
  });

  it('takes the record of the newest version from the newest backup, and others from another store', async () => {
    const record = (day: number) => (): void => flip(path(keys.version(udid, rich.versions[day - 1] ?? '')), -60);
    expect(sources(await mend(record(3)))).toEqual(['newest']);
    expect(sources(await mend(record(2), { from: replica }))).toEqual(['replica']);
    const report = await mend(record(2), { lost: [rich.versions[1] ?? ''], giveUp: true });
    expect(report.lost).toMatchObject([{ problem: 'record-damaged', versions: [{ id: rich.versions[1] }] }]);
    await using store = await SnapshotStore.open(folder, { fs: quickFs });
    expect(await store.device(udid).list()).toHaveLength(2);
    await store.purge();
  });

  it('computes a table from the newest backup, or takes it from another store', async () => {
    const flipTable = (): void => flip(path(fileIn(folder, 'tables')), 5000);
    expect(sources(await mend(flipTable, { from: replica }))).toEqual(['replica']);
    // As the newest backup was when the table was written.
    const computed = await mend(async () => {
      await rm(join(folder, other), { recursive: true });
      await using store = await SnapshotStore.open(folder, { fs: quickFs });
      await store.device(other).exportFolder(rich.others[0] ?? '', join(folder, other));
      flipTable();
    });
    expect(sources(computed)).toEqual(['newest']);
    const report = await mend(flipTable, { lost: [...rich.others] });
    expect(report.lost).toMatchObject([{ problem: 'table-damaged' }]);
  });

  it('mends the record of a newest backup, settings and modes', async () => {
    expect(sources(await mend(() => flip(path(keys.live(udid)), 80)))).toEqual(['store']);
    const pin = (): void => flip(path(keys.settings(udid)), offsetOf(path(keys.settings(udid)), 'a note') + 2);
    expect((await mend(pin)).lost).toHaveLength(1);
    expect(sources(await mend(pin, { giveUp: true }))).toEqual(['accepted']);
    expect(sources(await mend(pin, { from: replica }))).toEqual(['replica']);
    await using store = await SnapshotStore.open(folder, { fs: quickFs });
    expect((await store.device(udid).list()).at(-1)?.pinned).toBe(true);
    const id = (): void => flip(path('store.json'), offsetOf(path('store.json'), '"id": "') + 9);
    expect(sources(await mend(id, { giveUp: true }))).toEqual(['accepted']);
    expect(sources(await mend(async () => await chmod(path(objectOf('small2')), 0o644)))).toEqual(['computed']);
  });
});
