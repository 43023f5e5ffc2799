import { describe, expect, it } from 'vitest';
import { hexEncode } from '../../src/core/bytes.js';
import { unwrapKey, wrapKey } from '../../src/crypto/key-wrap.js';
import { hex } from './support.js';

const kek = hex('000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F');

/** RFC 3394 §4.3, 4.5 and 4.6: the vectors with a 256-bit key-encryption key. */
const vectors = [
  ['00112233445566778899AABBCCDDEEFF', '64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7'],
  [
    '00112233445566778899AABBCCDDEEFF0001020304050607',
    'A8F9BC1612C68B3FF6E6F4FBE30E71E4769C8B80A32CB8958CD5D17D6B254DA1',
  ],
  [
    '00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F',
    '28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21',
  ],
] as const;

describe.each(vectors)('RFC 3394 vector %s', (key, wrapped) => {
  it('wraps to the published value', () => {
    expect(hexEncode(wrapKey(kek, hex(key)))).toBe(wrapped.toLowerCase());
  });

  it('unwraps to the key', () => {
    expect(hexEncode(unwrapKey(kek, hex(wrapped)) ?? new Uint8Array())).toBe(key.toLowerCase());
  });

  it('gives undefined when any bit of the wrapped key is flipped', () => {
    for (let bit = 0; bit < wrapped.length * 4; bit++) {
      const altered = hex(wrapped);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(unwrapKey(kek, altered)).toBeUndefined();
    }
  });

  it('gives undefined for another key-encryption key', () => {
    expect(unwrapKey(kek.toReversed(), hex(wrapped))).toBeUndefined();
  });
});

it('gives plain arrays that are the caller’s own', () => {
  const wrapped = wrapKey(kek, kek);
  expect(Object.getPrototypeOf(wrapped)).toBe(Uint8Array.prototype);
  const unwrapped = unwrapKey(kek, wrapped);
  expect(Object.getPrototypeOf(unwrapped)).toBe(Uint8Array.prototype);
  unwrapped?.fill(0);
  expect(unwrapKey(kek, wrapped)).toEqual(kek);
});

it.each([0, 1, 8, 16, 23, 25, 39, 41, 44])('gives undefined for a wrapped key of %i bytes', (length) => {
  expect(unwrapKey(kek, new Uint8Array(length))).toBeUndefined();
});

it('refuses keys of lengths that cannot be wrapped', () => {
  for (const length of [0, 8, 15, 17, 33]) expect(() => wrapKey(kek, new Uint8Array(length))).toThrow(RangeError);
});

it('refuses key-encryption keys that do not have 32 bytes', () => {
  for (const length of [0, 16, 24, 31, 33]) {
    expect(() => wrapKey(new Uint8Array(length), kek)).toThrow(RangeError);
    expect(() => unwrapKey(new Uint8Array(length), new Uint8Array(40))).toThrow(RangeError);
  }
});
