import { describe, expect, it } from 'vitest';
import { parseKeybag, serializeKeybag } from '../../src/crypto/keybag.js';
import { unlockKeybag } from '../../src/crypto/unlock.js';
import { quickKeybag, seededRandom } from './support.js';

const wraps = async (options: Parameters<typeof quickKeybag>[0]): Promise<number[]> =>
  [...(await quickKeybag(options)).keybag.classKeys.values()].map(({ wrap }) => wrap);

describe('createKeybag()', () => {
  it('lays a keybag out as iOS 10.2 and later do', async () => {
    const { keybag } = await quickKeybag();
    expect(serializeKeybag(keybag)).toHaveLength(1388);
    expect(keybag.version).toBe(5);
    const tags = keybag.entries.map(({ tag }) => tag);
    expect(tags.slice(0, 10)).toEqual('VERS TYPE UUID HMCK WRAP SALT ITER DPWT DPIC DPSL'.split(' '));
    expect(tags.slice(10, 15)).toEqual(['UUID', 'CLAS', 'WRAP', 'KTYP', 'WPKY']);
    expect([...keybag.classKeys.keys()]).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it('lays a keybag out as earlier versions do', async () => {
    const { keybag } = await quickKeybag({ version: 3 });
    expect(serializeKeybag(keybag)).toHaveLength(1336);
    expect(keybag.version).toBe(3);
    expect(keybag.sha256Stage).toBeUndefined();
  });

  it('makes 14 classes when asked to', async () => {
    const { keybag } = await quickKeybag({ classCount: 14 });
    expect(serializeKeybag(keybag)).toHaveLength(1712);
    expect([...keybag.classKeys.keys()].at(0)).toBe(14);
  });

  it('wraps keychain classes for the device alone in plain backups', async () => {
    expect(await wraps({})).toEqual([3, 3, 3, 2, 2, 2, 3, 2, 2, 2, 2]);
    expect(await wraps({ encrypted: false })).toEqual([3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2]);
  });

  it.each([{ version: 3 }, { version: 4 }, { version: 5 }, { classCount: 14 }, { encrypted: false }] as const)(
    'makes a keybag that its password opens: %j',
    async (options) => {
      const made = await quickKeybag(options);
      const keybag = parseKeybag(serializeKeybag(made.keybag));
      expect(keybag).toEqual(made.keybag);
      const unlocked = await unlockKeybag(keybag, { password: 'secret' });
      expect(unlocked.exportKey()).toEqual(made.exportKey());
      expect(made.password).toBe('secret');
      const fileKey = seededRandom(3)(32);
      expect(unlocked.unwrapFileKey(made.wrapFileKey(3, fileKey))).toEqual(fileKey);
    },
  );

  it('repeats itself for the same random bytes and differs for others', async () => {
    const bytes = async (seed: number): Promise<Uint8Array> =>
      serializeKeybag((await quickKeybag({ random: seededRandom(seed) })).keybag);
    expect(await bytes(1)).toEqual(await bytes(1));
    expect(await bytes(1)).not.toEqual(await bytes(2));
  });

  it('states the rounds that it used', async () => {
    const { keybag } = await quickKeybag({ rounds: 3, sha256Rounds: 4 });
    expect(keybag.sha1Stage?.rounds).toBe(3);
    expect(keybag.sha256Stage?.rounds).toBe(4);
  });

  it('takes Apple’s rounds by default, and can be aborted at once', async () => {
    const reason = new Error('stop');
    const made = quickKeybag({ rounds: undefined, sha256Rounds: undefined, signal: AbortSignal.abort(reason) });
    await expect(made).rejects.toBe(reason);
  });

  it.each([0, -1, 1.5, Number.NaN, 50_000_001])('refuses %d rounds', async (rounds) => {
    await expect(quickKeybag({ rounds })).rejects.toThrow(RangeError);
    await expect(quickKeybag({ sha256Rounds: rounds })).rejects.toThrow(RangeError);
  });
});
