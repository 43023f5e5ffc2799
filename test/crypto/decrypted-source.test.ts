import { describe, expect, it, vi } from 'vitest';
import { memorySource, readAll, streamChunkBytes, type ByteSource } from '../../src/core/byte-source.js';
import { concatBytes } from '../../src/core/bytes.js';
import { encryptCbc } from '../../src/crypto/cbc.js';
import {
  decryptedSource,
  decryptWhole,
  openDecryptedContent,
  openDecryptedDatabase,
} from '../../src/crypto/decrypted-source.js';
import { asyncOnly, collect, expectBytes, seededRandom } from './support.js';

const random = seededRandom(11);
const key = random(32);

/** A source that remembers which bytes were asked for. */
function watched(bytes: Uint8Array): ByteSource & { ranges: [number, number][] } {
  const inner = memorySource(bytes);
  const ranges: [number, number][] = [];
  return {
    ...inner,
    ranges,
    async read(offset, length, options) {
      ranges.push([offset, length]);
      return await inner.read(offset, length, options);
    },
  };
}

describe('openDecryptedContent()', () => {
  it.each([0, 1, 15, 16, 17, 4095, 4096, 4097, streamChunkBytes, streamChunkBytes + 1])(
    'gives the %i bytes that were encrypted',
    async (size) => {
      const content = random(size);
      const opened = await openDecryptedContent(memorySource(encryptCbc(key, content)), { key, statedSize: size });
      expect(opened.size).toBe(size);
      expect(opened.problems).toEqual([]);
      expectBytes(await opened.read(0, size), content);
      const target = new Uint8Array(size + 10);
      expect(opened.readSync?.(0, target)).toBe(size);
      expectBytes(target.subarray(0, size), content);
    },
  );

  it('reads only the two last blocks', async () => {
    const source = watched(encryptCbc(key, random(1000)));
    await openDecryptedContent(source, { key, statedSize: 1000 });
    expect(source.ranges).toEqual([[1008 - 32, 32]]);
  });

  it('reports what is wrong with the length', async () => {
    const stored = encryptCbc(key, random(1000));
    const open = async (bytes: Uint8Array, statedSize: number | undefined): Promise<[number, readonly string[]]> => {
      const opened = await openDecryptedContent(memorySource(bytes), { key, statedSize });
      return [opened.size, opened.problems];
    };
    expect(await open(stored, 900)).toEqual([1000, ['size-differs']]);
    expect(await open(stored.subarray(0, 500), 1000)).toEqual([496, ['incomplete']]);
    expect(await open(new Uint8Array(0), 1000)).toEqual([0, ['placeholder']]);
    expect(await open(new Uint8Array(7), 1000)).toEqual([0, ['incomplete']]);
  });

  it('treats a source that ends before its size as incomplete', async () => {
    const short: ByteSource = { ...memorySource(encryptCbc(key, random(100))), size: 4096 };
    const opened = await openDecryptedContent(short, { key, statedSize: 4090 });
    expect(opened.problems).toEqual(['incomplete']);
    expect(await opened.read(0, 4096)).toHaveLength(112);
    expect(opened.readSync?.(0, new Uint8Array(4096))).toBe(112);
    expect(opened.readSync?.(2000, new Uint8Array(100))).toBe(0);
    expect(await collect(opened.stream())).toHaveLength(112);
  });

  it('rejects with the reason of an abort before it reads', async () => {
    const source = watched(encryptCbc(key, random(10)));
    const reason = new Error('stop');
    const signal = AbortSignal.abort(reason);
    await expect(openDecryptedContent(source, { key, statedSize: 10, signal })).rejects.toBe(reason);
    expect(source.ranges).toEqual([]);
  });
});

describe('openDecryptedDatabase()', () => {
  const page = concatBytes([new TextEncoder().encode('SQLite format 3\0'), Uint8Array.of(2, 0), random(494)]);

  it.each([
    ['padded', encryptCbc(key, concatBytes([page, page]))],
    ['unpadded', encryptCbc(key, concatBytes([page, page])).subarray(0, 1024)],
    ['padded twice', encryptCbc(key, concatBytes([page, page, new Uint8Array(16).fill(16)]))],
  ])('gives the pages of a %s one', async (_form, stored) => {
    const opened = await openDecryptedDatabase(memorySource(stored), { key });
    expect(await readAll(opened, { limit: 4096, what: 'database' })).toEqual(concatBytes([page, page]));
  });

  it('gives an empty source for an empty file', async () => {
    const opened = await openDecryptedDatabase(memorySource(new Uint8Array(0)), { key });
    expect(opened.size).toBe(0);
  });

  it('rejects with the reason of an abort', async () => {
    const reason = new Error('stop');
    const opened = openDecryptedDatabase(memorySource(page), { key, signal: AbortSignal.abort(reason) });
    await expect(opened).rejects.toBe(reason);
  });
});

