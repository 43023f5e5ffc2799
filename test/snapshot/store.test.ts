import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../../src/core/bytes.js';
import { readTreeFile } from '../../src/core/memory-tree.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import type { Placement } from '../../src/snapshot/types.js';
import { temporaryFolder } from '../backup/support.js';
import { replaceFile, treeOf, udid } from './support.js';

const placements: Placement[] = ['link', 'move', 'copy'];

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield utf8Encode(text);
}

const text = async (version: Parameters<typeof readTreeFile>[0], path: string): Promise<string | undefined> => {
  const bytes = await readTreeFile(version, path, { limit: 1e6 });
  return bytes && new TextDecoder().decode(bytes);
};

describe.each(placements)('a store in %s placement', (isolation) => {
  it('keeps what each run has made, and the newest as a plain folder', async () => {
    const location = await temporaryFolder();
    await using store = await SnapshotStore.open(location, { create: true, isolation });
    const device = store.device(udid);
    const runs: Record<string, string>[] = [];
    for (const day of [1, 2, 3]) {
      await using sink = await device.begin();
      await sink.write(`${udid}/ab/same`, once('the same'));
      await sink.write(`${udid}/ab/file`, once(`day ${day}`));
      await sink.write(`${udid}/cd/only-${day}`, once(`only ${day}`));
      if (day > 1) await sink.remove(`${udid}/cd/only-${day - 1}`);
      await sink.makeDirectory(`${udid}/empty`);
      await sink.commit();
      expect((await sink.version())?.files).toBe(3);
      runs.push(await treeOf(join(location, udid)));
    }
    const versions = await device.list();
    expect(versions).toHaveLength(3);
    for (const [index, info] of versions.toReversed().entries()) {
      const version = await device.get(info.id);
      expect(await text(version, 'ab/file')).toBe(`day ${index + 1}`);
      expect(await text(version, `cd/only-${index + 1}`)).toBe(`only ${index + 1}`);
      await expect(text(version, 'cd/only-9')).resolves.toBeUndefined();
      const opened = store.device(udid);
      await using folder = await opened.openFolder(info.id, { allowCopy: true });
      expect(await treeOf(folder.path)).toEqual(runs[index]);
    }
  });

  it('leaves everything as it was when a run is not committed', async () => {
    const location = await temporaryFolder();
    await using store = await SnapshotStore.open(location, { create: true, isolation });
    await replaceFile(join(location, udid, 'ab', 'file'), 'first');
    await store.device(udid).capture();
    const before = await treeOf(join(location, udid));
    {
      await using sink = await store.begin(udid);
      await sink.write(`${udid}/ab/file`, once('second'));
      await sink.remove(`${udid}/ab/other`);
    }
    expect(await treeOf(join(location, udid))).toEqual(before);
    expect(await store.device(udid).list()).toHaveLength(1);
  });

  it('captures what another tool has made, and gives the last version where nothing has changed', async () => {
    const location = await temporaryFolder();
    const live = join(location, udid);
    await replaceFile(join(live, 'ab', 'one'), 'one');
    await replaceFile(join(live, 'ab', 'two'), 'two');
    await mkdir(join(live, 'empty'));
    await using store = await SnapshotStore.open(location, { create: true, isolation });
    const first = await store.device(udid).capture();
    expect(first).toMatchObject({ kind: 'capture', files: 2, added: 2 });
    expect((await store.device(udid).capture()).id).toBe(first.id);
    await replaceFile(join(live, 'ab', 'two'), 'twice');
    await rm(join(live, 'ab', 'one'));
    const second = await store.device(udid).capture();
    expect(second).toMatchObject({ parent: first.id, changed: 1, removed: 1, added: 0 });
  });

  it('goes back to a version, and keeps what was there', async () => {
    const location = await temporaryFolder();
    const live = join(location, udid);
    await replaceFile(join(live, 'ab', 'one'), 'one');
    await replaceFile(join(live, 'cd', 'gone'), 'gone');
    const first = await treeOf(live);
    await using store = await SnapshotStore.open(location, { create: true, isolation });
    const { id } = await store.device(udid).capture();
    await replaceFile(join(live, 'ab', 'one'), 'changed');
    await rm(join(live, 'cd'), { recursive: true });
    if (isolation === 'move') await replaceFile(join(live, 'cd', 'gone'), 'gone');
    const back = store.device(udid).rollback(id);
    if (isolation === 'move') {
      await expect(back).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
      return;
    }
    expect(await back).toMatchObject({ kind: 'rollback' });
    expect(await treeOf(live)).toEqual(first);
    expect(await store.device(udid).list()).toHaveLength(3);
  });

  it('removes what nobody needs, and only that', async () => {
    const location = await temporaryFolder();
    await using store = await SnapshotStore.open(location, { create: true, isolation });
    for (const day of [1, 2, 3]) {
      await using sink = await store.begin(udid);
      await sink.write(`${udid}/ab/file`, once(`day ${day}`));
      await sink.commit();
    }
    const [newest, middle, oldest] = await store.device(udid).list();
    await store.device(udid).delete([middle?.id ?? ''], { permanently: true });
    expect(await store.purge()).toMatchObject({ versions: [middle?.id], contents: 1 });
    expect(await text(await store.device(udid).get(oldest?.id), 'ab/file')).toBe('day 1');
    expect(await text(await store.device(udid).get(newest?.id), 'ab/file')).toBe('day 3');
    await expect(store.device(udid).get(middle?.id)).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
  });
});

it('says what a person can do without the program', async () => {
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true });
  expect(await readFile(join(location, '.ios-backup-kit', 'README.txt'), 'utf8')).toContain('cp');
  expect((await stat(join(location, '.ios-backup-kit', 'reserve'))).size).toBe(32 * 1024 * 1024);
  expect(store.info.location).toBe(location);
});
