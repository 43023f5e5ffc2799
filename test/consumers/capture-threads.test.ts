/** Large files that are hashed with a helper thread, which only the build has: the sources read in one. */
import { randomFillSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as Kit from '../../src/entry/snapshot.js';
import { udid } from '../snapshot/support.js';

const built = pathToFileURL(resolve(import.meta.dirname, '../../dist/snapshot.js')).href;
let kit: typeof Kit;
let location: string;

beforeAll(async () => {
  kit = (await import(/* @vite-ignore */ built)) as typeof Kit;
});

beforeEach(async () => {
  location = await mkdtemp(join(tmpdir(), 'capture-threads-'));
  const content = randomFillSync(Buffer.alloc(3 * 1024 * 1024));
  for (let file = 0; file < 30; file += 1) {
    const folder = join(location, udid, (file % 8).toString(16).padStart(2, '0'));
    mkdirSync(folder, { recursive: true });
    content.writeUInt32LE(file);
    writeFileSync(join(folder, `large-${file}`), content);
    writeFileSync(join(folder, `small-${file}`), `${file}`);
  }
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(location, { recursive: true, force: true });
});

/** What is asked of helper threads. */
function watchThreads(onAsked?: (thread: Worker) => void): { asked: number } {
  const seen = { asked: 0 };
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
  const { postMessage } = Worker.prototype;
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args) {
    expect(args[0]).toMatchObject({ kind: 'hash' });
    seen.asked += 1;
    postMessage.apply(this, args);
    onAsked?.(this);
  });
  return seen;
}

/** Captures, and compares every hash with what the files hold. */
async function captureAndVerify(options: Kit.OpenSnapshotStoreOptions = {}): Promise<void> {
  await using store = await kit.SnapshotStore.open(location, { create: true, ...options });
  const version = await store.device(udid).capture();
  expect(version.files).toBe(60);
  const found: unknown[] = [];
  for await (const finding of store.verify({ level: 'full' })) found.push(finding);
  expect(found).toEqual([]);
}

describe('capturing with a helper thread', () => {
  it('knows what each file holds', async () => {
    const seen = watchThreads();
    await captureAndVerify();
    expect(seen.asked).toBeGreaterThan(1);
  });

  it('is switched off by an option', async () => {
    const seen = watchThreads();
    await captureAndVerify({ threads: false });
    expect(seen.asked).toBe(0);
  });

  it('reads alone what a thread leaves that dies', async () => {
    const seen = watchThreads((thread) => {
      if (seen.asked === 2) void thread.terminate();
    });
    await captureAndVerify();
    expect(seen.asked).toBeGreaterThan(1);
  });

  it('ends when it is aborted, without a version', async () => {
    const controller = new AbortController();
    watchThreads(() => {
      controller.abort(new Error('enough'));
    });
    await using store = await kit.SnapshotStore.open(location, { create: true });
    await expect(store.device(udid).capture({ signal: controller.signal })).rejects.toThrow('enough');
    expect(await store.device(udid).list()).toEqual([]);
  });

  it('rejects with what the report of progress throws, whoever has read the file', async () => {
    await using store = await kit.SnapshotStore.open(location, { create: true });
    const onProgress = (event: Kit.StoreProgress): void => {
      if (event.type === 'scan' && event.files > 5) throw new Error('no more of this');
    };
    await expect(store.device(udid).capture({ onProgress })).rejects.toThrow('no more of this');
    expect(await store.device(udid).list()).toEqual([]);
  });
});
