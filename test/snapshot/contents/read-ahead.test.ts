import fc from 'fast-check';
import { expect, it } from 'vitest';
import { memorySource, type ByteSource } from '../../../src/core/byte-source.js';
import { readingAhead } from '../../../src/snapshot/contents/read-ahead.js';

const content = Uint8Array.from({ length: 1_500_000 }, (_unused, index) => (index * 7 + (index >> 9)) % 251);

it('gives the bytes of its source, whatever the order', () => {
  const reads = fc.array(fc.tuple(fc.nat({ max: 1_600_000 }), fc.oneof(fc.nat(300), fc.nat(400_000))), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(reads, (all) => {
      const source = readingAhead(memorySource(content));
      for (const [offset, length] of all) {
        const target = new Uint8Array(length);
        const count = source.readSync?.(offset, target) ?? -1;
        const expected = content.subarray(offset, offset + length);
        expect(count).toBe(expected.length);
        expect(Buffer.compare(target.subarray(0, count), expected)).toBe(0);
      }
    }),
  );
});

it('asks its source once for many small ones, also where each is read from its end', () => {
  let calls = 0;
  const memory = memorySource(content);
  const source = readingAhead({
    ...memory,
    read: async (...args) => await memory.read(...args),
    readSync: (offset, target) => {
      calls += 1;
      return memory.readSync?.(offset, target) ?? 0;
    },
  });
  for (let entry = 0; entry < 300_000; entry += 3000) {
    source.readSync?.(entry + 2990, new Uint8Array(10));
    source.readSync?.(entry, new Uint8Array(2990));
  }
  expect(calls).toBe(1);
});

it('leaves a source alone that cannot be read without waiting', () => {
  const waiting: ByteSource = { ...memorySource(content) };
  delete waiting.readSync;
  expect(readingAhead(waiting)).toBe(waiting);
});
