import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Backup } from '../../src/entry/index.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { editPages, historyUse, numbers, pagedContent, versionsOf } from './churn.js';
import { quickFs } from './faulty-fs.js';
import { allBytes, password, sealedDays } from './sealed-support.js';
import { udid } from './support.js';

const tuning = { deltaBytes: 64 * 1024 };

it('keeps encrypted backups as sealed differences, and gives back every byte', async () => {
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true, password, fs: quickFs });
  await sealedDays(store, udid, { days: 5 });
  const device = store.device(udid);
  const before = await versionsOf(device);
  const sizeBefore = await historyUse(location);
  const report = await store.compact({ tuning });
  // Two databases and the manifest of each day but the last.
  expect(report).toMatchObject({ deltas: 12, damaged: [], waiting: 0, complete: true });
  expect(await versionsOf(device)).toEqual(before);
  await store.purge();
  expect(await versionsOf(device)).toEqual(before);
  expect(sizeBefore - (await historyUse(location))).toBeGreaterThan(4 * 192 * 4096 * 0.85);
  const file = JSON.parse(await readFile(join(location, '.ios-backup-kit', 'store.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  expect(file).toMatchObject({ requires: ['sealed-deltas'] });
  expect(file['keys']).toHaveLength(1);

  // A later process, by the password, and by the key that was derived.
  const oldest = [...before.keys()].at(-1) ?? '';
  let key: Uint8Array | undefined;
  {
    await using again = await SnapshotStore.open(location, { password, fs: quickFs });
    expect(await versionsOf(again.device(udid))).toEqual(before);
    await using backup = await Backup.open(await again.device(udid).get(oldest), { password });
    key = backup.exportKey();
    const sms = await backup.fs.readFile('/HomeDomain/sms.db');
    expect(Buffer.from(sms).equals(pagedContent(128, 1))).toBe(true);
  }
  await using byKey = await SnapshotStore.open(location, { key, readOnly: true });
  expect(await versionsOf(byKey.device(udid))).toEqual(before);
  await using folder = await store.device(udid).openFolder(oldest, { allowCopy: true });
  await using opened = await Backup.open(folder.path, { password });
  expect(await opened.files.count()).toBeGreaterThan(300);
});

it('shows nothing of the files, nor of keys, to who has not the secret', async () => {
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true, password, fs: quickFs });
  const ids = await sealedDays(store, udid, { days: 3 });
  await store.compact({ tuning });
  await using backup = await Backup.open(await store.device(udid).get(ids[0] ?? ''), { password });
  const key = backup.exportKey() ?? new Uint8Array(0);
  const bytes = await allBytes(join(location, '.ios-backup-kit'));
  expect(bytes.includes(Buffer.from(key))).toBe(false);
  expect(bytes.includes(Buffer.from(key).toString('hex'))).toBe(false);
  const random = numbers(11);
  const first = pagedContent(128, 1);
  const second = editPages(first, 3, random);
  for (let page = 0; page < 128; page += 1) {
    expect(bytes.includes(Buffer.from(first.subarray(page * 4096, page * 4096 + 64)))).toBe(false);
    expect(bytes.includes(Buffer.from(second.subarray(page * 4096, page * 4096 + 64)))).toBe(false);
  }
});

it.each([
  ['no secret', {}],
  ['another password', { password: 'another one' }],
  ['another key', { key: new Uint8Array(32).fill(7) }],
])('needs the secret only for what is sealed: %s', async (_, secret) => {
  const location = await temporaryFolder();
  let ids: string[];
  let before: Map<string, Record<string, string>>;
  {
    await using store = await SnapshotStore.open(location, { create: true, password, fs: quickFs });
    ids = await sealedDays(store, udid, { days: 3 });
    before = await versionsOf(store.device(udid));
    await store.compact({ tuning });
    await store.purge();
  }
  await using store = await SnapshotStore.open(location, { ...secret, fs: quickFs });
  const device = store.device(udid);
  const version = await device.get(ids[0] ?? '');
  expect(await (await version.open('Info.plist'))?.read(0, 5)).toEqual(new TextEncoder().encode('<?xml'));
  const failure = await version.open('Manifest.db').then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({ code: 'SNAPSHOT_SECRET_REQUIRED' });
  expect(JSON.stringify(failure)).not.toContain('another one');
  await version.close();
  // The newest is whole.
  const newest = await device.get();
  const all = before.get(newest.info.id);
  await using backup = await Backup.open(newest, { password });
  expect(await backup.files.count()).toBeGreaterThan(300);
  expect(Object.keys(all ?? {}).length).toBeGreaterThan(300);
  await expect(device.openFolder(ids[0] ?? '', { allowCopy: true })).rejects.toMatchObject({
    code: 'SNAPSHOT_SECRET_REQUIRED',
  });
  // Work goes on; what cannot be unlocked stays whole.
  const [more] = await sealedDays(store, udid, { days: 1, first: 3 });
  expect(await store.compact({ tuning })).toMatchObject({ deltas: 0, damaged: [] });
  await store.purge();
  await device.delete([ids[1] ?? ''], { permanently: true });
  await store.purge();
  await store.compact({ tuning });
  await store.purge();
  await store.close();
  await using whole = await SnapshotStore.open(location, { password, fs: quickFs });
  const after = await versionsOf(whole.device(udid));
  expect(after.get(ids[0] ?? '')).toEqual(before.get(ids[0] ?? ''));
  expect(after.get(ids[2] ?? '')).toEqual(before.get(ids[2] ?? ''));
  expect(after.has(more ?? '')).toBe(true);
});

it('joins sealed differences when a version in the middle is deleted', async () => {
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true, password, fs: quickFs });
  const ids = await sealedDays(store, udid, { days: 5 });
  const device = store.device(udid);
  await store.compact({ tuning });
  await device.delete([ids[1] ?? '', ids[2] ?? ''], { permanently: true });
  await store.purge();
  const before = await versionsOf(device);
  expect(await store.compact({ tuning })).toMatchObject({ merged: 3, damaged: [] });
  await store.purge();
  await store.purge();
  expect(await versionsOf(device)).toEqual(before);
});

it('goes on over a change of the password, once both are known', async () => {
  const location = await temporaryFolder();
  const before = new Map<string, Record<string, string>>();
  const note = async (store: SnapshotStore): Promise<void> => {
    for (const [id, files] of await versionsOf(store.device(udid))) before.set(id, files);
  };
  {
    await using store = await SnapshotStore.open(location, { create: true, password, fs: quickFs });
    await sealedDays(store, udid, { days: 3 });
    await note(store);
    await store.compact({ tuning });
    await sealedDays(store, udid, { days: 2, first: 3, seed: 2, secret: 'a new one' });
    // The manifest of the new keybag has other keys in every row. Only the old backups can be unlocked: the one before the change stays whole.
    expect(await store.compact({ tuning })).toMatchObject({ deltas: 0 });
    await store.purge();
  }
  {
    await using store = await SnapshotStore.open(location, {
      password: 'a new one',
      secrets: [{ password }],
      fs: quickFs,
    });
    await note(store);
    expect(await store.compact({ tuning })).toMatchObject({ deltas: 5, damaged: [] });
    await store.purge();
    expect(Object.fromEntries(await versionsOf(store.device(udid)))).toEqual(Object.fromEntries(before));
  }
  // From now on each of both opens all of it.
  for (const one of [password, 'a new one']) {
    await using store = await SnapshotStore.open(location, { password: one, fs: quickFs });
    expect(Object.fromEntries(await versionsOf(store.device(udid)))).toEqual(Object.fromEntries(before));
  }
});
