import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FileBlobStore } from '../../../src/snapshot/blobs/file-blob-store.js';
import { MemoryBlobStore } from '../../../src/snapshot/blobs/memory-blob-store.js';
import { nodeFs } from '../../../src/snapshot/fs/node-fs.js';
import { blobStoreSuite, type BlobStoreMaker } from '../../../src/testing/suites/blob-store.js';
import { withoutLinks } from '../leases/support.js';

const files =
  (links: boolean): BlobStoreMaker =>
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'blobs-'));
    return Object.assign(new FileBlobStore({ fs: links ? nodeFs : withoutLinks, root, links }), {
      async [Symbol.asyncDispose]() {
        const staging = join(root, 'staging');
        expect(nodeFs.facts(staging) === undefined ? [] : readdirSync(staging)).toEqual([]);
        rmSync(root, { recursive: true });
      },
    });
  };

describe.each<[string, BlobStoreMaker]>([
  ['in memory', async () => new MemoryBlobStore()],
  ['as files', files(true)],
  ['as files of a disk without links', files(false)],
])('blobs %s', (_name, make) => {
  test.each(blobStoreSuite(make))('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
