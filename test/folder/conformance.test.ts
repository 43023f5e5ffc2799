import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { directorySink } from '../../src/folder/directory-sink.js';
import { memoryTree } from '../../src/core/memory-tree.js';
import { backupSinkSuite } from '../../src/testing/suites/backup-sink.js';
import { WholeContent } from '../../src/core/whole-content.js';

describe('memoryTree as a sink', () => {
  test.each(backupSinkSuite(async () => memoryTree()))('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

const udid = '00008110-000A1B2C3D4E5F60';

/** Data as the files of a device come that are small: all at once. Where reading it fails, it is left as it is. */
async function whole(data: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of data) parts.push(part);
    return new WholeContent(parts);
  } catch (error) {
    return failing(parts, error);
  }
}

async function* failing(parts: readonly Uint8Array[], error: unknown): AsyncGenerator<Uint8Array> {
  yield* parts;
  throw error;
}

describe.each([
  { udid, isWhole: false },
  { udid: undefined, isWhole: false },
  { udid, isWhole: true },
])('directorySink with %o', ({ udid, isWhole }) => {
  const suite = backupSinkSuite(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sink-'));
    const sink = directorySink(folder, { udid });
    const write = sink.write.bind(sink);
    if (isWhole) sink.write = async (path, data, options) => await write(path, await whole(data), options);
    const close = sink[Symbol.asyncDispose].bind(sink);
    sink[Symbol.asyncDispose] = async () => {
      await close();
      await rm(folder, { recursive: true });
    };
    return sink;
  });
  test.each(suite)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
