import { describe, expect, it } from 'vitest';
import { concatBytes, utf8Encode } from '../../src/core/bytes.js';
import { limits } from '../../src/core/limits.js';
import { parseKeybag, serializeKeybag, type KeybagEntry } from '../../src/crypto/keybag.js';
import { describeProtectionClass, protectionClasses } from '../../src/crypto/protection-class.js';
import { quickKeybag, rebuilt, seededRandom, uint32 } from './support.js';

const made = await quickKeybag();
const bytes = serializeKeybag(made.keybag);
const parsed = parseKeybag(bytes);

const entry = (tag: string, value: Uint8Array): KeybagEntry => ({ tag, value });

/** Offset of the n-th entry with this tag. */
function offsetOf(tag: string, n = 0): number {
  let offset = 0;
  for (const found of parsed.entries) {
    if (found.tag === tag && n-- === 0) return offset;
    offset += 8 + found.value.length;
  }
  return expect.unreachable();
}

describe('parseKeybag()', () => {
  it('reads the header', () => {
    expect(parsed.version).toBe(5);
    expect(parsed.type).toBe(1);
    expect(parsed.sha1Stage?.rounds).toBe(2);
    expect(parsed.sha1Stage?.salt).toHaveLength(20);
    expect(parsed.sha256Stage?.rounds).toBe(2);
    expect(parsed.sha256Stage?.salt).toHaveLength(20);
    expect(parsed.warnings).toEqual([]);
  });

  it('reads the class keys in their order', () => {
    expect([...parsed.classKeys.keys()]).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(parsed.classKeys.get(3)).toMatchObject({ protectionClass: 3, wrap: 2, keyType: 0 });
    expect(parsed.classKeys.get(3)?.wrappedKey).toHaveLength(40);
    expect(parsed.classKeys.get(9)?.wrap).toBe(3);
  });

  it('does not depend on the order of entries within the header and the blocks', () => {
    const shuffled = parseKeybag(
      rebuilt(parsed, (entries) => {
        const uuid = entries.findIndex(({ tag }, index) => tag === 'UUID' && index > 5);
        const header = entries.slice(0, uuid).toReversed();
        const blocks = entries.slice(uuid);
        const reordered: KeybagEntry[] = [];
        for (let at = 0; at < blocks.length; at += 5) {
          const [first, ...rest] = blocks.slice(at, at + 5);
          if (first !== undefined) reordered.push(first, ...rest.toReversed());
        }
        return [...header, ...reordered];
      }),
    );
    expect(shuffled.classKeys).toEqual(parsed.classKeys);
    expect(shuffled.sha256Stage).toEqual(parsed.sha256Stage);
    expect(shuffled.sha1Stage).toEqual(parsed.sha1Stage);
  });

  it('keeps unknown tags where they are', () => {
    const extended = rebuilt(parsed, (entries) => [
      entry('XTRA', utf8Encode('one')),
      ...entries.slice(0, 14),
      entry('\u00ff\u0000\u0001z', new Uint8Array(0)),
      entry('XTRA', utf8Encode('two')),
      entry('XTRA', utf8Encode('three')),
      ...entries.slice(14),
      entry('TAIL', new Uint8Array(300)),
    ]);
    const again = parseKeybag(extended);
    expect(serializeKeybag(again)).toEqual(extended);
    expect(again.classKeys).toEqual(parsed.classKeys);
    expect(again.warnings).toEqual([]);
  });

  it('leaves its input alone and does not depend on it later', () => {
    const input = Uint8Array.from(bytes);
    const keybag = parseKeybag(input);
    expect(input).toEqual(bytes);
    input.fill(0);
    expect(serializeKeybag(keybag)).toEqual(bytes);
  });

  it('takes the first of two blocks of one class, with a warning', () => {
    const twice = parseKeybag(
      rebuilt(parsed, (entries) => [
        ...entries,
        entry('UUID', new Uint8Array(16)),
        entry('CLAS', uint32(3)),
        entry('WRAP', uint32(1)),
        entry('WPKY', new Uint8Array(40)),
      ]),
    );
    expect(twice.classKeys).toEqual(parsed.classKeys);
    expect(twice.warnings).toEqual([expect.stringMatching(/class 3 more than once/)]);
  });

  it('takes the first of two equal tags, with a warning', () => {
    const twice = parseKeybag(rebuilt(parsed, (entries) => [entry('ITER', uint32(7)), ...entries]));
    expect(twice.sha1Stage?.rounds).toBe(7);
    expect(twice.warnings).toEqual([expect.stringMatching(/header .* ITER more than once/)]);
  });

  it('leaves a block without a class out, with a warning', () => {
    const without = parseKeybag(rebuilt(parsed, (entries) => [...entries, entry('UUID', new Uint8Array(16))]));
    expect(without.classKeys.size).toBe(11);
    expect(without.warnings).toEqual([expect.stringMatching(/block 12 .* does not say its class/)]);
  });

  it('keeps a class without a key', () => {
    const keyless = parseKeybag(
      rebuilt(parsed, (entries) => [...entries, entry('UUID', new Uint8Array(16)), entry('CLAS', uint32(13))]),
    );
    expect(keyless.classKeys.get(13)).toEqual({
      protectionClass: 13,
      wrap: 2,
      keyType: 0,
      wrappedKey: undefined,
    });
  });

  it('reads the class from the low four bits in old keybags only', () => {
    const flagged = (version: number): Uint8Array =>
      rebuilt(parsed, (entries) =>
        entries.map(({ tag, value }) =>
          tag === 'VERS'
            ? entry(tag, uint32(version))
            : tag === 'CLAS'
              ? entry(tag, uint32(0x30 + (value[3] ?? 0)))
              : entry(tag, value),
        ),
      );
    expect([...parseKeybag(flagged(3)).classKeys.keys()]).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(parseKeybag(flagged(5)).classKeys.has(0x33)).toBe(true);
  });

  it('removes the mark bits of the type', () => {
    const marked = rebuilt(parsed, (entries) =>
      entries.map((e) => (e.tag === 'TYPE' ? entry('TYPE', uint32(0xc0000001)) : e)),
    );
    expect(parseKeybag(marked).type).toBe(1);
  });

  it.each(['DPIC', 'DPSL'])('has one derivation stage, with a warning, when %s is missing', (tag) => {
    const reduced = parseKeybag(rebuilt(parsed, (entries) => entries.filter((e) => e.tag !== tag)));
    expect(reduced.sha256Stage).toBeUndefined();
    expect(reduced.warnings).toHaveLength(1);
  });

  it('needs no DPWT for two stages', () => {
    expect(
      parseKeybag(rebuilt(parsed, (entries) => entries.filter((e) => e.tag !== 'DPWT'))).sha256Stage,
    ).toBeDefined();
  });

  it('gives undefined for what an almost empty keybag lacks', () => {
    const empty = parseKeybag(new Uint8Array(0));
    expect(empty).toEqual({
      entries: [],
      version: undefined,
      type: undefined,
      sha1Stage: undefined,
      sha256Stage: undefined,
      classKeys: new Map(),
      warnings: [],
    });
  });

  it('reports the offset at which the data ends too early', () => {
    for (const cut of [1, 7, 8, 11, bytes.length - 1, offsetOf('SALT') + 12]) {
      expect(() => parseKeybag(bytes.subarray(0, cut))).toThrow(
        expect.objectContaining({ code: 'FORMAT_INVALID', format: 'keybag', offset: expect.any(Number) as number }),
      );
    }
  });

  it('rejects a length beyond the end without reading there', () => {
    const huge = Uint8Array.from(bytes);
    huge.set([0xff, 0xff, 0xff, 0xff], offsetOf('SALT') + 4);
    expect(() => parseKeybag(huge)).toThrow(
      expect.objectContaining({ code: 'FORMAT_INVALID', offset: offsetOf('SALT') + 8 }),
    );
  });

  it.each(['VERS', 'TYPE', 'ITER', 'DPIC', 'CLAS', 'WRAP', 'KTYP'])('rejects %s that is not 4 bytes long', (tag) => {
    const wrong = rebuilt(parsed, (entries) => {
      const index = entries.findLastIndex((e) => e.tag === tag);
      return entries.with(index, entry(tag, new Uint8Array(3)));
    });
    expect(() => parseKeybag(wrong)).toThrow(expect.objectContaining({ code: 'FORMAT_INVALID', format: 'keybag' }));
  });

  it('rejects a wrapped class key that is not 40 bytes long, with its offset', () => {
    const wrong = rebuilt(parsed, (entries) =>
      entries.with(
        entries.findIndex((e) => e.tag === 'WPKY'),
        entry('WPKY', new Uint8Array(32)),
      ),
    );
    expect(() => parseKeybag(wrong)).toThrow(
      expect.objectContaining({ code: 'FORMAT_INVALID', offset: offsetOf('WPKY') }),
    );
  });

  it('rejects a class key in the header', () => {
    const wrong = rebuilt(parsed, (entries) => [entry('CLAS', uint32(4)), ...entries]);
    expect(() => parseKeybag(wrong)).toThrow(expect.objectContaining({ code: 'FORMAT_INVALID', offset: 0 }));
  });

  it('refuses more bytes than any keybag has', () => {
    const padding = new Uint8Array(limits.keybagBytes);
    expect(() => parseKeybag(concatBytes([bytes, padding]))).toThrow(
      expect.objectContaining({ code: 'FORMAT_LIMIT_EXCEEDED', format: 'keybag' }),
    );
  });
});

describe('protection classes', () => {
  it('have Apple’s names', () => {
    expect(protectionClasses.get(1)?.name).toBe('NSFileProtectionComplete');
    expect(protectionClasses.get(8)).toMatchObject({ name: 'kSecAttrAccessibleAlways', protects: 'keychain-item' });
    expect([...protectionClasses.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('agree with the wrapping in a keybag on which ones need the device', () => {
    for (const { protectionClass, wrap } of parsed.classKeys.values()) {
      expect(protectionClasses.get(protectionClass)?.deviceOnly).toBe(wrap === 3);
    }
  });

  it('are described by number and name, unknown ones by number', () => {
    expect(describeProtectionClass(4)).toBe('4 (NSFileProtectionNone)');
    expect(describeProtectionClass(14)).toBe('14');
  });
});

it('the seeded generator repeats itself', () => {
  expect(seededRandom(7)(8)).toEqual(seededRandom(7)(8));
});
