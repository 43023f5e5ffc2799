import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/core/byte-source.js';
import { comparePages } from '../../../src/snapshot/contents/compare-pages.js';
import type { Extents } from '../../../src/snapshot/contents/extents.js';
import { pageSizeOf } from '../../../src/snapshot/contents/page-size.js';
import { asyncOnly, patternBytes } from './pack-support.js';

function ranges(extents: Extents): [number, number][] {
  return Array.from({ length: extents.count }, (_value, index) => [extents.start(index), extents.end(index)]);
}

/** The same, page by page. */
function plainRanges(old: Uint8Array, next: Uint8Array, pageSize: number): [number, number][] {
  const found: [number, number][] = [];
  for (let start = 0; start < old.length; start += pageSize) {
    const end = Math.min(start + pageSize, old.length);
    if (end <= next.length && Buffer.compare(old.subarray(start, end), next.subarray(start, end)) === 0) continue;
    const last = found.at(-1);
    if (last?.[1] === start) last[1] = end;
    else found.push([start, end]);
  }
  return found;
}

describe('comparePages', () => {
  it('finds the same as looking at each page', async () => {
    const size = fc.oneof(fc.nat({ max: 20_000 }), fc.constantFrom(2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20 - 5));
    const pages = fc.constantFrom(512, 1024, 4096, 65_536);
    await fc.assert(
      fc.asyncProperty(size, size, fc.array(fc.nat()), pages, async (oldSize, nextSize, changes, pageSize) => {
        const old = patternBytes(oldSize, 1, true);
        const next = patternBytes(nextSize, 1, true);
        for (const change of changes) if (nextSize > 0) next[change % nextSize] = (next[change % nextSize] ?? 0) ^ 1;
        const options = { pageSize, limitShare: 1 };
        const expected = plainRanges(old, next, pageSize);
        const found = await comparePages(memorySource(old), memorySource(next), options);
        expect(ranges(found.extents)).toEqual(expected);
        expect(found.exceeded).toBe(false);
        const remote = await comparePages(asyncOnly(memorySource(old)), asyncOnly(memorySource(next)), options);
        expect(ranges(remote.extents)).toEqual(expected);
      }),
      { numRuns: 80 },
    );
  });

  it('ends early where too much differs', async () => {
    const old = memorySource(patternBytes(8 * 2 ** 20, 1));
    let reads = 0;
    const other = memorySource(new Uint8Array(8 * 2 ** 20));
    const next = {
      ...other,
      readSync: (offset: number, target: Uint8Array): number => {
        reads += 1;
        return other.readSync?.(offset, target) ?? 0;
      },
    };
    expect((await comparePages(old, next)).exceeded).toBe(true);
    expect(reads).toBe(5);
    expect((await comparePages(old, next, { limitShare: 0.1 })).exceeded).toBe(true);
    expect(reads).toBe(6);
    expect((await comparePages(old, memorySource(new Uint8Array(9)))).exceeded).toBe(true);
  });

  it('refuses page sizes that are none, contents that end early, and stops when told to', async () => {
    const some = memorySource(patternBytes(9000, 1));
    await expect(comparePages(some, some, { pageSize: 1000 })).rejects.toThrow(RangeError);
    const short = { ...some, size: 9001 };
    await expect(comparePages(short, short)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(comparePages(some, some, { signal })).rejects.toThrow('enough');
  });
});

describe('pageSizeOf', () => {
  const header = (high: number, low: number): Uint8Array =>
    Buffer.from(`SQLite format 3\0${String.fromCharCode(high, low)}`, 'latin1');

  it.each([
    ['4096', header(0x10, 0), 4096],
    ['1 for 65536', header(0, 1), 65_536],
    ['512', header(2, 0), 512],
    ['256, which is too small', header(1, 0), 4096],
    ['no power of two', header(0x30, 0), 4096],
    ['no database', new Uint8Array(18), 4096],
    ['nothing', new Uint8Array(0), 4096],
  ])('knows %s', (_name, bytes, expected) => {
    expect(pageSizeOf(bytes)).toBe(expected);
  });
});
