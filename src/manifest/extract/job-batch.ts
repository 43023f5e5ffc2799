import type { FileJob } from './file-job.js';

const keyBytes = 32;

/** Jobs on their way to another thread: columns, since objects one by one cost far more to copy. */
export interface JobBatch {
  readonly sources: readonly string[];
  readonly temporaries: readonly string[];
  readonly finals: readonly string[];
  readonly statedSizes: readonly (number | undefined)[];
  readonly modified: readonly (number | undefined)[];
  readonly modes: readonly (number | undefined)[];
  /** Keys of all jobs one after the other, in memory of their own, which is moved and not copied; empty in a plain backup. */
  readonly keys: Uint8Array<ArrayBuffer>;
}

/** Whether a job can be part of a {@link JobBatch}: a key of another length opens nothing anyway. */
export function isPackable({ key }: FileJob): boolean {
  return key === undefined || key.length === keyBytes;
}

/** The message for jobs that either all have a key or none. */
export function packJobs(jobs: readonly FileJob[]): JobBatch {
  const encrypted = jobs[0]?.key !== undefined;
  const keys = new Uint8Array(encrypted ? jobs.length * keyBytes : 0);
  if (encrypted) for (const [index, { key }] of jobs.entries()) keys.set(key ?? [], index * keyBytes);
  return {
    sources: jobs.map(({ source }) => source),
    temporaries: jobs.map(({ temporary }) => temporary),
    finals: jobs.map(({ final }) => final),
    statedSizes: jobs.map(({ statedSize }) => statedSize),
    modified: jobs.map(({ modified }) => modified?.getTime()),
    modes: jobs.map(({ mode }) => mode),
    keys,
  };
}

/** The jobs of a message. Their keys are parts of its own. */
export function* unpackJobs(batch: JobBatch): Generator<FileJob, void, undefined> {
  const { temporaries, finals, statedSizes, modified, modes, keys } = batch;
  for (const [index, source] of batch.sources.entries()) {
    const time = modified[index];
    yield {
      source,
      temporary: temporaries[index] ?? '',
      final: finals[index] ?? '',
      statedSize: statedSizes[index],
      modified: time === undefined ? undefined : new Date(time),
      mode: modes[index],
      key: keys.length === 0 ? undefined : keys.subarray(index * keyBytes, (index + 1) * keyBytes),
    };
  }
}

/** How much work a job is, in small files: a call costs as much as some kilobytes. */
export function costOf({ statedSize = 0 }: Pick<FileJob, 'statedSize'>): number {
  return 1 + Math.floor(statedSize / (32 * 1024));
}

/** Place in the memory that both threads have: not 0 when nothing more shall be written. */
export const sharedStop = 0;
/** Place in that memory: cost of all jobs that the second thread has dealt with. */
export const sharedDone = 1;
