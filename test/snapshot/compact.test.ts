import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../../src/core/bytes.js';
import type { Placement } from '../../src/snapshot/types.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { diskUse, editPages, historyUse, numbers, pagedContent, runOf, versionsOf } from './churn.js';
import { quickFs } from './faulty-fs.js';
import { udid } from './support.js';

const placements: Placement[] = ['link', 'move', 'copy'];
const tuning = { deltaBytes: 64 * 1024 };

const pages = 128;
/** Size of the databases of a day. */
const dayBytes = 1.5 * pages * 4096;

/** Days of two databases and small files. */
async function someDays(store: SnapshotStore, count: number): Promise<void> {
  const random = numbers(7);
  let [sms, photos] = [pagedContent(pages, 1), pagedContent(pages / 2, 2)];
  for (let day = 0; day < count; day += 1) {
    await runOf(store, udid, {
      '3d/sms': sms,
      'ab/photos': photos,
      'ab/small': utf8Encode(`day ${day} `.repeat(500)),
      [`cd/new-${day}`]: utf8Encode(`only of day ${day} `.repeat(40)),
      ...(day > 0 && { [`cd/new-${day - 1}`]: undefined }),
    });
    sms = editPages(sms, 6, random);
    photos = editPages(photos, 4, random);
  }
}

describe.each(placements)('compacting in %s placement', (isolation) => {
  it('makes history small and every version is as it was', async () => {
    const location = await temporaryFolder();
    await using store = await SnapshotStore.open(location, { create: true, isolation, fs: quickFs });
    await someDays(store, 6);
    const device = store.device(udid);
    const before = await versionsOf(device);
    const sizeBefore = await historyUse(location);
    const report = await store.compact({ tuning });
    expect(report).toMatchObject({ deltas: 10, keptWhole: 0, waiting: 0, damaged: [], complete: true });
    expect(report.packed).toBe(10);
    expect(await versionsOf(device)).toEqual(before);
    await store.purge();
    expect(await versionsOf(device)).toEqual(before);
    const gone = sizeBefore - (await historyUse(location));
    expect(gone).toBeGreaterThan(5 * dayBytes * 0.9);
    expect(report.savedBytes).toBe(gone - (await packOverhead(location, report.savedBytes, gone)));
    expect(await diskUse(join(location, '.ios-backup-kit', 'packs'))).toBeLessThan(dayBytes / 3);
    // Another one, and another store that knows nothing of this one.
    expect(await store.compact({ tuning })).toMatchObject({ deltas: 0, packed: 0, keptWhole: 0, savedBytes: 0 });
    await using again = await SnapshotStore.open(location, { isolation, fs: quickFs });
    expect(await versionsOf(again.device(udid))).toEqual(before);
    await using folder = await again.device(udid).openFolder([...before.keys()].at(-1) ?? '', { allowCopy: true });
    expect(folder.written.copied).toBeGreaterThan(0);
  });

  it('goes on in the process that has just made versions of many files', async () => {
    const location = await temporaryFolder();
    await using store = await SnapshotStore.open(location, { create: true, isolation, fs: quickFs });
    const many = (day: number): Record<string, Uint8Array> =>
      Object.fromEntries(
        Array.from({ length: 400 }, (_, index) => [
          `${(index % 16).toString(16)}/${index}`,
          utf8Encode(`${index % 50 === 0 ? day : 0} of ${index}`.repeat(9)),
        ]),
      );
    const device = store.device(udid);
    await runOf(store, udid, many(0));
    expect(await store.compact()).toMatchObject({ packed: 0, complete: true });
    for (let day = 1; day < 4; day += 1) await runOf(store, udid, many(day));
    const before = await versionsOf(device);
    expect(await store.compact()).toMatchObject({ packed: 24, waiting: 0, complete: true });
    await store.purge();
    expect(await versionsOf(device)).toEqual(before);
    await runOf(store, udid, many(4));
    expect(await store.compact()).toMatchObject({ packed: 8, complete: true });
    expect(Object.fromEntries(await versionsOf(device))).toMatchObject(Object.fromEntries(before));
    const findings: unknown[] = [];
    for await (const finding of store.verify({ level: 'full' })) findings.push(finding);
    expect(findings).toEqual([]);
  });

  it('goes on day by day', async () => {
    const location = await temporaryFolder();
    await using store = await SnapshotStore.open(location, { create: true, isolation, fs: quickFs });
    const random = numbers(3);
    let sms = pagedContent(256, 1);
    const seen = new Map<string, Record<string, string>>();
    for (let day = 0; day < 12; day += 1) {
      const id = await runOf(store, udid, { '3d/sms': sms });
      sms = editPages(sms, 3, random);
      seen.set(id, (await versionsOf(store.device(udid))).get(id) ?? {});
      expect(await store.compact({ tuning: { ...tuning, chainLinks: 4 } })).toMatchObject({
        complete: true,
        waiting: 0,
      });
      await store.purge();
    }
    expect(Object.fromEntries(await versionsOf(store.device(udid)))).toEqual(Object.fromEntries(seen));
    // One content of five stays whole, or compressed as such; the rest is small.
    expect(await historyUse(location)).toBeLessThan(4.5 * sms.length);
  });
});

