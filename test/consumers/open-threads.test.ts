/** A version that is opened with a helper thread, which only the build has: the sources open in one. */
import { createHash } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as Kit from '../../src/entry/snapshot.js';
import { editPages, numbers, pagedContent } from '../snapshot/churn.js';
import { treeOf, udid, writeRun } from '../snapshot/support.js';

const built = pathToFileURL(resolve(import.meta.dirname, '../../dist/snapshot.js')).href;
let kit: typeof Kit;
let location: string;
let oldest: string;
/** The oldest version, made in one thread. */
let whole: { tree: Record<string, string>; written: object };

/** More small files than one thread makes alone, 600 of which the next version has in another form, and a database. */
function files(day: number): Record<string, Uint8Array> {
  const contents: Record<string, Uint8Array> = {};
  for (let i = 0; i < 2600; i += 1) {
    const text = `${i} ${i < 600 ? day : 0}\n`;
    contents[`${(i % 64).toString(16).padStart(2, '0')}/${i}`] = Buffer.from(text.repeat(1 + (i % 40)));
  }
  let pages = pagedContent(1000, 1);
  for (let edit = 0; edit < day; edit += 1) pages = editPages(pages, 300, numbers(edit + 1));
  return { ...contents, '3d/sms.db': pages };
}

async function open(
  options: Kit.OpenFolderOptions & { threads?: boolean },
): Promise<{ tree: Record<string, string>; written: object }> {
  const { threads, ...rest } = options;
  await using store = await kit.SnapshotStore.open(location, { threads });
  await using folder = await store.device(udid).openFolder(oldest, { allowCopy: true, ...rest });
  return { tree: await treeOf(folder.path), written: { ...folder.written } };
}

beforeAll(async () => {
  kit = (await import(/* @vite-ignore */ built)) as typeof Kit;
  location = await mkdtemp(join(tmpdir(), 'open-threads-'));
  await using store = await kit.SnapshotStore.open(location, { create: true });
  oldest = (await writeRun(store, udid, files(0))).id;
  for (const day of [1, 2]) await writeRun(store, udid, files(day));
  await store.compact();
  whole = await open({ threads: false });
}, 120_000);

afterAll(async () => {
  await rm(location, { recursive: true, force: true });
});

/** Threads that are not ready yet. */
const starting = new Set<Worker>();
const onWorker = (thread: Worker): void => {
  const end = (): void => {
    starting.delete(thread);
  };
  starting.add(thread);
  thread.once('message', end);
  thread.once('exit', end);
};

beforeEach(() => {
  process.on('worker', onWorker);
  // At its turns this thread waits for the other: on a busy machine it would have done all alone before that had begun.
  const turn = (resume: () => void): void => {
    setTimeout(starting.size > 0 ? turn : resume, 1, resume);
  };
  vi.stubGlobal('setImmediate', turn);
});

afterEach(() => {
  process.off('worker', onWorker);
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** What is asked of helper threads. */
function watchThreads(onAsked?: (thread: Worker, kind: string) => void): { asked: Set<string>; ended: number } {
  const seen = { asked: new Set<string>(), ended: 0 };
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
  const { emit, postMessage } = Worker.prototype;
  vi.spyOn(Worker.prototype, 'emit').mockImplementation(function (this: Worker, ...args) {
    if (args[0] === 'exit') seen.ended += 1;
    return emit.apply(this, args);
  });
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args) {
    const { kind } = args[0] as { kind: string };
    seen.asked.add(kind);
    postMessage.apply(this, args);
    onAsked?.(this, kind);
  });
  return seen;
}

describe('opening a version with a helper thread', () => {
  it('makes what one thread makes', async () => {
    for (const [path, content] of Object.entries(files(0)))
      expect([path, whole.tree[path]?.split(' ')[0]]).toEqual([
        path,
        createHash('sha256').update(content).digest('hex').slice(0, 16),
      ]);
    const seen = watchThreads();
    const reports: unknown[] = [];
    expect(await open({ onProgress: (event) => reports.push(event) })).toEqual(whole);
    expect([...seen.asked].sort()).toEqual(['patch', 'share', 'unpack']);
    expect(seen.ended).toBe(1);
    const totalBytes = Object.values(files(0)).reduce((sum, { length }) => sum + length, 0);
    expect(reports.at(-1)).toEqual({ type: 'write', files: 2601, bytes: totalBytes, totalFiles: 2601, totalBytes });
    const counts = reports.map((event) => (event as { files: number }).files);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  });

  it('is switched off by an option', async () => {
    const seen = watchThreads();
    expect(await open({ threads: false })).toEqual(whole);
    expect(seen.asked.size).toBe(0);
  });

  it.each(['share', 'patch', 'unpack'])('does alone what a thread leaves that dies at "%s"', async (at) => {
    let died = 0;
    watchThreads((thread, kind) => {
      if (kind !== at) return;
      died += 1;
      void thread.terminate();
    });
    expect(await open({})).toEqual(whole);
    expect(died).toBeGreaterThan(0);
  });

  it('does again what a thread has done that dies before it can say so', async () => {
    const lost: string[] = [];
    // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
    const { emit } = Worker.prototype;
    vi.spyOn(Worker.prototype, 'emit').mockImplementation(function (this: Worker, ...args) {
      if (args[0] !== 'message' || args[1] === 'ready') return emit.apply(this, args);
      lost.push(typeof args[1]);
      void this.terminate();
      return true;
    });
    expect(await open({})).toEqual(whole);
    expect(lost.length).toBeGreaterThan(0);
  });

  it.each(['share', 'patch', 'unpack'])('ends and leaves nothing when it is aborted at "%s"', async (at) => {
    const controller = new AbortController();
    const seen = watchThreads((_thread, kind) => {
      if (kind === at) controller.abort(new Error('enough'));
    });
    await expect(open({ signal: controller.signal })).rejects.toThrow('enough');
    expect(seen.ended).toBe(1);
    expect(await readdir(join(location, '.ios-backup-kit/open'))).toEqual([]);
  });

  it('tells of a damaged content as one thread does', async () => {
    const packs = join(location, '.ios-backup-kit/packs');
    const names = (await readdir(packs, { recursive: true })).filter((name) => name.endsWith('.pk'));
    const sizes = await Promise.all(names.map(async (name) => ({ name, size: (await stat(join(packs, name))).size })));
    const { name } = sizes.toSorted((a, b) => a.size - b.size)[0] ?? { name: '' };
    const before = await readFile(join(packs, name));
    const damaged = Buffer.from(before);
    // In the middle of the contents, which lie before the directory.
    damaged.fill(0x55, Math.floor(damaged.length / 4), Math.floor(damaged.length / 2));
    chmodSync(join(packs, name), 0o644);
    writeFileSync(join(packs, name), damaged);
    try {
      const outcome = async (threads: boolean): Promise<unknown> =>
        await open({ threads }).then(
          () => 'opened',
          (error: unknown) => (error as { code: string }).code,
        );
      expect(await outcome(true)).toBe('SNAPSHOT_CORRUPT');
      expect(await outcome(false)).toBe('SNAPSHOT_CORRUPT');
      expect(await readdir(join(location, '.ios-backup-kit/open'))).toEqual([]);
    } finally {
      writeFileSync(join(packs, name), before);
    }
  });
});
