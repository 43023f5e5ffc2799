import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/core/bytes.js';
import { unwrapKey } from '../../src/crypto/key-wrap.js';
import { parseKeybag, serializeKeybag, type Keybag, type KeybagEntry } from '../../src/crypto/keybag.js';
import { unlockKeybag } from '../../src/crypto/unlock.js';
import { failureOf, quickKeybag, rebuilt, seededRandom, uint32 } from './support.js';

const made = await quickKeybag();
const keybag = parseKeybag(serializeKeybag(made.keybag));
const key = made.exportKey();
const fileKey = seededRandom(9)(32);

/** The keybag with its entries changed; `block` is the class of the block that an entry is in. */
function changed(change: (entry: KeybagEntry, block: number | undefined) => KeybagEntry | undefined): Keybag {
  let block: number | undefined;
  return parseKeybag(
    rebuilt(keybag, (entries) =>
      entries.flatMap((entry, index) => {
        const next = entries[index + 1];
        if (entry.tag === 'UUID') block = next?.tag === 'CLAS' ? next.value[3] : undefined;
        return change(entry, block) ?? [];
      }),
    ),
  );
}

const withHeader = (tag: string, value: number): Keybag =>
  changed((entry) => (entry.tag === tag ? { tag, value: uint32(value) } : entry));

/** The keybag with the wrapped keys of these classes altered. */
const withDamaged = (...classes: number[]): Keybag =>
  changed((entry, block) =>
    entry.tag === 'WPKY' && block !== undefined && classes.includes(block)
      ? { tag: 'WPKY', value: entry.value.map((byte, index) => (index === 20 ? byte ^ 1 : byte)) }
      : entry,
  );

