import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openPromise } from 'yauzl';
import type { ByteSource } from '../../../src/core/byte-source.js';
import { extractFiles } from '../../../src/manifest/extract/extract.js';
import { fakeFiles, temporaryFolder } from './support.js';

const largeBytes = 4.5 * 2 ** 30;

/** More than 4 GiB of one byte, without holding them. */
function largeSource(): ByteSource {
  const chunk = new Uint8Array(256 * 1024).fill(7);
  return {
    size: largeBytes,
    async read() {
      throw new Error('A file of this size must be streamed');
    },
    async *stream() {
      for (let at = 0; at < largeBytes; at += chunk.length) yield chunk;
    },
    async close() {},
  };
}

const files = () =>
  fakeFiles([
    { path: 'a', source: largeSource },
    { path: 'b', content: 'after it' },
  ]);

describe('a file of more than 4 GiB', () => {
  it.each(['store', 'deflate'] as const)('is whole in a zip by %s, and so is what follows it', async (compression) => {
    const to = `${await temporaryFolder()}/large.zip`;
    await extractFiles(files(), { format: 'zip', compression, to });
    const zip = await openPromise(to, { lazyEntries: true });
    const sizes: Record<string, number> = {};
    for await (const entry of zip.eachEntry()) {
      let size = 0;
      for await (const chunk of await zip.openReadStreamPromise(entry)) size += (chunk as Buffer).length;
      sizes[entry.fileName] = size;
    }
    expect(sizes).toEqual({ 'HomeDomain/a': largeBytes, 'HomeDomain/b': 8 });
  });

  it('is whole in a tar and in a folder, in flat memory', async () => {
    const folder = await temporaryFolder();
    const before = process.memoryUsage().rss;
    await extractFiles(files(), { format: 'tar', to: `${folder}/large.tar` });
    await extractFiles(files(), `${folder}/out`);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 2 ** 20);
    for (const [path, size] of [
      ['large.tar', largeBytes + 512 * 2 + 512 + 1024],
      ['out/HomeDomain/a', largeBytes],
    ] as const) {
      const handle = await open(`${folder}/${path}`);
      expect((await handle.stat()).size).toBe(size);
      await handle.close();
    }
  });
});
