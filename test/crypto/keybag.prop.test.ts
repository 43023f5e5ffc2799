import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isBackupKitError } from '../../src/core/errors.js';
import { parseKeybag, serializeKeybag, type Keybag } from '../../src/crypto/keybag.js';
import { unlockKeybag } from '../../src/crypto/unlock.js';
import { quickKeybag } from './support.js';

const made = await quickKeybag();
const valid = serializeKeybag(made.keybag);
const key = made.exportKey();

const tags = [
  'VERS',
  'TYPE',
  'UUID',
  'HMCK',
  'WRAP',
  'SALT',
  'ITER',
  'DPWT',
  'DPIC',
  'DPSL',
  'CLAS',
  'KTYP',
  'WPKY',
  'XXXX',
];

/** A valid keybag with bytes overwritten, removed and inserted. */
const mutated = fc
  .array(
    fc.record({
      at: fc.nat(valid.length),
      remove: fc.nat(12),
      insert: fc.uint8Array({ maxLength: 12 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((edits) => {
    let bytes: Uint8Array = valid;
    for (const { at, remove, insert } of edits) {
      bytes = Uint8Array.from([...bytes.subarray(0, at), ...insert, ...bytes.subarray(at + remove)]);
    }
    return bytes;
  });

/** Entries with known tags, in any order, with values of any length. */
const shuffled = fc
  .array(fc.record({ tag: fc.constantFrom(...tags), value: fc.uint8Array({ maxLength: 48 }) }), { maxLength: 40 })
  .map((entries) => serializeKeybag({ ...made.keybag, entries }));

function parseOrUndefined(bytes: Uint8Array): Keybag | undefined {
  try {
    return parseKeybag(bytes);
  } catch (error) {
    if (!isBackupKitError(error, 'FORMAT_INVALID')) throw error;
    return undefined;
  }
}

it('every sequence of bytes is a keybag that is written back exactly, or FORMAT_INVALID', () => {
  fc.assert(
    fc.property(fc.oneof(mutated, shuffled, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      const keybag = parseOrUndefined(bytes);
      if (keybag !== undefined) expect(serializeKeybag(keybag)).toEqual(bytes);
    }),
    { numRuns: 500 },
  );
});

it('a damaged keybag either opens with the right key or fails with one of four codes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(mutated, shuffled), async (bytes) => {
      const keybag = parseOrUndefined(bytes);
      if (keybag === undefined) return;
      try {
        const unlocked = await unlockKeybag(keybag, { key });
        expect(unlocked.exportKey()).toEqual(key);
      } catch (error) {
        expect(error).toSatisfy((thrown) =>
          isBackupKitError(thrown, 'FORMAT_INVALID', 'FORMAT_UNSUPPORTED', 'MANIFEST_PASSWORD_INCORRECT'),
        );
      }
    }),
    { numRuns: 300 },
  );
});

it('a file key survives wrapping, whatever its class', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 2, 3, 4, 6, 7, 8),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      async (protectionClass, fileKey) => {
        const wrapped = made.wrapFileKey(protectionClass, fileKey);
        expect(wrapped).toHaveLength(44);
        expect(made.unwrapFileKey(wrapped)).toEqual(fileKey);
      },
    ),
    { numRuns: 50 },
  );
});
