import { expect } from 'vitest';
import { equalBytes, hexDecode } from '../../src/core/bytes.js';
import type { ByteSource } from '../../src/core/byte-source.js';
import { createKeybag, type CreateKeybagOptions } from '../../src/crypto/create-keybag.js';
import { serializeKeybag, type Keybag, type KeybagEntry } from '../../src/crypto/keybag.js';
import type { UnlockedKeybag } from '../../src/crypto/unlock.js';

/** Bytes from hexadecimal, white space allowed. */
export function hex(text: string): Uint8Array {
  const bytes = hexDecode(text.replaceAll(/\s/g, ''));
  if (bytes === undefined) throw new Error(`Not hexadecimal: ${text}`);
  return bytes;
}

/** A repeatable stand-in for a random source: a 32-bit multiply-and-shift generator. */
export function seededRandom(seed = 1): (length: number) => Uint8Array {
  let state = seed;
  return (length) =>
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
}

/** A keybag with few rounds. */
export async function quickKeybag(options: Partial<CreateKeybagOptions> = {}): Promise<UnlockedKeybag> {
  return await createKeybag({ password: 'secret', random: seededRandom(), rounds: 2, sha256Rounds: 2, ...options });
}

/** Bytes of a keybag with other entries. */
export function rebuilt(keybag: Keybag, change: (entries: KeybagEntry[]) => KeybagEntry[]): Uint8Array {
  return serializeKeybag({ ...keybag, entries: change([...keybag.entries]) });
}

/** A 4-byte big-endian integer. */
export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** Asserts that both have the same bytes: much faster than `toEqual` for many of them. */
export function expectBytes(actual: Uint8Array | undefined, expected: Uint8Array): void {
  expect(actual).toHaveLength(expected.length);
  expect(equalBytes(actual ?? new Uint8Array(), expected)).toBe(true);
}

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return expect.unreachable('it did not reject');
}

/** All bytes of a stream. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: number[] = [];
  for await (const chunk of chunks) parts.push(...chunk);
  return Uint8Array.from(parts);
}

/** The same source without synchronous reads, streaming in chunks of `chunkBytes`. */
export function asyncOnly(source: ByteSource, chunkBytes: number): ByteSource {
  return {
    size: source.size,
    read: (offset, length, options) => source.read(offset, length, options),
    async *stream(range, options) {
      const start = range?.offset ?? 0;
      const end = Math.min(source.size, start + (range?.length ?? source.size));
      for (let at = start; at < end; at += chunkBytes) {
        yield await source.read(at, Math.min(chunkBytes, end - at), options);
      }
    },
    close: () => source.close(),
  };
}
