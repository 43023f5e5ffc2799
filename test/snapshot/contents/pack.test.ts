import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySource, streamChunkBytes } from '../../../src/core/byte-source.js';
import { concatBytes } from '../../../src/core/bytes.js';
import { isBackupKitError } from '../../../src/core/errors.js';
import { readPackDirectory } from '../../../src/snapshot/contents/pack-directory.js';
import { PackWriter } from '../../../src/snapshot/contents/pack-writer.js';
import { openPackedContent } from '../../../src/snapshot/contents/packed-content.js';
import { chunkBytes } from '../../../src/snapshot/format/pack-format.js';
import { asyncOnly, contentOf, makePack, memoryFile, patternBytes, sha256 } from './pack-support.js';
import { cpuTimer } from '../../support/cpu-timer.js';

const sizes = fc.oneof(
  fc.nat({ max: 300 }),
  fc.constantFrom(0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes),
  fc.nat({ max: 5 * chunkBytes }),
);
const contents = fc
  .tuple(sizes, fc.nat(), fc.boolean())
  .map(([length, seed, random]) => patternBytes(length, seed, random));

async function packOf(parts: readonly Uint8Array[]) {
  return await makePack(async (writer) => {
    const entries = [];
    for (const part of parts) entries.push(await writer.addContent(sha256(part), memorySource(part)));
    return entries;
  });
}

