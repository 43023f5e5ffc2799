import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ByteReader,
  base64Decode,
  base64Encode,
  concatBytes,
  equalBytes,
  hexDecode,
  hexEncode,
  isBytes,
  latin1Decode,
  ownBytes,
  plainView,
  utf8Decode,
  utf8DecodeStrict,
  utf8Encode,
} from '../../src/core/bytes.js';

describe('codecs', () => {
  it('round-trip any bytes through hexadecimal and base64', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(hexDecode(hexEncode(bytes))).toEqual(bytes);
        expect(base64Decode(base64Encode(bytes))).toEqual(bytes);
      }),
    );
  });

  it('keep a byte order mark and mark what is not UTF-8', () => {
    expect(utf8Decode(utf8Encode('\ufeffä'))).toBe('\ufeffä');
    expect(utf8Decode(new Uint8Array([0x61, 0xff]))).toBe('a\ufffd');
    expect(utf8DecodeStrict(new Uint8Array([0x61, 0xff]))).toBeUndefined();
    expect(utf8DecodeStrict(utf8Encode('é'))).toBe('é');
    expect(latin1Decode(new Uint8Array([0x41, 0xe9]))).toBe('Aé');
  });

  it.each(['a', 'zz', '0g', ' 00'])('gives undefined for %j, which is not hexadecimal', (text) => {
    expect(hexDecode(text)).toBeUndefined();
  });

  it('give plain arrays of their own', () => {
    const buffer = Buffer.from('abc');
    const own = ownBytes(buffer);
    own[0] = 0;
    expect(buffer[0]).toBe(0x61);
    expect(own.constructor).toBe(Uint8Array);
    expect(plainView(buffer).constructor).toBe(Uint8Array);
    expect(concatBytes([utf8Encode('a'), utf8Encode(''), utf8Encode('bc')])).toEqual(utf8Encode('abc'));
  });

  it('compare content and recognise byte arrays only', () => {
    expect(equalBytes(utf8Encode('ab'), Buffer.from('ab'))).toBe(true);
    expect(equalBytes(utf8Encode('ab'), utf8Encode('abc'))).toBe(false);
    expect(isBytes(Buffer.alloc(1))).toBe(true);
    expect(isBytes(new Uint16Array(1))).toBe(false);
    expect(isBytes([1])).toBe(false);
  });
});

describe('ByteReader', () => {
  it('reads every width in both byte orders', () => {
    const bytes = new Uint8Array([1, 0xff, 0xff, 0xfe, 1, 2, 3, 4, 0x80, 0, 0, 0, 0, 0, 0, 1]);
    const reader = new ByteReader(bytes, 'mbdb');
    expect([reader.u8(), reader.i8(), reader.u16()]).toEqual([1, -1, 0xfffe]);
    reader.seek(2);
    expect([reader.i16(), reader.u32(true)]).toEqual([-2, 0x04030201]);
    expect(reader.i64()).toBe(-0x7fffffffffffffffn);
    expect(reader.remaining).toBe(0);
    reader.seek(8);
    expect(reader.u64()).toBe(0x8000000000000001n);
    reader.seek(4);
    expect(reader.i32()).toBe(0x01020304);
    const floats = new ByteReader(new Uint8Array([0x3f, 0x80, 0, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]), 'plist');
    expect([floats.f32(), floats.f64()]).toEqual([1, 1]);
  });

  it('refuses every read beyond the end and stays where it was', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.integer({ min: 0, max: 40 }), (bytes, length) => {
        const reader = new ByteReader(bytes, 'keybag');
        if (length <= bytes.length) expect(reader.bytes(length)).toEqual(bytes.subarray(0, length));
        else {
          expect(() => reader.bytes(length)).toThrow(
            expect.objectContaining({ code: 'FORMAT_INVALID', format: 'keybag', offset: 0 }),
          );
          expect(reader.offset).toBe(0);
        }
      }),
    );
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 60])('refuses the length or offset %s', (number) => {
    const reader = new ByteReader(new Uint8Array(4), 'plist');
    expect(() => reader.skip(number)).toThrow(expect.objectContaining({ code: 'FORMAT_INVALID' }));
    expect(() => {
      reader.seek(number);
    }).toThrow(expect.objectContaining({ code: 'FORMAT_INVALID' }));
  });
});
