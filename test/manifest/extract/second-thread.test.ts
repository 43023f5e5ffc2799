import { Worker } from 'node:worker_threads';
import { afterEach, expect, test, vi } from 'vitest';
import type { FileJob } from '../../../src/manifest/extract/file-job.js';
import { isPackable, packJobs, unpackJobs } from '../../../src/manifest/extract/job-batch.js';
import { SecondThread } from '../../../src/manifest/extract/second-thread.js';

const job: FileJob = {
  source: '/backup/ab/abcd',
  temporary: '/out/.x-1.part',
  final: '/out/a',
  key: undefined,
  statedSize: 5,
  modified: new Date(1_500_000_000_123),
  mode: 0o644,
};

afterEach(() => {
  vi.restoreAllMocks();
});

test('jobs arrive as they were sent', () => {
  const sparse = { ...job, statedSize: undefined, modified: undefined, mode: undefined };
  expect([...unpackJobs(packJobs([job, sparse]))]).toEqual([job, sparse]);
  const withKeys = [1, 2, 3].map((n) => ({ ...job, key: new Uint8Array(32).fill(n) }));
  expect([...unpackJobs(packJobs(withKeys))]).toEqual(withKeys);
});

test('a key of an odd length stays with the thread that tells of it', () => {
  expect(isPackable({ ...job, key: new Uint8Array(32) })).toBe(true);
  expect(isPackable({ ...job, key: new Uint8Array(16) })).toBe(false);
});

/** Offers work until a thread has been started. */
function startWith(second: SecondThread<{ job: FileJob }>): Worker | undefined {
  let worker: Worker | undefined;
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
  const { unref } = Worker.prototype;
  vi.spyOn(Worker.prototype, 'unref').mockImplementation(function (this: Worker) {
    // oxlint-disable-next-line unicorn/no-this-assignment, typescript/no-this-alias -- the worker is nobody else's
    worker = this;
    unref.call(this);
  });
  for (let taken = 0; taken < 1999; taken += 1) expect(second.take({ job })).toBe(false);
  expect(worker).toBeUndefined();
  expect(second.take({ job })).toBe(false);
  return worker;
}

test('is started after so much work, and takes nothing where it cannot be: the sources have no file for it', async () => {
  const second = new SecondThread<{ job: FileJob }>({ enabled: true });
  const worker = startWith(second);
  if (worker === undefined) throw new Error('No thread was started');
  await new Promise((resolve) => worker.once('exit', resolve));
  expect(second.take({ job })).toBe(false);
  await second.finish();
  expect(second.answers()).toEqual([]);
  await second.close();
});

test('is never started where that is switched off', () => {
  expect(startWith(new SecondThread({ enabled: false }))).toBeUndefined();
});
