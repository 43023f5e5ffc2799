import type * as Fs from 'node:fs';
import type * as FsPromises from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { extractFiles } from '../../../src/manifest/extract/extract.js';
import { fakeFiles, filesOf, temporaryFolder } from './support.js';

/** Bytes that the disk still takes. */
const disk = vi.hoisted(() => ({ left: Infinity, errno: 'ENOSPC' }));

const full = vi.hoisted(() => (): Error => Object.assign(new Error(`${disk.errno}: write`), { code: disk.errno }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  return {
    ...fs,
    writeSync(fd: number, bytes: Uint8Array, offset: number): number {
      disk.left -= bytes.length;
      if (disk.left < 0) throw full();
      return fs.writeSync(fd, bytes, offset);
    },
  };
});

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof FsPromises>();
  return {
    ...fs,
    async open(...args: Parameters<typeof fs.open>) {
      const handle = await fs.open(...args);
      const write = handle.write.bind(handle) as (...all: unknown[]) => Promise<unknown>;
      handle.write = (async (bytes: Uint8Array, ...rest: unknown[]) => {
        disk.left -= bytes.length;
        if (disk.left < 0) throw full();
        return await write(bytes, ...rest);
      }) as typeof handle.write;
      return handle;
    },
  };
});

afterEach(() => {
  disk.left = Infinity;
  disk.errno = 'ENOSPC';
});

describe('a full disk', () => {
  const small = Array.from({ length: 20 }, (_, index) => ({ path: `small${index}`, content: new Uint8Array(1000) }));
  const large = Array.from({ length: 4 }, (_, index) => ({
    path: `large${index}`,
    content: new Uint8Array(3_000_000),
  }));

  it.each([
    ['small', small, 5500],
    ['large', large, 4_000_000],
    ['both', [...small, ...large], 9_010_000],
  ])('ends the extraction of %s files, and no name has half a file', async (_name, entries, left) => {
    const target = await temporaryFolder();
    disk.left = left;
    const run = extractFiles(fakeFiles(entries), target);
    await expect(run).rejects.toMatchObject({ name: 'IoError', code: 'IO_NO_SPACE', transient: true });
    for (const [name, content] of Object.entries(await filesOf(target))) {
      expect(name).toMatch(/^HomeDomain\/(small|large)\d+$/);
      expect(content).toHaveLength(name.includes('small') ? 1000 : 3_000_000);
    }
  });

  it('is told from a file that the system refuses, which is reported', async () => {
    const target = await temporaryFolder();
    disk.left = 500;
    disk.errno = 'EIO';
    const report = await extractFiles(fakeFiles(small), target);
    expect(report).toMatchObject({ files: 0, counts: { 'not-extracted': 20 } });
    expect(report.issues[0]).toMatchObject({ reason: 'io-error', code: 'IO_FAILED' });
    expect(await filesOf(target)).toEqual({});
  });
});
