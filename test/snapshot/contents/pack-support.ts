import { createHash } from 'node:crypto';
import { memorySource, type ByteSource } from '../../../src/core/byte-source.js';
import { concatBytes } from '../../../src/core/bytes.js';
import { PackWriter } from '../../../src/snapshot/contents/pack-writer.js';
import type { FileWriter } from '../../../src/snapshot/fs/store-fs.js';

/** SHA-256. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

/** A file in memory. */
export function memoryFile(): FileWriter & { content(): Uint8Array } {
  const parts: Uint8Array[] = [];
  return {
    write: (bytes) => {
      parts.push(new Uint8Array(bytes));
    },
    sync() {},
    close() {},
    content: () => concatBytes(parts),
  };
}

/** A finished pack and what `fill` gave. */
export async function makePack<T>(
  fill: (writer: PackWriter) => Promise<T>,
): Promise<{ bytes: Uint8Array; pack: ByteSource; result: T }> {
  const file = memoryFile();
  const writer = new PackWriter(file);
  const result = await fill(writer);
  writer.finish();
  const bytes = file.content();
  return { bytes, pack: memorySource(bytes), result };
}

/** A source that cannot read synchronously, as one on a network. */
export function asyncOnly(source: ByteSource): ByteSource {
  return {
    size: source.size,
    read: async (offset, length, options) => await source.read(offset, length, options),
    stream: (range, options) => source.stream(range, options),
    close: async () => {
      await source.close();
    },
  };
}

/** All bytes of a source, by its stream. */
export async function contentOf(source: ByteSource): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source.stream()) parts.push(part);
  return concatBytes(parts);
}

/** Bytes that repeat by `seed`: compressible where `random` is false. */
export function patternBytes(length: number, seed: number, random = false): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let i = 0; i < length; i += 1) {
    if (random || i % 64 === 0) state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
