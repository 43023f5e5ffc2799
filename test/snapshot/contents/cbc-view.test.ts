import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { memorySource } from '../../../src/core/byte-source.js';
import { decryptedView, encryptedView } from '../../../src/snapshot/contents/cbc-view.js';
import { asyncOnly, contentOf, patternBytes } from './pack-support.js';

const key = patternBytes(32, 9, true);

function encrypted(plain: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-cbc', key, new Uint8Array(16));
  return new Uint8Array(Buffer.concat([cipher.update(plain), cipher.final()]));
}

it('shows what was encrypted, with its padding', async () => {
  const plain = patternBytes(100_001, 3);
  const view = decryptedView(memorySource(encrypted(plain)), key);
  expect(view.size).toBe(100_016);
  expect(
    Buffer.from(await contentOf(view))
      .subarray(0, 100_001)
      .equals(plain),
  ).toBe(true);
  expect(await view.read(100_001, 20)).toEqual(new Uint8Array(15).fill(15));
});

it('undoes itself for any bytes, sizes and ranges', async () => {
  const cases = fc.record({
    size: fc.oneof(
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 65_000, max: 66_000 }),
      fc.integer({ min: 0, max: 300_000 }),
    ),
    reads: fc.array(fc.tuple(fc.nat(300_000), fc.nat(140_000), fc.boolean()), { minLength: 1, maxLength: 12 }),
    sync: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ size, reads, sync }) => {
      const stored = patternBytes(size, size, true);
      const source = sync ? memorySource(stored) : asyncOnly(memorySource(stored));
      const plain = Buffer.from(await contentOf(decryptedView(source, key)));
      const view = decryptedView(source, key);
      const again = encryptedView(decryptedView(source, key), key);
      for (const [offset, length, inPlace] of reads) {
        const end = Math.min(size, offset + length);
        for (const [found, wanted] of [
          [view, plain],
          [again, Buffer.from(stored)],
        ] as const) {
          const expected = wanted.subarray(Math.min(offset, size), Math.max(Math.min(offset, size), end));
          if (inPlace && found.readSync !== undefined) {
            const target = new Uint8Array(length);
            expect(found.readSync(offset, target)).toBe(expected.length);
            expect(expected.equals(target.subarray(0, expected.length))).toBe(true);
          } else expect(expected.equals(await found.read(offset, length))).toBe(true);
        }
      }
      expect(Buffer.from(await contentOf(again)).equals(stored)).toBe(true);
    }),
    { numRuns: 120 },
  );
});

it('can be read from several places at once', async () => {
  const stored = patternBytes(700_000, 5, true);
  const source = asyncOnly(memorySource(stored));
  const again = encryptedView(decryptedView(source, key), key);
  const offsets = [650_000, 0, 130_000, 400_001, 65_536, 699_990, 131_072];
  const found = await Promise.all(offsets.map(async (offset) => await again.read(offset, 90_000)));
  for (const [index, offset] of offsets.entries())
    expect(Buffer.from(stored.subarray(offset, offset + 90_000)).equals(found[index] ?? new Uint8Array(0))).toBe(true);
});
