import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySource, type ByteSource } from '../../../src/core/byte-source.js';
import { isBackupKitError } from '../../../src/core/errors.js';
import { buildDelta } from '../../../src/snapshot/contents/build-delta.js';
import { checkPack } from '../../../src/snapshot/contents/check-pack.js';
import { openDelta } from '../../../src/snapshot/contents/delta-source.js';
import { readPackDirectory } from '../../../src/snapshot/contents/pack-directory.js';
import { openPackedContent } from '../../../src/snapshot/contents/packed-content.js';
import { packKinds, type PackEntry } from '../../../src/snapshot/format/pack-format.js';
import { contentOf, makePack, patternBytes, sha256 } from './pack-support.js';

const text = patternBytes(150_000, 1);
const small = patternBytes(90, 2, true);
const next = patternBytes(60_000, 3, true);
const old = next.slice(0, 50_000);
old.set(patternBytes(5000, 4), 20_000);
const byName = new Map([text, small, old].map((bytes) => [Buffer.from(sha256(bytes)).toString('hex'), bytes]));

const { bytes: intact } = await makePack(async (writer) => {
  for (const bytes of [text, small]) await writer.addContent(sha256(bytes), memorySource(bytes));
  const named = (bytes: Uint8Array) => ({ hash: sha256(bytes), source: memorySource(bytes) });
  await buildDelta(named(old), named(next), writer);
});

async function open(pack: ByteSource, entry: PackEntry): Promise<ByteSource> {
  return entry.kind === packKinds.content
    ? await openPackedContent(pack, entry)
    : await openDelta(pack, entry, memorySource(next));
}

/** Reads all that a damaged pack gives; each content must be the one that was written. The number of contents. */
async function readAllOf(bytes: Uint8Array): Promise<number> {
  const pack = memorySource(bytes);
  let count = 0;
  try {
    for (const entry of (await readPackDirectory(pack)).entries) {
      try {
        const content = await contentOf(await open(pack, entry));
        const expected = byName.get(Buffer.from(entry.target).toString('hex'));
        if (expected === undefined || Buffer.compare(content, expected) !== 0) throw new Error('other bytes');
        count += 1;
      } catch (error) {
        if (!isBackupKitError(error)) throw error;
      }
    }
  } catch (error) {
    if (!isBackupKitError(error)) throw error;
  }
  return count;
}

describe('a damaged pack', () => {
  it('gives what was written or a typed error, whichever bit is wrong', async () => {
    expect(await readAllOf(intact)).toBe(3);
    const places = fc.oneof(
      fc.nat({ max: intact.length - 1 }),
      fc.nat({ max: 700 }).map((back) => intact.length - 1 - back),
    );
    await fc.assert(
      fc.asyncProperty(places, fc.nat({ max: 7 }), async (at, bit) => {
        const bytes = intact.slice();
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        // One wrong bit costs one content at most, and none in the directory, in heads or in tables.
        expect(await readAllOf(bytes)).toBeGreaterThanOrEqual(2);
      }),
      { numRuns: 400, examples: [[intact.length - 40, 0]] },
    );
  });

  it('is found by looking at all of it, whichever bit is wrong', async () => {
    const sound = await checkPack(memorySource(intact));
    expect(sound).toMatchObject({ salvaged: false, damaged: [], headerIntact: true });
    expect(sound.entries).toHaveLength(3);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: intact.length - 1 }), fc.nat({ max: 7 }), async (at, bit) => {
        const bytes = intact.slice();
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        try {
          const { salvaged, damaged, headerIntact } = await checkPack(memorySource(bytes));
          expect(salvaged || damaged.length === 1 || !headerIntact).toBe(true);
        } catch (error) {
          expect(isBackupKitError(error, 'SNAPSHOT_FORMAT_UNSUPPORTED')).toBe(true);
        }
      }),
      {
        numRuns: 200,
        examples: [
          [0, 0],
          [4, 1],
          [7, 3],
          [40, 0],
          [70, 7],
          [intact.length - 1, 0],
        ],
      },
    );
  });

  it('is bounded for runs of other bytes, cuts, gaps and repeats', async () => {
    const place = fc.nat({ max: intact.length });
    await fc.assert(
      fc.asyncProperty(place, place, fc.uint8Array({ maxLength: 40 }), async (a, b, filling) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        const parts = [
          [intact.subarray(0, from)],
          [intact.subarray(from)],
          [intact.subarray(0, from), filling, intact.subarray(to)],
          [intact.subarray(0, to), intact.subarray(from)],
          [intact.subarray(0, from), filling, intact.subarray(from + filling.length)],
        ];
        for (const part of parts) expect(await readAllOf(Buffer.concat(part))).toBeLessThanOrEqual(6);
      }),
      { numRuns: 100 },
    );
  });

  it('is refused where an entry does not fit its place', async () => {
    const pack = memorySource(intact);
    const { entries } = await readPackDirectory(pack);
    const entry = entries[0] ?? expect.fail();
    const wrong: Partial<PackEntry>[] = [
      { length: entry.length - 1 },
      { length: 10 },
      { length: 2 ** 52 },
      { offset: 2 ** 52 },
      { offset: entry.offset + 1 },
      { dataBytes: 2 ** 48, size: 2 ** 48 },
      { dataBytes: entry.dataBytes + 1, size: entry.size + 1 },
      { kind: 9 },
    ];
    for (const change of wrong) {
      const reading = async (): Promise<Uint8Array> =>
        await contentOf(await openPackedContent(pack, { ...entry, ...change }));
      await expect(reading()).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
    }
  });

  it('is read by chunks that are intact', async () => {
    const bytes = intact.slice();
    const { entries } = await readPackDirectory(memorySource(intact));
    const entry = entries[0] ?? expect.fail();
    bytes[entry.offset + entry.headerBytes + 100] = (bytes[entry.offset + entry.headerBytes + 100] ?? 0) ^ 4;
    const source = await openPackedContent(memorySource(bytes), entry, { part: 'packs/ab/x.pk' });
    await expect(source.read(0, 10)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT', part: 'packs/ab/x.pk' });
    expect(Buffer.compare(await source.read(140_000, 500), text.subarray(140_000, 140_500))).toBe(0);
  });
});
