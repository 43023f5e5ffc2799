/**
 * The second thread of an extraction: does jobs, and only tells which are done. What is odd about the others is found again,
 * and reported, by the main thread. An entry of the package's build, which no code imports: `second-thread.ts` starts it.
 *
 * @packageDocumentation
 */
import { parentPort, workerData } from 'node:worker_threads';
import { readyToRelease } from '../../core/release-bytes.js';
import { JobRunner, type FileJob, type WrittenJob } from './file-job.js';
import { costOf, sharedDone, sharedStop, unpackJobs, type JobBatch } from './job-batch.js';

const shared = workerData as Int32Array;
const runner = new JobRunner();

function run(job: FileJob): WrittenJob | undefined {
  try {
    return Atomics.load(shared, sharedStop) === 0 ? runner.run(job) : undefined;
  } catch {
    return undefined;
  } finally {
    Atomics.add(shared, sharedDone, costOf(job));
  }
}

parentPort?.on('message', (batch: JobBatch) => {
  const written = Array.from(unpackJobs(batch), run);
  batch.keys.fill(0);
  parentPort?.postMessage(written, []);
});
void readyToRelease().then(() => parentPort?.postMessage('ready', []));
