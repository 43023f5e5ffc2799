import { createCipheriv, createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBackupKitError } from '../../src/core/errors.js';
import { utf8Encode } from '../../src/core/bytes.js';
import { deobfuscateRecord, legacyRecordKey, obfuscateRecord } from '../../src/crypto/legacy-manifest.js';
import { hex } from './support.js';

const salt = hex('00ff10203040');
const key = legacyRecordKey('test1234', salt);
const archive = utf8Encode('bplist00 and the rest of an archive');

describe('obfuscated records of iOS 10.0', () => {
  it('have a key of 16 bytes from the SHA-1 of password and salt', () => {
    const hash = createHash('sha1').update('test1234').update(salt).digest();
    expect(key).toEqual(Uint8Array.from(hash.subarray(0, 16)));
  });

  it('are AES-128-CBC with the vector 00 to 0F, in base64', () => {
    const cipher = createCipheriv('aes-128-cbc', key, hex('000102030405060708090a0b0c0d0e0f'));
    const expected = Buffer.concat([cipher.update(archive), cipher.final()]).toString('base64');
    expect(obfuscateRecord(key, archive)).toBe(expected);
    expect(deobfuscateRecord(key, expected)).toEqual(archive);
    expect(deobfuscateRecord(key, `${expected.slice(0, 20)}\n${expected.slice(20)}`)).toEqual(archive);
  });

  it('fail with FORMAT_INVALID for another password', () => {
    const other = legacyRecordKey('wrong', salt);
    expect(() => deobfuscateRecord(other, obfuscateRecord(key, archive))).toThrow(
      expect.objectContaining({ code: 'FORMAT_INVALID', format: 'cbc' }),
    );
  });

  it('survive a round trip whatever they hold', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(deobfuscateRecord(key, obfuscateRecord(key, bytes))).toEqual(bytes);
      }),
    );
  });

  it('give bytes or FORMAT_INVALID for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
        try {
          expect(deobfuscateRecord(key, text)).toBeInstanceOf(Uint8Array);
        } catch (error) {
          expect(isBackupKitError(error, 'FORMAT_INVALID')).toBe(true);
        }
      }),
    );
  });
});
