import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hexEncode } from '../../src/core/bytes.js';
import { unwrapKey, wrapKey } from '../../src/crypto/key-wrap.js';
import { unwrapKeys } from '../../src/crypto/unwrap-keys.js';
import { hex } from './support.js';

it('unwraps the vector of RFC 3394 §4.6', () => {
  const kek = hex('000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F');
  const wrapped = hex('28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21');
  const [key] = unwrapKeys(kek, [wrapped]);
  expect(key && hexEncode(key)).toBe('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f');
});

it('gives the same as one at a time, damaged keys and keys of other lengths among them', () => {
  const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
  const sound = bytes(32).map((key) => (kek: Uint8Array) => wrapKey(kek, key));
  const damaged = fc.tuple(bytes(32), fc.nat(39)).map(([key, at]) => (kek: Uint8Array) => {
    const wrapped = wrapKey(kek, key);
    wrapped[at] = (wrapped[at] ?? 0) ^ 1;
    return wrapped;
  });
  const short = fc.constantFrom(0, 8, 24, 39).map((length) => () => new Uint8Array(length));
  fc.assert(
    fc.property(bytes(32), fc.array(fc.oneof(sound, damaged, short), { maxLength: 40 }), (kek, makers) => {
      const wrapped = makers.map((make) => make(kek));
      expect(unwrapKeys(kek, wrapped)).toEqual(wrapped.map((one) => unwrapKey(kek, one)));
    }),
  );
});
