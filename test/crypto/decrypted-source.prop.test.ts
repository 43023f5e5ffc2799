import fc from 'fast-check';
import { expect, it } from 'vitest';
import { memorySource } from '../../src/core/byte-source.js';
import { encryptCbc } from '../../src/crypto/cbc.js';
import { decryptedSource, decryptWhole } from '../../src/crypto/decrypted-source.js';
import { asyncOnly, collect, seededRandom } from './support.js';

const random = seededRandom(21);
const key = random(32);
const content = random(200);
const stored = encryptCbc(key, content);

it('every range reads the same as from the whole, in all three ways', async () => {
  const source = decryptedSource(memorySource(stored), { key, size: content.length });
  for (let offset = 0; offset <= content.length + 1; offset += 1) {
    for (const length of [0, 1, 2, 15, 16, 17, 31, 32, 33, 100, 300]) {
      const expected = content.subarray(offset, offset + length);
      const target = new Uint8Array(length);
      const filled = source.readSync?.(offset, target);
      if (filled !== expected.length || Buffer.compare(target.subarray(0, filled), expected) !== 0) {
        expect({ offset, length, target }).toEqual({ offset, length, target: expected });
      }
      if (offset % 7 === 0) {
        expect(await source.read(offset, length)).toEqual(expected);
        expect(await collect(source.stream({ offset, length }))).toEqual(expected);
      }
    }
  }
});

it('a stream of any range of a source with any chunks is the same as from the whole', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(220), fc.nat(220), fc.integer({ min: 1, max: 64 }), async (offset, length, chunkBytes) => {
      const source = decryptedSource(asyncOnly(memorySource(stored), chunkBytes), { key, size: content.length });
      expect(await collect(source.stream({ offset, length }))).toEqual(content.subarray(offset, offset + length));
      expect(await source.read(offset, length)).toEqual(content.subarray(offset, offset + length));
    }),
  );
});

it('any content comes back from what it was encrypted to', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes, other) => {
      expect(decryptWhole(encryptCbc(other, bytes), other, bytes.length)).toEqual({ content: bytes, problems: [] });
    }),
  );
});

it('any stored bytes decrypt to no more than themselves, with any key', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.option(fc.integer(), { nil: undefined }), (bytes, statedSize) => {
      expect(decryptWhole(bytes, key, statedSize).content.length).toBeLessThanOrEqual(bytes.length);
    }),
  );
});