describe('packs of contents', () => {
  it('give back what was added', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(contents, { maxLength: 6 }), async (parts) => {
        const { pack, result } = await packOf(parts);
        const { entries, salvaged } = await readPackDirectory(pack);
        expect(salvaged).toBe(false);
        expect(entries).toEqual(result);
        for (const [index, entry] of entries.entries()) {
          const content = await contentOf(await openPackedContent(pack, entry));
          expect(Buffer.compare(content, parts[index] ?? new Uint8Array(0))).toBe(0);
          expect(Buffer.compare(sha256(content), entry.target)).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('are read at any place, with and without waiting', async () => {
    const whole = concatBytes([patternBytes(2 * chunkBytes, 1), patternBytes(2 * chunkBytes + 77, 2, true)]);
    const { pack, result } = await packOf([patternBytes(10, 3), whole]);
    const entry = result[1];
    if (entry === undefined) throw new Error('no entry');
    for (const cacheBytes of [undefined, 0]) {
      const source = await openPackedContent(pack, entry, { cacheBytes });
      const remote = await openPackedContent(asyncOnly(pack), entry, { cacheBytes });
      expect('readSync' in remote).toBe(false);
      await fc.assert(
        fc.asyncProperty(
          fc.nat({ max: whole.length + 9 }),
          fc.oneof(fc.nat({ max: 9000 }), fc.nat({ max: whole.length + 9 })),
          async (offset, length) => {
            const expected = whole.subarray(offset, offset + length);
            expect(Buffer.compare(await source.read(offset, length), expected)).toBe(0);
            expect(Buffer.compare(await remote.read(offset, length), expected)).toBe(0);
            const target = new Uint8Array(length);
            expect(source.readSync?.(offset, target)).toBe(expected.length);
            expect(Buffer.compare(target.subarray(0, expected.length), expected)).toBe(0);
            const chunks: Uint8Array[] = [];
            for await (const chunk of source.stream({ offset, length })) chunks.push(chunk);
            expect(chunks.every((chunk) => chunk.length <= streamChunkBytes)).toBe(true);
            expect(Buffer.compare(concatBytes(chunks), expected)).toBe(0);
          },
        ),
        { numRuns: 60 },
      );
    }
  });

  it('store compressed what shrinks, and look again in contents that did not', async () => {
    const random = patternBytes(30 * chunkBytes, 5, true);
    const text = patternBytes(10 * chunkBytes, 6);
    const { result } = await packOf([text, random, concatBytes([random, text, text, text])]);
    const [small, large, mixed] = result.map((entry) => entry.length);
    expect(small).toBeLessThan(text.length / 4);
    expect(large).toBeLessThan(random.length + 1000);
    expect(mixed).toBeLessThan(random.length + 1.5 * text.length);
  });

  it('refuse bytes that do not belong to the name, and go on', async () => {
    const file = memoryFile();
    const writer = new PackWriter(file);
    const good = patternBytes(3 * chunkBytes, 8, true);
    await expect(writer.addContent(sha256(patternBytes(9, 9)), memorySource(good))).rejects.toMatchObject({
      code: 'SNAPSHOT_CORRUPT',
    });
    const short = { ...memorySource(good), size: good.length + 1 };
    await expect(writer.addContent(sha256(good), short)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
    const entry = await writer.addContent(sha256(good), memorySource(good));
    writer.finish();
    const pack = memorySource(file.content());
    expect((await readPackDirectory(pack)).entries).toEqual([entry]);
    // Without the directory the dead bytes before are searched through.
    const cut = memorySource(file.content().slice(0, -1));
    expect(await readPackDirectory(cut)).toEqual({ entries: [entry], salvaged: true });
    expect(() => {
      writer.finish();
    }).toThrow(TypeError);
  });

  it('let nothing follow a write that failed', async () => {
    let failing = true;
    const file = {
      ...memoryFile(),
      write(): void {
        if (failing) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
      },
    };
    const writer = new PackWriter(file);
    const content = patternBytes(600_000, 1, true);
    await expect(writer.addContent(sha256(content), memorySource(content))).rejects.toThrow('ENOSPC');
    failing = false;
    expect(() => {
      writer.finish();
    }).toThrow('ENOSPC');
  });

  it('are refused when closed, and close what they own', async () => {
    const { pack, result } = await packOf([patternBytes(100, 1)]);
    let closed = 0;
    const owned = {
      ...pack,
      close: async () => {
        closed += 1;
      },
    };
    const [entry] = result;
    if (entry === undefined) throw new Error('no entry');
    await (await openPackedContent(owned, entry)).close();
    expect(closed).toBe(0);
    const source = await openPackedContent(owned, entry, { ownsPack: true });
    await source.close();
    await source.close();
    expect(closed).toBe(1);
    await expect(source.read(0, 1)).rejects.toMatchObject({ code: 'SNAPSHOT_CLOSED' });
    expect(() => source.readSync?.(0, new Uint8Array(1))).toThrow('closed');
  });

  it('stop when they are told to', async () => {
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    const { signal } = controller;
    const content = patternBytes(100, 1);
    await expect(
      makePack(async (writer) => await writer.addContent(sha256(content), memorySource(content), { signal })),
    ).rejects.toThrow('enough');
    const { pack, result } = await packOf([content]);
    const source = await openPackedContent(pack, result[0] ?? expect.fail());
    await expect(source.read(0, 1, { signal })).rejects.toThrow('enough');
  });
});

describe('a pack without its directory', () => {
  it('gives all entries that are whole', async () => {
    const parts = [patternBytes(100, 1), patternBytes(200_000, 2, true), new Uint8Array(0), patternBytes(70, 3, true)];
    const { bytes, result } = await packOf(parts);
    const end = (result.at(-1)?.offset ?? 0) + (result.at(-1)?.length ?? 0);
    for (let length = 0; length <= bytes.length; length += 1 + Math.floor(length / 50)) {
      const cut = memorySource(bytes.slice(0, length));
      const found = await readPackDirectory(cut).catch((error: unknown) => error);
      if (length < 8) expect(isBackupKitError(found, 'SNAPSHOT_CORRUPT')).toBe(true);
      else expect(found).toEqual({ entries: result.filter((e) => e.offset + e.length <= length), salvaged: true });
    }
    expect((await readPackDirectory(memorySource(bytes.slice(0, end)))).entries).toEqual(result);
  });

  it('gives the entries on both sides of damage', async () => {
    const { bytes, result } = await packOf([1, 2, 3].map((seed) => patternBytes(150_000, seed, true)));
    const damaged = bytes.slice(0, -1);
    const at = (result[1]?.offset ?? 0) + 140_000;
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect((await readPackDirectory(memorySource(damaged))).entries).toEqual([result[0], result[2]]);
  });

  it('is refused where it is no pack, or of another format', async () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(500), patternBytes(100_000, 1, true)])
      await expect(readPackDirectory(memorySource(bytes), { part: 'packs/ab/x.pk' })).rejects.toMatchObject({
        code: 'SNAPSHOT_CORRUPT',
        part: 'packs/ab/x.pk',
      });
    const { bytes } = await packOf([]);
    const next = bytes.slice();
    next[bytes.length - 40] = 2;
    expect(await readPackDirectory(memorySource(next))).toEqual({ entries: [], salvaged: true });
    next.set(sha256(next.subarray(bytes.length - 56, bytes.length - 36)), bytes.length - 36);
    await expect(readPackDirectory(memorySource(next))).rejects.toMatchObject({ code: 'SNAPSHOT_FORMAT_UNSUPPORTED' });
    next[bytes.length - 1] = 0;
    next[4] = 2;
    await expect(readPackDirectory(memorySource(next))).rejects.toMatchObject({ code: 'SNAPSHOT_FORMAT_UNSUPPORTED' });
  });

  it('costs a bounded time, however it was made', async () => {
    const { bytes, result } = await packOf([patternBytes(20_000, 1, true)]);
    const entry = result[0] ?? expect.fail();
    // Each header promises a chunk of 20,000 bytes whose checksum is wrong: following all of them would read 4 GB.
    const head = bytes.slice(entry.offset, entry.offset + entry.headerBytes + 8);
    head[entry.headerBytes] = (head[entry.headerBytes] ?? 0) ^ 1;
    const count = 200_000;
    const crafted = new Uint8Array(8 + count * head.length);
    crafted.set(bytes.subarray(0, 8));
    for (let i = 0; i < count; i += 1) crafted.set(head, 8 + i * head.length);
    const cpu = cpuTimer();
    expect(await readPackDirectory(memorySource(crafted))).toEqual({ entries: [], salvaged: true });
    expect(cpu()).toBeLessThan(20_000);
  });
});