describe('unlockKeybag()', () => {
  it('opens with the password', async () => {
    const unlocked = await unlockKeybag(keybag, { password: 'secret' });
    expect(unlocked.exportKey()).toEqual(key);
    expect(unlocked.password).toBe('secret');
    expect(unlocked.keybag).toBe(keybag);
  });

  it('opens with the exported key, without any round', async () => {
    const hostile = withHeader('DPIC', 0xffff_ffff);
    const unlocked = await unlockKeybag(hostile, { key });
    expect(unlocked.exportKey()).toEqual(key);
    expect(unlocked.password).toBeUndefined();
  });

  it('opens with the password when the key beside it is of another backup', async () => {
    const unlocked = await unlockKeybag(keybag, { key: new Uint8Array(32), password: 'secret' });
    expect(unlocked.exportKey()).toEqual(key);
  });

  it('opens with an empty password', async () => {
    const open = await quickKeybag({ password: '' });
    await expect(unlockKeybag(open.keybag, { password: '' })).resolves.toMatchObject({ password: '' });
  });

  it.each([
    ['composed', 'p\u00e4ssw\u00f6rd', 'pa\u0308sswo\u0308rd'],
    ['decomposed', 'pa\u0308sswo\u0308rd', 'p\u00e4ssw\u00f6rd'],
  ])('opens a %s password that was typed in the other form', async (_form, password, typed) => {
    const bag = await quickKeybag({ password });
    const unlocked = await unlockKeybag(bag.keybag, { password: typed });
    expect(unlocked.exportKey()).toEqual(bag.exportKey());
    expect(unlocked.password).toBe(password);
  });

  it('opens keybags of all known versions, and without a version or a type', async () => {
    for (const version of [1, 2, 3, 4, 5]) {
      await expect(unlockKeybag(withHeader('VERS', version), { key })).resolves.toBeDefined();
    }
    const bare = changed((entry) => (entry.tag === 'VERS' || entry.tag === 'TYPE' ? undefined : entry));
    await expect(unlockKeybag(bare, { key })).resolves.toBeDefined();
  });

  it('leaves the key that it was given to its owner', async () => {
    const own = Uint8Array.from(key);
    const unlocked = await unlockKeybag(keybag, { key: own });
    own.fill(0);
    expect(unlocked.exportKey()).toEqual(key);
    unlocked.exportKey().fill(0);
    expect(unlocked.exportKey()).toEqual(key);
  });

  it('rejects with MANIFEST_PASSWORD_REQUIRED when it is given nothing', async () => {
    await expect(unlockKeybag(keybag, {})).rejects.toMatchObject({ code: 'MANIFEST_PASSWORD_REQUIRED' });
  });

  it('rejects with MANIFEST_PASSWORD_INCORRECT for a wrong password or key, which it does not repeat', async () => {
    for (const wrong of [{ password: 'Secret' }, { password: '' }, { password: 'sécret' }, { key: fileKey }]) {
      const error = await failureOf(unlockKeybag(keybag, wrong));
      expect(error).toMatchObject({ code: 'MANIFEST_PASSWORD_INCORRECT' });
      if (wrong.password) expect((error as Error).message).not.toContain(wrong.password);
    }
  });

  it('rejects with MANIFEST_PASSWORD_INCORRECT when the salt is damaged, which cannot be told from a wrong password', async () => {
    const salted = changed((entry) => (entry.tag === 'SALT' ? { tag: 'SALT', value: new Uint8Array(20) } : entry));
    await expect(unlockKeybag(salted, { password: 'secret' })).rejects.toMatchObject({
      code: 'MANIFEST_PASSWORD_INCORRECT',
    });
  });

  it.each([
    ['has no class blocks', changed((_entry, block) => (block === undefined ? _entry : undefined))],
    ['has no wrapped keys', changed((entry) => (entry.tag === 'WPKY' ? undefined : entry))],
    [
      'has only keys that the password does not wrap',
      changed((entry) => (entry.tag === 'WRAP' ? { tag: 'WRAP', value: uint32(1) } : entry)),
    ],
    ['is empty', parseKeybag(new Uint8Array(0))],
  ])('rejects with FORMAT_INVALID when the keybag %s', async (_what, damaged) => {
    await expect(unlockKeybag(damaged, { password: 'secret' })).rejects.toMatchObject({
      code: 'FORMAT_INVALID',
      format: 'keybag',
    });
  });

  it('rejects with FORMAT_INVALID when the keybag lacks what derivation needs', async () => {
    const saltless = changed((entry) => (entry.tag === 'SALT' ? undefined : entry));
    await expect(unlockKeybag(saltless, { password: 'secret' })).rejects.toMatchObject({ code: 'FORMAT_INVALID' });
    await expect(unlockKeybag(saltless, { key })).resolves.toBeDefined();
  });

  it('rejects with FORMAT_UNSUPPORTED for other kinds and newer versions', async () => {
    for (const other of [withHeader('TYPE', 0), withHeader('TYPE', 2), withHeader('TYPE', 3), withHeader('VERS', 6)]) {
      await expect(unlockKeybag(other, { password: 'secret' })).rejects.toMatchObject({
        code: 'FORMAT_UNSUPPORTED',
        format: 'keybag',
      });
    }
  });

  it('rejects with FORMAT_LIMIT_EXCEEDED when the keybag asks for hours of work', async () => {
    for (const tag of ['ITER', 'DPIC']) {
      await expect(unlockKeybag(withHeader(tag, 0xffff_ffff), { password: 'secret' })).rejects.toMatchObject({
        code: 'FORMAT_LIMIT_EXCEEDED',
      });
    }
    await expect(unlockKeybag(keybag, { password: 'secret' }, { maxRounds: 1 })).rejects.toMatchObject({
      code: 'FORMAT_LIMIT_EXCEEDED',
    });
  });

  it('refuses a key of another length', async () => {
    for (const length of [0, 31, 33, 64]) {
      await expect(unlockKeybag(keybag, { key: new Uint8Array(length) })).rejects.toThrow(RangeError);
    }
  });

  it('rejects with the reason of an abort', async () => {
    const reason = new Error('stop');
    await expect(unlockKeybag(keybag, { key }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('UnlockedKeybag', () => {
  it('unwraps the key of a file of every class that opens without the device', () => {
    for (const protectionClass of [1, 2, 3, 4, 6, 7, 8]) {
      expect(made.unwrapFileKey(made.wrapFileKey(protectionClass, fileKey))).toEqual(fileKey);
    }
  });

  it('wraps with the class as a little-endian prefix and RFC 3394 after it', () => {
    const wrapped = made.wrapFileKey(4, fileKey);
    expect([...wrapped.subarray(0, 4)]).toEqual([4, 0, 0, 0]);
    const classKey = unwrapKey(key, keybag.classKeys.get(4)?.wrappedKey ?? new Uint8Array());
    expect(unwrapKey(classKey ?? new Uint8Array(), wrapped.subarray(4))).toEqual(fileKey);
  });

  it('unwraps the key of Manifest.db', () => {
    expect(made.unwrapManifestKey(made.wrapFileKey(4, fileKey))).toEqual(fileKey);
  });

  it('reads the class from the low four bits in old keybags', async () => {
    const old = await quickKeybag({ version: 3 });
    const wrapped = old.wrapFileKey(3, fileKey);
    wrapped[0] = 0x23;
    expect(old.unwrapFileKey(wrapped)).toEqual(fileKey);
  });

  it.each([5, 9, 10, 11])('throws MANIFEST_KEY_UNAVAILABLE for class %i, whose key needs the device', (device) => {
    expect(() => made.wrapFileKey(device, fileKey)).toThrow(
      expect.objectContaining({
        code: 'MANIFEST_KEY_UNAVAILABLE',
        message: expect.stringContaining('only on the device') as string,
      }),
    );
  });

  it.each([
    ['that the keybag lacks', 12, keybag],
    ['without a wrapped key', 3, changed((entry, block) => (entry.tag === 'WPKY' && block === 3 ? undefined : entry))],
    [
      'that the password does not wrap',
      3,
      changed((entry, block) => (entry.tag === 'WRAP' && block === 3 ? { tag: 'WRAP', value: uint32(0) } : entry)),
    ],
    [
      'with an asymmetric key',
      3,
      changed((entry, block) => (entry.tag === 'KTYP' && block === 3 ? { tag: 'KTYP', value: uint32(1) } : entry)),
    ],
  ])('throws MANIFEST_KEY_UNAVAILABLE for a class %s, naming the file', async (_what, protectionClass, bag) => {
    const unlocked = await unlockKeybag(bag, { key });
    const wrapped = concatBytes([new Uint8Array([protectionClass, 0, 0, 0]), made.wrapFileKey(4, fileKey).subarray(4)]);
    const file = { domain: 'HomeDomain', relativePath: 'a/b', fileId: '00' };
    expect(() => unlocked.unwrapFileKey(wrapped, file)).toThrow(
      expect.objectContaining({ code: 'MANIFEST_KEY_UNAVAILABLE', ...file }),
    );
  });

  it('throws MANIFEST_FILE_DAMAGED for a key that fails the integrity check or has another length', () => {
    const wrapped = made.wrapFileKey(3, fileKey);
    const altered = wrapped.map((byte, index) => (index === 30 ? byte ^ 0x80 : byte));
    const otherClass = wrapped.map((byte, index) => (index === 0 ? 4 : byte));
    for (const bad of [
      altered,
      otherClass,
      wrapped.subarray(0, 43),
      new Uint8Array(0),
      concatBytes([wrapped, wrapped]),
    ]) {
      expect(() => made.unwrapFileKey(bad, { relativePath: 'a/b' })).toThrow(
        expect.objectContaining({ code: 'MANIFEST_FILE_DAMAGED', relativePath: 'a/b' }),
      );
      expect(() => made.unwrapManifestKey(bad)).toThrow(expect.objectContaining({ code: 'MANIFEST_CORRUPT' }));
    }
  });

  it('unwraps many keys of several classes as it does each, and leaves out those that it cannot', async () => {
    const unlocked = await unlockKeybag(withDamaged(3), { key });
    const sound = [1, 4, 1, 2].map((protectionClass, index) => {
      return made.wrapFileKey(
        protectionClass,
        fileKey.map((byte) => byte ^ index),
      );
    });
    const altered = sound[0]?.map((byte, index) => (index === 30 ? byte ^ 0x80 : byte));
    const unavailable = [
      made.wrapFileKey(3, fileKey),
      concatBytes([new Uint8Array([99, 0, 0, 0]), new Uint8Array(40)]),
    ];
    const keys = unlocked.unwrapFileKeys([undefined, ...sound, altered, ...unavailable, new Uint8Array(43)]);
    expect(keys).toEqual([
      undefined,
      ...sound.map((wrapped) => unlocked.unwrapFileKey(wrapped)),
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('reads files of sound classes when the key of another class is damaged', async () => {
    for (const bag of [withDamaged(3), withDamaged(11, 10, 9, 3), withDamaged(11, 10, 9, 8, 7, 6, 5, 3, 2, 1)]) {
      const unlocked = await unlockKeybag(bag, { password: 'secret' });
      expect(unlocked.unwrapFileKey(made.wrapFileKey(4, fileKey))).toEqual(fileKey);
      expect(() => unlocked.unwrapFileKey(made.wrapFileKey(3, fileKey))).toThrow(
        expect.objectContaining({ code: 'FORMAT_INVALID', format: 'keybag' }),
      );
    }
  });

  it('refuses to wrap a key that does not have 32 bytes', () => {
    expect(() => made.wrapFileKey(3, new Uint8Array(16))).toThrow(RangeError);
  });

  it('throws MANIFEST_CLOSED once it is closed, and may be closed twice', async () => {
    const unlocked = await unlockKeybag(keybag, { password: 'secret' });
    const wrapped = unlocked.wrapFileKey(3, fileKey);
    await unlocked.close();
    await unlocked.close();
    expect(unlocked.password).toBeUndefined();
    const closed = expect.objectContaining({ code: 'MANIFEST_CLOSED' }) as Error;
    expect(() => unlocked.exportKey()).toThrow(closed);
    expect(() => unlocked.unwrapFileKey(wrapped)).toThrow(closed);
    expect(() => unlocked.unwrapFileKeys([wrapped])).toThrow(closed);
    expect(() => unlocked.unwrapManifestKey(wrapped)).toThrow(closed);
    expect(() => unlocked.wrapFileKey(3, fileKey)).toThrow(closed);
  });
});
