import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  fileDescriptorSource,
  fileSource,
  memorySource,
  readAll,
  resolveRange,
  streamChunkBytes,
  type ByteSource,
} from '../../src/core/byte-source.js';
import { concatBytes } from '../../src/core/bytes.js';

const content = Uint8Array.from({ length: 3 * streamChunkBytes + 17 }, (_value, index) => (index * 31) & 0xff);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'byte-source-'));
  await writeFile(join(folder, 'file'), content);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const kinds: [string, () => Promise<ByteSource>][] = [
  ['memorySource', async () => memorySource(content)],
  ['fileSource', async () => await fileSource(join(folder, 'file'))],
  [
    'fileDescriptorSource',
    async () => fileDescriptorSource(openSync(join(folder, 'file'), 'r'), content.length, 'file'),
  ],
];

describe.each(kinds)('%s', (_name, make) => {
  const using = async (work: (source: ByteSource) => Promise<void>): Promise<void> => {
    const source = await make();
    try {
      await work(source);
    } finally {
      await source.close();
      await source.close();
    }
  };

  it('gives the same bytes by read, readSync and stream for any range', async () => {
    await using(async (source) => {
      expect(source.size).toBe(content.length);
      await fc.assert(
        fc.asyncProperty(
          fc.nat({ max: content.length + 9 }),
          fc.nat({ max: content.length + 9 }),
          async (offset, length) => {
            const expected = content.subarray(offset, offset + length);
            const read = await source.read(offset, length);
            expect(Buffer.compare(read, expected)).toBe(0);
            const target = new Uint8Array(length);
            expect(source.readSync?.(offset, target)).toBe(expected.length);
            expect(Buffer.compare(target.subarray(0, expected.length), expected)).toBe(0);
            const chunks: Uint8Array[] = [];
            for await (const chunk of source.stream({ offset, length })) chunks.push(chunk);
            expect(chunks.every((chunk) => chunk.length <= streamChunkBytes)).toBe(true);
            expect(Buffer.compare(concatBytes(chunks), expected)).toBe(0);
          },
        ),
        { numRuns: 30 },
      );
    });
  });

  it('gives arrays that the caller may change', async () => {
    await using(async (source) => {
      const first = await source.read(0, 4);
      first.fill(9);
      expect(await source.read(0, 4)).toEqual(content.slice(0, 4));
    });
  });

  it('rejects with the reason of an aborted signal before and during a stream', async () => {
    await using(async (source) => {
      const reason = new Error('enough');
      await expect(source.read(0, 1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const controller = new AbortController();
      const streaming = async (): Promise<void> => {
        for await (const chunk of source.stream(undefined, { signal: controller.signal }))
          if (chunk.length > 0) controller.abort(reason);
      };
      await expect(streaming()).rejects.toBe(reason);
    });
  });
});

describe('fileSource()', () => {
  it('ends where a file was cut after it was opened', async () => {
    const path = join(folder, 'cut');
    await writeFile(path, content);
    const source = await fileSource(path);
    await truncate(path, 100);
    expect((await source.read(90, 100)).length).toBe(10);
    expect(source.readSync?.(90, new Uint8Array(100))).toBe(10);
    await source.close();
  });

  it('passes ENOENT on, refuses folders, and changes nothing about the file', async () => {
    await expect(fileSource(join(folder, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(fileSource(folder)).rejects.toMatchObject({ code: 'IO_FAILED', errno: 'EISDIR' });
    const before = await stat(join(folder, 'file'));
    const source = await fileSource(join(folder, 'file'));
    await source.close();
    expect((await stat(join(folder, 'file'))).mtimeMs).toBe(before.mtimeMs);
  });

  it('gives a typed error for a read after close', async () => {
    const source = await fileSource(join(folder, 'file'));
    await source.close();
    await expect(source.read(0, 1)).rejects.toMatchObject({ code: 'IO_FAILED' });
    expect(() => source.readSync?.(0, new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'IO_FAILED' }));
  });
});

describe('readAll() and resolveRange()', () => {
  it('give whole contents up to the limit', async () => {
    expect(await readAll(memorySource(content), { limit: content.length, what: 'x' })).toEqual(content);
    expect(await readAll(memorySource(new Uint8Array()), { limit: 0, what: 'x' })).toEqual(new Uint8Array());
    await expect(readAll(memorySource(content), { limit: 10, what: 'x' })).rejects.toMatchObject({
      code: 'FORMAT_LIMIT_EXCEEDED',
    });
  });

  it.each([{ offset: -1 }, { length: -1 }, { offset: 0.5 }, { length: Number.NaN }])('refuse %j', (range) => {
    expect(() => resolveRange(range, 10)).toThrow(RangeError);
  });

  it('cut a range to the data', () => {
    expect(resolveRange({ offset: 20 }, 10)).toEqual({ start: 10, end: 10 });
    expect(resolveRange({ offset: 4, length: 100 }, 10)).toEqual({ start: 4, end: 10 });
    expect(resolveRange(undefined, 10)).toEqual({ start: 0, end: 10 });
  });
});