async function packOverhead(_location: string, saved: number, gone: number): Promise<number> {
  expect(Math.abs(saved - gone)).toBeLessThan(64 * 1024);
  return gone - saved;
}

it('keeps every version when ones in the middle are deleted, and gives their space back', async () => {
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true, isolation: 'link', fs: quickFs });
  await someDays(store, 8);
  await store.compact({ tuning });
  const device = store.device(udid);
  const before = await versionsOf(device);
  const ids = [...before.keys()];
  const gone = [ids[2], ids[3], ids[5]].flatMap((id) => id ?? []);
  await device.delete(gone, { permanently: true });
  await store.purge();
  for (const id of gone) before.delete(id);
  expect(await versionsOf(device)).toEqual(before);
  const report = await store.compact({ tuning });
  expect(report.merged).toBe(4);
  expect(await versionsOf(device)).toEqual(before);
  await store.purge();
  expect(await versionsOf(device)).toEqual(before);
  await store.purge();
  expect(await versionsOf(device)).toEqual(before);
  expect(await store.compact({ tuning })).toMatchObject({ merged: 0, deltas: 0 });
});

it('stops after some bytes, and goes on the next time', async () => {
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true, isolation: 'link', fs: quickFs });
  await someDays(store, 4);
  const before = await versionsOf(store.device(udid));
  const first = await store.compact({ tuning, maxBytes: 1 });
  expect(first).toMatchObject({ deltas: 1, complete: false });
  expect(await versionsOf(store.device(udid))).toEqual(before);
  expect(await store.compact({ tuning, maxSeconds: 0 })).toMatchObject({ deltas: 0, packed: 0, complete: false });
  const second = await store.compact({ tuning });
  expect(second).toMatchObject({ deltas: 5, complete: true });
  expect(await versionsOf(store.device(udid))).toEqual(before);
});

it('leaves whole what is too different', async () => {
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true, isolation: 'link', fs: quickFs });
  const { randomBytes } = await import('node:crypto');
  const noise = new Uint8Array(randomBytes(512 * 1024));
  await runOf(store, udid, { 'ab/movie': noise, 'ab/text': pagedContent(64, 4) });
  await runOf(store, udid, { 'ab/movie': new Uint8Array(randomBytes(512 * 1024)), 'ab/text': pagedContent(64, 5) });
  const before = await versionsOf(store.device(udid));
  expect(await store.compact({ tuning })).toMatchObject({ deltas: 0, packed: 1, keptWhole: 1 });
  expect(await versionsOf(store.device(udid))).toEqual(before);
});

it('leaves whole contents to the next time while others work, and what is left by that is no harm', async () => {
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true, isolation: 'link', fs: quickFs });
  await someDays(store, 4);
  const device = store.device(udid);
  const before = await versionsOf(device);
  {
    await using run = await store.begin('00008110-0000000000000001');
    expect(await run.version()).toBeUndefined();
    expect(await store.compact({ tuning })).toMatchObject({ deltas: 6, waiting: 12, savedBytes: 0 });
  }
  expect(await versionsOf(device)).toEqual(before);
  const report = await store.compact({ tuning });
  expect(report).toMatchObject({ deltas: 0, packed: 0, waiting: 0 });
  expect(report.savedBytes).toBeGreaterThan(3 * dayBytes * 0.9);
  expect(await versionsOf(device)).toEqual(before);
});

it('never makes a circle where contents come and go', async () => {
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true, isolation: 'link', fs: quickFs });
  const a = pagedContent(64, 1);
  const b = editPages(a, 2, numbers(1));
  const c = editPages(b, 2, numbers(2));
  for (const content of [a, b, a, b, c, a, c, b]) {
    await runOf(store, udid, { 'ab/x': content });
    await store.compact({ tuning });
    const before = await versionsOf(store.device(udid));
    await store.purge();
    expect(await versionsOf(store.device(udid))).toEqual(before);
  }
  const hashes = new Set([...(await versionsOf(store.device(udid))).values()].map((files) => files['ab/x']));
  expect(hashes.size).toBe(3);
});
