import { expect, it } from 'vitest';
import { memorySource, type ByteSource } from '../../../src/core/byte-source.js';
import { concatBytes } from '../../../src/core/bytes.js';
import { ChunkReader } from '../../../src/snapshot/contents/chunk-reader.js';
import { chunksAhead } from '../../../src/snapshot/contents/chunks-ahead.js';
import { chunkBytes, type PackEntry } from '../../../src/snapshot/format/pack-format.js';
import { asyncOnly, makePack, patternBytes, sha256 } from './pack-support.js';

/** More chunks than are decoded at a time, some of them compressed; the last one is not whole. */
const content = concatBytes([patternBytes(14 * chunkBytes, 1), patternBytes(4 * chunkBytes + 77, 2, true)]);
const packed = await makePack(async (writer) => await writer.addContent(sha256(content), memorySource(content)));

async function decoded(pack: ByteSource, entry: PackEntry, signal?: AbortSignal): Promise<Uint8Array[]> {
  const reader = await ChunkReader.open(pack, entry, {});
  const parts: Uint8Array[] = [];
  for await (const chunk of chunksAhead(reader, { signal })) parts.push(chunk);
  return parts;
}

it.each([packed.pack, asyncOnly(packed.pack)])('gives the data in order', async (pack) => {
  expect(Buffer.compare(concatBytes(await decoded(pack, packed.result)), content)).toBe(0);
});

it('gives nothing behind a damaged chunk', async () => {
  const bytes = new Uint8Array(packed.bytes);
  const at = packed.result.offset + packed.result.length - 2 * chunkBytes;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await expect(decoded(memorySource(bytes), packed.result)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
});

it('reads no more once the loop was left', async () => {
  let reads = 0;
  let open = 0;
  const slow: ByteSource = {
    ...asyncOnly(packed.pack),
    async read(offset, length) {
      reads += 1;
      open += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
      open -= 1;
      return await packed.pack.read(offset, length);
    },
  };
  const reader = await ChunkReader.open(slow, packed.result, {});
  for await (const _chunk of chunksAhead(reader)) break;
  expect(open).toBe(0);
  expect(reads).toBeLessThan(reader.count);
});

it('stops where it is aborted', async () => {
  const reason = new Error('enough');
  await expect(decoded(packed.pack, packed.result, AbortSignal.abort(reason))).rejects.toBe(reason);
});
