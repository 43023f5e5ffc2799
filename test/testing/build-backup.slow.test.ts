import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildBackup, type FileSpec } from '../../src/entry/testing.js';

function* files(count: number, size: number): Generator<FileSpec, void, undefined> {
  for (let i = 0; i < count; i += 1) {
    yield { domain: 'AppDomain-com.example.a', relativePath: `Documents/${i % 1000}/${i}.dat`, content: { size } };
  }
}

test.each([
  { count: 100_000, size: 2048, mostMs: 60_000 },
  { count: 50, size: 10 * 1024 * 1024, mostMs: 30_000 },
])('$count files of $size bytes are built encrypted into a folder in time', async ({ count, size, mostMs }) => {
  const place = await mkdtemp(join(tmpdir(), 'build-slow-'));
  try {
    const start = performance.now();
    const built = await buildBackup(
      { encrypted: true, files: files(count, size) },
      { to: join(place, 'b'), collect: false },
    );
    expect(built.fileCount).toBeGreaterThan(count);
    expect(performance.now() - start).toBeLessThan(mostMs);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
});
