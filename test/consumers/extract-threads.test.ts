/**
 * Extraction with its second thread, which only the build has: the sources extract in one. How much the thread gets
 * depends on the machine, so the tests wait for it to be ready, look at what it was sent, and compare with one thread.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildBackup, type FileSpec } from '../../src/entry/testing.js';
import type * as Kit from '../../src/entry/index.js';
import type { Backup, BackupFile, ExtractOptions, ExtractReport } from '../../src/entry/index.js';
import type { FileSource } from '../../src/manifest/extract/selection.js';

const built = pathToFileURL(resolve(import.meta.dirname, '../../dist/index.js')).href;
const password = 'pass';
let folder: string;
let kit: typeof Kit;

/** Files of a backup that is large enough for the second thread; from the 2,400th on every thirtieth is odd. */
function* files(): Generator<FileSpec> {
  const odd = ['content-missing', 'content-truncated', 'content-empty'] as const;
  for (let i = 0; i < 4000; i += 1) {
    const isOdd = i > 2400 && i % 30 === 0;
    const name = `${String(i).padStart(4, '0')}${i % 50 === 0 ? ':' : ''}`;
    const size = i % 100 === 7 ? 300_000 : i % 1000 === 8 ? 2_000_000 : 20 + (i % 3000);
    const damage = isOdd ? [odd[(i / 30) % 3] ?? 'content-missing'] : undefined;
    yield {
      domain: 'HomeDomain',
      relativePath: `Library/${String(Math.floor(i / 100)).padStart(2, '0')}/${name}`,
      content: { size },
      damage,
    };
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'extract-threads-'));
  kit = (await import(/* @vite-ignore */ built)) as typeof Kit;
  const spec = { ios: '17.4', kdf: 'fast', files: [...files()] } as const;
  await buildBackup({ ...spec, password }, { to: join(folder, 'encrypted'), collect: false });
  await buildBackup(spec, { to: join(folder, 'plain'), collect: false });
}, 120_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  // A busy machine must not look like a slow disk, for which files go another way: every call takes as long.
  let now = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 0.05));
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** What the second threads do, seen from their messages. */
function watchThreads(): { jobs: number; ended: number; ready: Promise<void>; onJobs: (thread: Worker) => void } {
  const seen = { jobs: 0, ended: 0, ready: Promise.resolve(), onJobs: (_thread: Worker): void => undefined };
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
  const { emit, postMessage } = Worker.prototype;
  seen.ready = new Promise((resolve) => {
    vi.spyOn(Worker.prototype, 'emit').mockImplementation(function (this: Worker, ...args) {
      const handled = emit.apply(this, args);
      if (args[0] === 'message' && args[1] === 'ready') resolve();
      if (args[0] === 'exit') seen.ended += 1;
      return handled;
    });
  });
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args) {
    seen.jobs += (args[0] as { sources: string[] }).sources.length;
    postMessage.apply(this, args);
    seen.onJobs(this);
  });
  return seen;
}

/** Makes the list wait, once the thread must have been started, until that is ready. */
function waitIn(backup: Backup, ready: Promise<void>): void {
  const source = backup.files as unknown as Required<FileSource>;
  const list = source.listToRead.bind(source);
  const slowed = async function* (
    ...args: Parameters<typeof list>
  ): AsyncGenerator<readonly BackupFile[], void, undefined> {
    let listed = 0;
    for await (const batch of list(...args)) {
      yield batch;
      listed += batch.length;
      // Something must keep this process alive meanwhile: a thread that does nothing does not.
      if (listed > 2300 && listed < 2600) await Promise.race([ready, new Promise((wake) => setTimeout(wake, 20_000))]);
    }
  };
  Object.assign(source, { listToRead: slowed });
}

async function extract(
  which: string,
  options: ExtractOptions,
  ready?: Promise<void>,
): Promise<{ target: string; report: Promise<ExtractReport> }> {
  const target = await mkdtemp(join(folder, 'out-'));
  const backup = await kit.Backup.open(join(folder, which), which === 'plain' ? {} : { password });
  if (ready !== undefined) waitIn(backup, ready);
  const report = (async () => {
    try {
      return await backup.extract(target, options);
    } finally {
      await backup.close();
    }
  })();
  report.catch(() => undefined);
  return { target, report };
}

/** Everything below a folder: content, time and mode. */
function treeOf(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mtimeMs, mode } = lstatSync(path);
    const content = entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'folder';
    found[path.slice(root.length + 1)] = `${content} ${mtimeMs} ${mode}`;
  }
  return found;
}

/** Files are written side by side, so issues come in any order. */
const sorted = (report: ExtractReport): ExtractReport => ({
  ...report,
  issues: report.issues.toSorted((a, b) =>
    `${a.relativePath} ${a.severity}`.localeCompare(`${b.relativePath} ${b.severity}`),
  ),
});

const modes = process.platform !== 'win32';

describe.skipIf(process.platform === 'win32')('extraction with a second thread', () => {
  it.each(['encrypted', 'plain'])('writes and reports the same as with one (%s)', async (which) => {
    const threads = watchThreads();
    const one = await extract(which, { modes, threads: false });
    const expected = sorted(await one.report);
    expect(threads.jobs).toBe(0);

    let last: unknown;
    const two = await extract(which, { modes, onProgress: (event) => (last = event) }, threads.ready);
    const report = sorted(await two.report);
    expect(threads.jobs).toBeGreaterThan(100);
    expect(threads.ended).toBe(1);
    expect(report).toEqual(expected);
    expect(report.counts['not-extracted']).toBeGreaterThan(10);
    expect(last).toMatchObject({ files: 4000, bytes: report.bytes });
    expect(treeOf(two.target)).toEqual(treeOf(one.target));
  });

  it('stops where the caller aborts, and leaves no half file', async () => {
    const threads = watchThreads();
    const controller = new AbortController();
    threads.onJobs = () => {
      controller.abort(new Error('stop'));
    };
    const { target, report } = await extract('encrypted', { signal: controller.signal }, threads.ready);
    await expect(report).rejects.toThrow('stop');
    expect(threads.jobs).toBeGreaterThan(0);
    expect(threads.ended).toBe(1);
    const left = Object.keys(treeOf(target));
    expect(left.length).toBeLessThan(3900);
    expect(left.filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('goes on alone where the thread dies with work before it', async () => {
    const threads = watchThreads();
    threads.onJobs = (thread) => {
      void thread.terminate();
    };
    const { target, report } = await extract('plain', {}, threads.ready);
    const { files: written, counts } = await report;
    expect(threads.jobs).toBeGreaterThan(0);
    expect(written + counts['not-extracted']).toBe(4000);
    const names = Object.entries(treeOf(target)).filter(([, what]) => !what.startsWith('folder'));
    expect(names).toHaveLength(written);
    expect(names.filter(([name]) => name.endsWith('.part'))).toEqual([]);
  });

  it('has the thread write over files that exist where that is wanted', async () => {
    const threads = watchThreads();
    const first = await extract('plain', { threads: false });
    const expected = sorted(await first.report);
    const backup = await kit.Backup.open(join(folder, 'plain'));
    waitIn(backup, threads.ready);
    const report = await backup.extract(first.target, { onExisting: 'overwrite' });
    await backup.close();
    expect(threads.jobs).toBeGreaterThan(100);
    expect(sorted(report)).toEqual(expected);
  });
});
