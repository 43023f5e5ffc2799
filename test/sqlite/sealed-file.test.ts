import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { memorySource } from '../../src/core/byte-source.js';
import { sealedCopy } from '../../src/sqlite/image/sealed-file.js';

const content = Uint8Array.from({ length: 300_001 }, (_unused, index) => (index * 7) % 253);

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sealed-'));
  vi.stubEnv('TMPDIR', folder);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });
  return folder;
}

test('a sealed copy gives every range of its source', async () => {
  await temporaryFolder();
  const copy = await sealedCopy(memorySource(content));
  onTestFinished(async () => {
    await copy.close();
  });
  for (const [offset, length] of [
    [0, 10],
    [15, 1],
    [16, 16],
    [31, 4_096],
    [299_990, 100],
    [400_000, 5],
  ] as const) {
    const expected = content.slice(offset, offset + length);
    expect(await copy.read(offset, length)).toEqual(expected);
    const target = new Uint8Array(length);
    expect(copy.readSync(offset, target)).toBe(expected.length);
    expect(target.subarray(0, expected.length)).toEqual(expected);
  }
  const streamed: Uint8Array[] = [];
  for await (const chunk of copy.stream({ offset: 5 })) streamed.push(chunk);
  expect(Buffer.concat(streamed).equals(content.subarray(5))).toBe(true);
});

test('a sealed copy can be closed again and leaves no file', async () => {
  const folder = await temporaryFolder();
  const copy = await sealedCopy(memorySource(content));
  await copy.close();
  await copy.close();
  expect(await readdir(folder)).toEqual([]);
});

test('a copy that fails or is aborted leaves no file', async () => {
  const folder = await temporaryFolder();
  const reason = new Error('stop');
  const source = memorySource(content);
  await expect(sealedCopy(source, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(await readdir(folder)).toEqual([]);
});

test('a folder that does not exist is an IoError', async () => {
  const folder = await temporaryFolder();
  vi.stubEnv('TMPDIR', join(folder, 'missing'));
  await expect(sealedCopy(memorySource(content))).rejects.toMatchObject({ code: 'IO_FAILED' });
});
