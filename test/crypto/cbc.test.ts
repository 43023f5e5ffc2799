import { describe, expect, it } from 'vitest';
import { concatBytes, hexEncode } from '../../src/core/bytes.js';
import { memorySource } from '../../src/core/byte-source.js';
import { decryptCbc, decryptCbcStream, encryptCbc, paddingLength } from '../../src/crypto/cbc.js';
import { asyncOnly, collect, hex, seededRandom } from './support.js';

/** NIST SP 800-38A, F.2.5 and F.2.6: CBC-AES256. */
const key = hex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4');
const vector = hex('000102030405060708090a0b0c0d0e0f');
const plaintext = hex(`
  6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
  30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710`);
const ciphertext = hex(`
  f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d
  39f23369a9d9bacfa530e26304231461 b2eb05e2c39be9fcda6c19078c6a9d1b`);

describe('NIST SP 800-38A CBC-AES256', () => {
  it('encrypts to the published ciphertext', () => {
    // A vector is the same as zeros and a first block that was combined with it.
    const first = plaintext.map((byte, index) => byte ^ (vector[index] ?? 0));
    expect(hexEncode(encryptCbc(key, first).subarray(0, 64))).toBe(hexEncode(ciphertext));
  });

  it('decrypts to the published plaintext', () => {
    // From the middle of a file: the block before is the vector, and what comes of it is dropped.
    expect(hexEncode(decryptCbc(key, concatBytes([vector, ciphertext])).subarray(16))).toBe(hexEncode(plaintext));
  });
});

it.each([0, 1, 15, 16, 17, 31, 32, 1000])('pads %i bytes as PKCS#7 says', (length) => {
  const content = seededRandom(5)(length);
  const stored = encryptCbc(key, content);
  expect(stored).toHaveLength((Math.floor(length / 16) + 1) * 16);
  const padded = decryptCbc(key, stored);
  const padding = stored.length - length;
  expect(padded).toEqual(concatBytes([content, new Uint8Array(padding).fill(padding)]));
  expect(paddingLength(padded.subarray(-16))).toBe(padding);
});

it('drops a part of a block', () => {
  expect(decryptCbc(key, ciphertext.subarray(0, 47))).toHaveLength(32);
  expect(decryptCbc(key, ciphertext.subarray(0, 15))).toHaveLength(0);
});

it('gives plain arrays of memory of their own', () => {
  for (const bytes of [decryptCbc(key, ciphertext), encryptCbc(key, plaintext)]) {
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    expect(bytes.buffer.byteLength).toBe(bytes.length);
  }
});

it.each([1, 5, 16, 21, 64, 1000])('decrypts a stream in chunks of %i bytes like the whole', async (chunkBytes) => {
  const stored = encryptCbc(key, seededRandom(6)(500));
  const source = asyncOnly(memorySource(stored), chunkBytes);
  const chunks: Uint8Array[] = [];
  for await (const chunk of decryptCbcStream(source.stream(), key)) chunks.push(chunk);
  expect(concatBytes(chunks)).toEqual(decryptCbc(key, stored));
  expect(chunks.every((chunk) => chunk.length > 0 && chunk.length % 16 === 0)).toBe(true);
});

it('drops a part of a block at the end of a stream', async () => {
  const source = memorySource(ciphertext.subarray(0, 40));
  expect(await collect(decryptCbcStream(source.stream(), key))).toHaveLength(32);
});

describe('paddingLength()', () => {
  const block = (...end: number[]): Uint8Array =>
    Uint8Array.from([...Array.from({ length: 16 - end.length }, () => 7), ...end]);

  it('is the number that all bytes of the padding have', () => {
    expect(paddingLength(block(1))).toBe(1);
    expect(paddingLength(block(3, 3, 3))).toBe(3);
    expect(paddingLength(new Uint8Array(16).fill(16))).toBe(16);
  });

  it('is 0 when one byte of the padding differs', () => {
    expect(paddingLength(block(3, 2, 3))).toBe(0);
    expect(paddingLength(block(14))).toBe(0);
    expect(paddingLength(new Uint8Array(16).fill(16).with(0, 15))).toBe(0);
  });

  it('is 0 for 0, for numbers above 16 and for too few bytes', () => {
    expect(paddingLength(block(0))).toBe(0);
    expect(paddingLength(new Uint8Array(32).fill(17))).toBe(0);
    expect(paddingLength(Uint8Array.of(4, 4))).toBe(0);
    expect(paddingLength(new Uint8Array(0))).toBe(0);
  });
});
