import { createCipheriv, createDecipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySource, type ByteSource } from '../../../src/core/byte-source.js';
import { concatBytes } from '../../../src/core/bytes.js';
import { buildDelta } from '../../../src/snapshot/contents/build-delta.js';
import type { ChunkOpener, ChunkSealer } from '../../../src/snapshot/contents/chunk-seal.js';
import { openDeltaParts } from '../../../src/snapshot/contents/delta-parts.js';
import { openDelta } from '../../../src/snapshot/contents/delta-source.js';
import { ExtentsBuilder } from '../../../src/snapshot/contents/extents.js';
import { mergeDeltas } from '../../../src/snapshot/contents/merge-deltas.js';
import { readPackDirectory } from '../../../src/snapshot/contents/pack-directory.js';
import { packKinds, type PackEntry } from '../../../src/snapshot/format/pack-format.js';
import { asyncOnly, contentOf, makePack, patternBytes, sha256 } from './pack-support.js';

/** Versions of one content: each has some bytes changed and another length. */
const histories = fc
  .record({
    first: fc.nat({ max: 40_000 }),
    steps: fc.array(
      fc.record({
        size: fc.nat({ max: 40_000 }),
        writes: fc.array(fc.tuple(fc.nat({ max: 40_000 }), fc.nat({ max: 6000 })), { maxLength: 5 }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  })
  .map(({ first, steps }) => {
    const versions = [patternBytes(first, 7, true)];
    for (const [index, { size, writes }] of steps.entries()) {
      const next = new Uint8Array(size);
      next.set((versions.at(-1) ?? next).subarray(0, size));
      for (const [at, length] of writes) {
        const room = Math.max(0, Math.min(length, size - at));
        if (room > 0) next.set(patternBytes(room, index + at, true), at);
      }
      versions.push(next);
    }
    return versions;
  });

const named = (bytes: Uint8Array) => ({ hash: sha256(bytes), source: memorySource(bytes) });
const always = { limitShare: 1, pageSize: 512 };

async function deltaPack(old: Uint8Array, next: Uint8Array, options = {}) {
  const made = await makePack(
    async (writer) => await buildDelta(named(old), named(next), writer, { ...always, ...options }),
  );
  return { ...made, entry: made.result ?? expect.fail('no delta') };
}

describe('deltas', () => {
  it('give the old content over the next one, at any place', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.nat({ max: 40_000 }), fc.nat({ max: 9000 }), async (versions, offset, length) => {
        const [old = new Uint8Array(0), next = new Uint8Array(0)] = versions;
        const { pack, entry } = await deltaPack(old, next);
        expect((await readPackDirectory(pack)).entries).toEqual([entry]);
        const source = await openDelta(pack, entry, memorySource(next));
        const remote = await openDelta(asyncOnly(pack), entry, memorySource(next));
        expect('readSync' in remote).toBe(false);
        expect(Buffer.compare(await contentOf(source), old)).toBe(0);
        const expected = old.subarray(offset, offset + length);
        expect(Buffer.compare(await source.read(offset, length), expected)).toBe(0);
        expect(Buffer.compare(await remote.read(offset, length), expected)).toBe(0);
        const target = new Uint8Array(length);
        expect(source.readSync?.(offset, target)).toBe(expected.length);
        expect(Buffer.compare(target.subarray(0, expected.length), expected)).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('form chains, and two neighbours become one that gives the same', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (versions) => {
        const newest = versions.at(-1) ?? expect.fail();
        const links = [];
        for (const [index, old] of versions.slice(0, -1).entries())
          links.push(await deltaPack(old, versions[index + 1] ?? expect.fail()));
        let chain: ByteSource = memorySource(newest);
        for (const link of links.toReversed())
          chain = await openDelta(link.pack, link.entry, chain, { ownsBase: true });
        expect(Buffer.compare(await contentOf(chain), versions[0] ?? expect.fail())).toBe(0);
        const target = new Uint8Array(chain.size);
        chain.readSync?.(0, target);
        expect(Buffer.compare(target, versions[0] ?? expect.fail())).toBe(0);
        await chain.close();

        let merged = links[0] ?? expect.fail();
        for (const link of links.slice(1)) {
          const upper = await openDeltaParts(merged.pack, merged.entry);
          const lower = await openDeltaParts(link.pack, link.entry);
          const made = await makePack(async (writer) => await mergeDeltas(upper, lower, writer));
          merged = { ...made, entry: made.result ?? expect.fail() };
        }
        const source = await openDelta(merged.pack, merged.entry, memorySource(newest));
        expect(Buffer.compare(await contentOf(source), versions[0] ?? expect.fail())).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('are not made where too much differs', async () => {
    const { result, bytes } = await makePack(
      async (writer) =>
        await buildDelta(named(patternBytes(90_000, 1, true)), named(patternBytes(90_000, 2, true)), writer),
    );
    expect(result).toBeUndefined();
    expect(bytes.length).toBe(64);
  });

  it('are made of ranges larger than a chunk', async () => {
    const old = patternBytes(700_000, 1, true);
    const { pack, entry } = await deltaPack(old, new Uint8Array(10));
    const third = patternBytes(300_000, 2, true);
    expect(Buffer.compare(await contentOf(await openDelta(pack, entry, memorySource(new Uint8Array(10)))), old)).toBe(
      0,
    );
    const below = await deltaPack(new Uint8Array(10), third);
    const merged = await makePack(
      async (writer) =>
        await mergeDeltas(await openDeltaParts(pack, entry), await openDeltaParts(below.pack, below.entry), writer),
    );
    const source = await openDelta(merged.pack, merged.result ?? expect.fail(), memorySource(third));
    expect(Buffer.compare(await contentOf(source), old)).toBe(0);
    const upper = await openDeltaParts(pack, entry);
    const lower = await openDeltaParts(below.pack, below.entry);
    const limited = makePack(async (writer) => await mergeDeltas(upper, lower, writer, { limitShare: 0.6 }));
    expect((await limited).result).toBeUndefined();
  });

  it('refuse another base, other kinds and strangers as neighbours', async () => {
    const corrupt = { code: 'SNAPSHOT_CORRUPT' };
    const a = await deltaPack(patternBytes(5000, 1), patternBytes(5000, 2));
    await expect(openDelta(a.pack, a.entry, memorySource(new Uint8Array(4999)))).rejects.toMatchObject(corrupt);
    const b = await makePack(
      async (writer) => await writer.addContent(sha256(new Uint8Array(9)), memorySource(new Uint8Array(9))),
    );
    await expect(openDelta(b.pack, b.result, memorySource(new Uint8Array(9)))).rejects.toMatchObject(corrupt);
    const parts = await openDeltaParts(a.pack, a.entry);
    await expect(makePack(async (writer) => await mergeDeltas(parts, parts, writer))).rejects.toMatchObject(corrupt);
    const short = { ...memorySource(new Uint8Array(100)), size: 5000 };
    const same = await deltaPack(patternBytes(5000, 1), patternBytes(5000, 1));
    const source = await openDelta(same.pack, same.entry, short);
    await expect(source.read(0, 5000)).rejects.toMatchObject(corrupt);
    expect(() => source.readSync?.(0, new Uint8Array(5000))).toThrow('ended early');
  });

  it('refuse extents that leave a gap, overlap or do not add up', async () => {
    const base = { hash: sha256(new Uint8Array(0)), size: 1000 };
    const target = { hash: sha256(new Uint8Array(1)), size: 3000 };
    const cases: [number, number][][] = [
      [],
      [[1000, 1999]],
      [[1001, 1999]],
      [
        [1000, 500],
        [1600, 1400],
      ],
      [[1000, 2001]],
      [[5000, 2000]],
    ];
    for (const ranges of cases) {
      const extents = new ExtentsBuilder();
      for (const [offset, length] of ranges) extents.add(offset, length);
      const plan = { target, base, extents: extents.finish() };
      const { pack, result } = await makePack(
        async (writer) => await writer.addDelta(plan, memorySource(new Uint8Array(plan.extents.bytes)).stream()),
      );
      await expect(openDeltaParts(pack, result)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
    }
  });

  it('close the base and the pack where they own them', async () => {
    const { pack, entry } = await deltaPack(patternBytes(5000, 1), patternBytes(5000, 2));
    const closed: string[] = [];
    const watch = (source: ByteSource, name: string): ByteSource => ({
      ...source,
      close: async () => {
        closed.push(name);
      },
    });
    const base = watch(memorySource(patternBytes(5000, 2)), 'base');
    await (await openDelta(watch(pack, 'pack'), entry, base)).close();
    expect(closed).toEqual([]);
    await (await openDelta(watch(pack, 'pack'), entry, base, { ownsBase: true, ownsPack: true })).close();
    expect(closed.toSorted()).toEqual(['base', 'pack']);
  });
});

describe('sealed deltas', () => {
  const key = Buffer.alloc(32, 7);
  const nonce = (index: number): Buffer => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt32LE(index);
    return bytes;
  };
  const sealer: ChunkSealer = {
    seal(bytes, { index, codec }) {
      const cipher = createCipheriv('aes-256-gcm', key, nonce(index)).setAAD(Buffer.from([codec]));
      return concatBytes([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    },
  };
  const opener: ChunkOpener = {
    open(bytes, { index, codec }) {
      const decipher = createDecipheriv('aes-256-gcm', key, nonce(index)).setAAD(Buffer.from([codec]));
      decipher.setAuthTag(bytes.subarray(-16));
      return concatBytes([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
    },
  };

  it('keep their bytes from those without the key', async () => {
    const old = patternBytes(400_000, 3, true);
    old.set(Buffer.from('a secret that nobody may read'), 300_000);
    const next = patternBytes(350_000, 3, true);
    const extra = patternBytes(100, 9);
    const { bytes, pack, entry } = await deltaPack(old, next, { sealer, extra });
    expect(Buffer.from(bytes).includes('a secret')).toBe(false);
    const found: PackEntry = (await readPackDirectory(pack)).entries[0] ?? expect.fail();
    expect(found).toEqual(entry);
    expect(found.kind).toBe(packKinds.sealedDelta);
    expect(found.extra).toEqual(extra);
    const base = memorySource(next);
    await expect(openDelta(pack, found, base)).rejects.toMatchObject({ code: 'SNAPSHOT_SECRET_REQUIRED' });
    const wrong: ChunkOpener = { open: (stored, place) => opener.open(stored, { ...place, index: place.index + 1 }) };
    await expect(openDelta(pack, found, base, { opener: wrong })).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
    expect(Buffer.compare(await contentOf(await openDelta(pack, found, base, { opener })), old)).toBe(0);
    expect((await readPackDirectory(memorySource(bytes.slice(0, -1)))).entries).toEqual([entry]);
  });
});
