import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { directorySink } from '../../../src/backup/directory-sink/directory-sink.js';
import { memoryTree } from '../../../src/core/memory-tree.js';
import { backupSinkSuite } from '../../../src/testing/suites/backup-sink.js';

describe('memoryTree as a sink', () => {
  test.each(backupSinkSuite(async () => memoryTree()))('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe.each([{ udid: '00008110-000A1B2C3D4E5F60' }, { udid: undefined }])('directorySink with %o', ({ udid }) => {
  const suite = backupSinkSuite(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sink-'));
    const sink = directorySink(folder, { udid });
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
