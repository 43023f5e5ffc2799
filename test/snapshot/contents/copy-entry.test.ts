import { expect, it } from 'vitest';
import { memorySource } from '../../../src/core/byte-source.js';
import { buildDelta } from '../../../src/snapshot/contents/build-delta.js';
import { openDelta } from '../../../src/snapshot/contents/delta-source.js';
import { checkPack } from '../../../src/snapshot/contents/check-pack.js';
import { openPackedContent } from '../../../src/snapshot/contents/packed-content.js';
import { newStoreKey, openEntrySeal, sealEntry } from '../../../src/snapshot/seals/seal-format.js';
import { contentOf, makePack, patternBytes, sha256 } from './pack-support.js';

const content = patternBytes(300_000, 1);
const old = patternBytes(500_000, 2, true);
const next = old.slice();
next.fill(7, 100_000, 250_000);
const pair = { target: sha256(old), base: sha256(next) };
const storeKey = newStoreKey();
const files = { target: patternBytes(32, 3, true), base: undefined };

async function threeEntries(): ReturnType<typeof makePack<unknown[]>> {
  return await makePack(async (writer) => [
    await writer.addContent(sha256(content), memorySource(content)),
    await buildDelta(
      { hash: pair.target, source: memorySource(old) },
      { hash: pair.base, source: memorySource(next) },
      writer,
    ),
    await buildDelta(
      { hash: pair.target, source: memorySource(old) },
      { hash: pair.base, source: memorySource(next) },
      writer,
      {
        ...sealEntry(storeKey, pair, files),
      },
    ),
  ]);
}

it('copies entries byte for byte, in any order', async () => {
  const { pack } = await threeEntries();
  const { entries } = await checkPack(pack);
  const copied = await makePack(async (writer) => {
    for (const entry of entries.toReversed()) await writer.copyEntry(pack, entry);
  });
  const checked = await checkPack(copied.pack);
  expect(checked).toMatchObject({ damaged: [], salvaged: false, headerIntact: true });
  const [sealed, delta, whole] = checked.entries;
  if (sealed === undefined || delta === undefined || whole === undefined) throw new Error('three entries were copied');
  expect(sha256(await contentOf(await openPackedContent(copied.pack, whole)))).toEqual(sha256(content));
  expect(sha256(await contentOf(await openDelta(copied.pack, delta, memorySource(next))))).toEqual(pair.target);
  const { opener, files: keys } = openEntrySeal(sealed, storeKey, undefined);
  expect(keys).toEqual(files);
  expect(sha256(await contentOf(await openDelta(copied.pack, sealed, memorySource(next), { opener })))).toEqual(
    pair.target,
  );
  await expect(openDelta(copied.pack, sealed, memorySource(next))).rejects.toMatchObject({
    code: 'SNAPSHOT_SECRET_REQUIRED',
  });
  expect(() => openEntrySeal(sealed, newStoreKey(), undefined)).toThrow('damaged');
});

it('refuses damaged entries, and goes on without them', async () => {
  const { bytes, pack } = await threeEntries();
  const { entries } = await checkPack(pack);
  for (const [index, entry] of entries.entries()) {
    for (const at of [
      entry.offset + 20,
      entry.offset + entry.headerBytes + 30,
      entry.offset + Math.floor(entry.length / 2),
    ]) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      const { pack: rest } = await makePack(async (writer) => {
        await expect(writer.copyEntry(memorySource(damaged), entry)).rejects.toMatchObject({
          code: 'SNAPSHOT_CORRUPT',
        });
        for (const [other, intact] of entries.entries())
          if (other !== index) await writer.copyEntry(memorySource(damaged), intact);
      });
      const checked = await checkPack(rest);
      expect(checked.damaged).toEqual([]);
      expect(checked.entries).toHaveLength(2);
    }
  }
});

it('finds every change of a sealed entry', async () => {
  const { pack } = await threeEntries();
  const sealed = (await checkPack(pack)).entries[2];
  if (sealed === undefined) throw new Error('there is a sealed entry');
  for (let at = 0; at < sealed.extra.length; at += 7) {
    const extra = sealed.extra.slice();
    extra[at] = (extra[at] ?? 0) ^ 1;
    if (at === 0) continue;
    expect(() => openEntrySeal({ ...sealed, extra }, storeKey, undefined)).toThrow('damaged');
  }
  expect(() => openEntrySeal({ ...sealed, target: sha256(next) }, storeKey, undefined)).toThrow('damaged');
});

it('takes an entry back, and the pack goes on', async () => {
  const { pack, result } = await makePack(async (writer) => {
    await writer.addContent(sha256(content), memorySource(content));
    await writer.addContent(sha256(old), memorySource(old));
    writer.takeBack();
    await writer.addContent(sha256(next), memorySource(next));
    return writer.count;
  });
  expect(result).toBe(2);
  const checked = await checkPack(pack);
  expect(checked.entries.map(({ size }) => size)).toEqual([content.length, next.length]);
  expect(checked.damaged).toEqual([]);
});
