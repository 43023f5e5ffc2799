import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildBackup, type FileSpec } from '../../src/entry/testing.js';
import { cpuTimer } from '../support/cpu-timer.js';

function* files(count: number, size: number): Generator<FileSpec, void, undefined> {
  for (let i = 0; i < count; i += 1) {
    yield { domain: 'AppDomain-com.example.a', relativePath: `Documents/${i % 1000}/${i}.dat`, content: { size } };
  }
}

test.each([
  { count: 100_000, size: 2048, mostCpuMs: 120_000 },
  { count: 50, size: 10 * 1024 * 1024, mostCpuMs: 60_000 },
])(
  '$count files of $size bytes are built encrypted into a folder in linear time',
  async ({ count, size, mostCpuMs }) => {
    const place = await mkdtemp(join(tmpdir(), 'build-slow-'));
    try {
      const cpu = cpuTimer();
      const built = await buildBackup(
        { encrypted: true, files: files(count, size) },
        { to: join(place, 'b'), collect: false },
      );
      expect(built.fileCount).toBeGreaterThan(count);
      expect(cpu()).toBeLessThan(mostCpuMs);
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  },
);
