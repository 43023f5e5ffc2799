import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../../src/core/bytes.js';
import { contentLength, databaseLength } from '../../src/crypto/content-length.js';

const padded = (padding: number): Uint8Array => new Uint8Array(16).fill(padding, 16 - padding);
const unpadded = new Uint8Array(16).fill(0xee);
const zeroFilled = Uint8Array.from([1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

describe('contentLength()', () => {
  it.each([
    ['nothing stored, nothing stated', 0, undefined, undefined, 0, []],
    ['nothing stored, 0 stated', 0, 0, undefined, 0, []],
    ['nothing stored, 40 stated', 0, 40, undefined, 0, ['placeholder']],
    ['padding, size as stated', 48, 40, padded(8), 40, []],
    ['padding, a whole block of it', 48, 32, padded(16), 32, []],
    ['padding, an empty file', 16, 0, padded(16), 0, []],
    ['padding, nothing stated', 48, undefined, padded(8), 40, []],
    ['padding, less stated: the file grew', 8208, 4096, padded(16), 8192, ['size-differs']],
    ['padding, more stated: the file shrank', 8208, 16_384, padded(16), 8192, ['size-differs']],
    ['padding, an absurd size stated', 48, 2 ** 62, padded(8), 40, ['size-differs']],
    ['padding, a negative size stated', 48, -1, padded(8), 40, ['size-differs']],
    ['no padding, size stated exactly', 96, 96, unpadded, 96, []],
    ['no padding, zeros after the stated size', 112, 100, zeroFilled, 100, []],
    ['no padding, more stated: truncated', 96, 5000, unpadded, 96, ['incomplete']],
    ['no padding, less stated than the last block needs', 96, 80, unpadded, 96, ['incomplete']],
    ['no padding, nothing stated', 96, undefined, unpadded, 96, ['incomplete']],
    ['no padding, 0 stated', 16, 0, unpadded, 16, ['incomplete']],
    ['a part of a block at the end', 2509, 5000, unpadded, 2496, ['incomplete']],
    ['a part of a block after padding', 53, 40, padded(8), 48, ['incomplete']],
    ['less than a block', 7, 7, undefined, 0, ['incomplete']],
    ['whole blocks that could not be read', 32, 20, undefined, 32, ['incomplete']],
  ] as const)('%s', (...[, storedSize, statedSize, lastBlock, length, problems]) => {
    expect(contentLength({ storedSize, statedSize, lastBlock })).toEqual({ length, problems });
  });

  it('is never longer than what is stored, nor shorter by more than a block', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        fc.option(fc.oneof(fc.nat(10_000), fc.double()), { nil: undefined }),
        fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 }), { nil: undefined }),
        (storedSize, statedSize, lastBlock) => {
          const { length } = contentLength({ storedSize, statedSize, lastBlock });
          expect(length).toBeGreaterThanOrEqual(Math.max(0, storedSize - 16));
          expect(length).toBeLessThanOrEqual(storedSize);
        },
      ),
    );
  });
});

describe('databaseLength()', () => {
  const header = (pageSize: number): Uint8Array => {
    const bytes = new Uint8Array(32);
    bytes.set(utf8Encode('SQLite format 3\0'));
    new DataView(bytes.buffer).setUint16(16, pageSize);
    return bytes;
  };

  it.each([
    ['pages and padding', 802 * 4096 + 16, 4096, 802 * 4096],
    ['pages, padding and the padding of another encryption', 802 * 4096 + 32, 4096, 802 * 4096],
    ['pages without padding', 2 * 4096, 4096, 2 * 4096],
    ['pages of 65,536 bytes, which are stated as 1', 65_536 + 16, 1, 65_536],
    ['a truncated page', 4096 + 1600, 4096, 4096],
    ['a part of a block', 4096 + 5, 4096, 4096],
    ['less than a page', 1600, 4096, 1600],
    ['an impossible page size', 4096 + 16, 0, 4096 + 16],
  ])('%s', (_case, storedSize, pageSize, length) => {
    expect(databaseLength(storedSize, header(pageSize))).toBe(length);
  });

  it('is all whole blocks of what is not a SQLite database', () => {
    expect(databaseLength(4096 + 20, new Uint8Array(32))).toBe(4096 + 16);
    expect(databaseLength(20, new Uint8Array(16))).toBe(16);
    expect(databaseLength(0, new Uint8Array(0))).toBe(0);
  });
});
