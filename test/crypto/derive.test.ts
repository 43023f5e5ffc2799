import { pbkdf2Sync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hexEncode, utf8Encode } from '../../src/core/bytes.js';
import { limits } from '../../src/core/limits.js';
import { derivePasswordKey, passwordForms } from '../../src/crypto/derive.js';
import { keybagFromEntries, type Keybag, type KeyDerivationStage } from '../../src/crypto/keybag.js';
import { failureOf, hex } from './support.js';

const keybagWith = (sha1Stage?: KeyDerivationStage, sha256Stage?: KeyDerivationStage): Keybag => ({
  ...keybagFromEntries([]),
  sha1Stage,
  sha256Stage,
});
const stage = (salt: string, rounds: number): KeyDerivationStage => ({ salt: utf8Encode(salt), rounds });
const quick = keybagWith(stage('salt', 1));

describe('one stage', () => {
  /** RFC 6070 §2, but the vector of 16,777,216 rounds. A derived key begins with the shorter ones of the same inputs. */
  it.each([
    ['password', 'salt', 1, '0c60c80f961f0e71f3a9b524af6012062fe037a6'],
    ['password', 'salt', 2, 'ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957'],
    ['password', 'salt', 4096, '4b007901b765489abead49d926f721d065a429c1'],
    [
      'passwordPASSWORDpassword',
      'saltSALTsaltSALTsaltSALTsaltSALTsalt',
      4096,
      '3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038',
    ],
    ['pass\0word', 'sa\0lt', 4096, '56fa6aa75548099dcc37d7f03425e0c3'],
  ])('agrees with RFC 6070 for %j, %j and %i rounds', async (password, salt, rounds, expected) => {
    const key = await derivePasswordKey(keybagWith(stage(salt, rounds)), password);
    expect(key).toHaveLength(32);
    expect(hexEncode(key).slice(0, expected.length)).toBe(expected);
  });
});

describe('two stages', () => {
  /** RFC 7914 §11: PBKDF2-HMAC-SHA-256. */
  it.each([
    ['passwd', 'salt', 1, '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc'],
    ['Password', 'NaCl', 80_000, '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56'],
  ])('put the RFC 7914 value of %j into the SHA-1 stage', async (password, salt, rounds, expected) => {
    const key = await derivePasswordKey(keybagWith(stage('second', 3), stage(salt, rounds)), password);
    expect(hexEncode(key)).toBe(pbkdf2Sync(hex(expected), 'second', 3, 32, 'sha1').toString('hex'));
  });
});

it('takes an empty password', async () => {
  const expected = pbkdf2Sync('', 'salt', 1, 32, 'sha1');
  expect(hexEncode(await derivePasswordKey(quick, ''))).toBe(expected.toString('hex'));
});

it('hashes a password exactly as given', async () => {
  const composed = await derivePasswordKey(quick, 'p\u00e4ss');
  const decomposed = await derivePasswordKey(quick, 'pa\u0308ss');
  expect(composed).not.toEqual(decomposed);
});

it('gives a plain array', async () => {
  expect(Object.getPrototypeOf(await derivePasswordKey(quick, 'x'))).toBe(Uint8Array.prototype);
});

describe('passwordForms()', () => {
  it('is the password alone when it has one form', () => {
    expect(passwordForms('test1234')).toEqual(['test1234']);
    expect(passwordForms('')).toEqual(['']);
    expect(passwordForms('🔑')).toEqual(['🔑']);
  });

  it('begins with the given form', () => {
    expect(passwordForms('\u00e4')).toEqual(['\u00e4', 'a\u0308']);
    expect(passwordForms('a\u0308')).toEqual(['a\u0308', '\u00e4']);
  });

  it('has a mixed password composed and decomposed as well', () => {
    expect(passwordForms('\u00e4a\u0308')).toEqual(['\u00e4a\u0308', '\u00e4\u00e4', 'a\u0308a\u0308']);
  });
});

describe('hostile rounds', () => {
  it('are refused above the limit, in either stage', async () => {
    for (const keybag of [
      keybagWith(stage('s', limits.keyDerivationRounds + 1)),
      keybagWith(stage('s', 0xffff_ffff)),
      keybagWith(stage('s', 1), stage('s', 0xffff_ffff)),
      keybagWith(stage('s', 0xffff_ffff), stage('s', limits.keyDerivationRounds)),
    ]) {
      await expect(derivePasswordKey(keybag, 'x')).rejects.toMatchObject({
        code: 'FORMAT_LIMIT_EXCEEDED',
        format: 'keybag',
      });
    }
  });

  it('are refused above the caller’s own limit', async () => {
    const keybag = keybagWith(stage('s', 5));
    await expect(derivePasswordKey(keybag, 'x', { maxRounds: 4 })).rejects.toMatchObject({
      code: 'FORMAT_LIMIT_EXCEEDED',
    });
    await expect(derivePasswordKey(keybag, 'x', { maxRounds: 5 })).resolves.toHaveLength(32);
  });

  it('are refused when they are 0', async () => {
    await expect(derivePasswordKey(keybagWith(stage('s', 0)), 'x')).rejects.toMatchObject({ code: 'FORMAT_INVALID' });
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 31])('cannot be allowed with maxRounds %d', async (maxRounds) => {
    await expect(derivePasswordKey(quick, 'x', { maxRounds })).rejects.toThrow(RangeError);
  });
});

it('rejects a keybag without salt or rounds as damaged', async () => {
  await expect(derivePasswordKey(keybagWith(), 'x')).rejects.toMatchObject({
    code: 'FORMAT_INVALID',
    format: 'keybag',
  });
});

describe('abort', () => {
  const slow = keybagWith(stage('salt', 1), stage('salt', 3_000_000));

  it('rejects with the reason before any work when it came earlier', async () => {
    const reason = new Error('no longer wanted');
    await expect(derivePasswordKey(slow, 'x', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('rejects with the reason at once, long before the rounds end', async () => {
    const controller = new AbortController();
    const reason = new Error('no longer wanted');
    let failure: unknown;
    const watched = failureOf(derivePasswordKey(slow, 'x', { signal: controller.signal })).then((error) => {
      failure = error;
    });
    controller.abort(reason);
    await new Promise((resolve) => setImmediate(resolve));
    expect(failure).toBe(reason);
    await watched;
  });

  it('leaves the event loop free while it works', async () => {
    let turns = 0;
    const turn = setInterval(() => turns++, 1);
    try {
      await derivePasswordKey(keybagWith(stage('salt', 1), stage('salt', 300_000)), 'x');
    } finally {
      clearInterval(turn);
    }
    expect(turns).toBeGreaterThan(2);
  });
});