describe('decryptWhole()', () => {
  it.each([0, 1, 16, 1000])('gives the %i bytes that were encrypted', (size) => {
    const content = random(size);
    const whole = decryptWhole(encryptCbc(key, content), key, size);
    expect(whole).toEqual({ content, problems: [] });
    expect(Object.getPrototypeOf(whole.content)).toBe(Uint8Array.prototype);
  });

  it('judges the length as opening the content does', async () => {
    const stored = encryptCbc(key, random(1000));
    for (const bytes of [
      stored,
      stored.subarray(0, 992),
      stored.subarray(0, 500),
      stored.subarray(0, 3),
      stored.subarray(0, 0),
    ]) {
      for (const statedSize of [undefined, 0, 3, 500, 985, 992, 1000, 5000]) {
        const whole = decryptWhole(bytes, key, statedSize);
        const opened = await openDecryptedContent(memorySource(bytes), { key, statedSize });
        expect(whole.problems).toEqual(opened.problems);
        expect(whole.content).toEqual(await opened.read(0, bytes.length));
      }
    }
  });
});

describe('decryptedSource()', () => {
  const content = random(2 * streamChunkBytes + 77);
  const stored = encryptCbc(key, content);
  const open = (source: ByteSource): ByteSource => decryptedSource(source, { key, size: content.length });

  it('decrypts only the blocks of a range and the one before them', async () => {
    const source = watched(stored);
    expect(await open(source).read(1000, 20)).toEqual(content.subarray(1000, 1020));
    expect(source.ranges).toEqual([[976, 48]]);
  });

  it('reads past the end as far as there are bytes', async () => {
    const source = open(memorySource(stored));
    expect(await source.read(content.length - 3, 100)).toEqual(content.subarray(-3));
    expect(await source.read(content.length + 5, 100)).toEqual(new Uint8Array(0));
    expect(source.readSync?.(content.length, new Uint8Array(1))).toBe(0);
  });

  it('refuses ranges that are no ranges', async () => {
    const source = open(memorySource(stored));
    await expect(source.read(-1, 1)).rejects.toThrow(RangeError);
    await expect(source.read(0, 1.5)).rejects.toThrow(RangeError);
    expect(() => source.readSync?.(-1, new Uint8Array(1))).toThrow(RangeError);
  });

  it('is not longer than the whole blocks behind it', () => {
    expect(decryptedSource(memorySource(stored.subarray(0, 40)), { key, size: 1000 }).size).toBe(32);
  });

  it('reads synchronously in pieces what is larger than a chunk', () => {
    const target = new Uint8Array(content.length);
    expect(open(memorySource(stored)).readSync?.(0, target)).toBe(content.length);
    expectBytes(target, content);
    const middle = new Uint8Array(streamChunkBytes + 100);
    expect(open(memorySource(stored)).readSync?.(99, middle)).toBe(middle.length);
    expectBytes(middle, content.subarray(99, 99 + middle.length));
  });

  it('has synchronous reads only where the source has them', () => {
    expect(open(asyncOnly(memorySource(stored), 100))).not.toHaveProperty('readSync');
    expect(open(memorySource(stored))).toHaveProperty('readSync');
  });

  it('streams chunks that are the caller’s own and not longer than the limit', async () => {
    const source = open(memorySource(stored));
    const chunks: Uint8Array[] = [];
    for await (const chunk of source.stream()) {
      chunks.push(chunk.slice());
      expect(chunk.length).toBeLessThanOrEqual(streamChunkBytes);
      expect(Object.getPrototypeOf(chunk)).toBe(Uint8Array.prototype);
      chunk.fill(0);
    }
    expectBytes(concatBytes(chunks), content);
    expect(await source.read(0, 100)).toEqual(content.subarray(0, 100));
  });

  it('can be left in the middle of a stream, which ends the stream of the source', async () => {
    const inner = memorySource(stored);
    const ended = vi.fn<() => void>();
    const source = open({
      ...inner,
      async *stream(range) {
        try {
          yield* inner.stream(range);
        } finally {
          ended();
        }
      },
    });
    for await (const chunk of source.stream()) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(ended).toHaveBeenCalledOnce();
  });

  it('rejects with the reason of an abort before reading and between chunks', async () => {
    const source = open(memorySource(stored));
    const reason = new Error('stop');
    const aborted = { signal: AbortSignal.abort(reason) };
    await expect(source.read(0, 10, aborted)).rejects.toBe(reason);
    await expect(source.stream(undefined, aborted)[Symbol.asyncIterator]().next()).rejects.toBe(reason);
    const controller = new AbortController();
    const chunks = source.stream(undefined, { signal: controller.signal })[Symbol.asyncIterator]();
    await chunks.next();
    controller.abort(reason);
    await expect(chunks.next()).rejects.toBe(reason);
  });

  it('closes the source behind it', async () => {
    const inner = memorySource(stored);
    const close = vi.fn<() => Promise<void>>(async () => {});
    const source = open({ ...inner, close });
    await source.close();
    expect(close).toHaveBeenCalledOnce();
  });
});
