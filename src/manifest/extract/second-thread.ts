import { HelperThread } from '../../core/helper-thread.js';
import type { FileJob, WrittenJob } from './file-job.js';
import { costOf, isPackable, packJobs, sharedDone, sharedStop, type JobBatch } from './job-batch.js';
import { removeDirectly } from './write-directly.js';

/** Work after which a second thread is worth its start, in small files: 2,000 of them, or 64 MiB. */
const startCost = 2000;
/** Work of one message: copying and waking cost as much as a small file or two. */
const batchCost = 64;
/** Work that the second thread has before it at most. It must last until this thread comes by again, after a file of 1 MiB at worst. */
const mostAhead = 256;

/** What is handed to the second thread, with whatever the owner wants to know when it comes back. */
export interface Task {
  readonly job: FileJob;
}

/** A task that has come back: `undefined` where it was not done, and nothing or all of it may have been written. */
export interface Answer<T extends Task> {
  readonly task: T;
  readonly written: WrittenJob | undefined;
}

type Answered = readonly (WrittenJob | undefined)[];

/**
 * A worker that takes a share of the jobs: whatever it has room for. It is started when there has been enough work to be
 * worth it. Where it cannot be started, or dies, it just takes nothing, and what it had comes back undone.
 */
export class SecondThread<T extends Task> {
  readonly #shared = new Int32Array(new SharedArrayBuffer(8));
  #thread: HelperThread<JobBatch, Answered> | undefined;
  #state: 'resting' | 'starting' | 'ready' | 'over';
  #seen = 0;
  #sent = 0;
  #batch: T[] = [];
  #batchCost = 0;
  /** Number of batches without an answer. */
  #outstanding = 0;
  #answers: Answer<T>[] = [];
  #wake: (() => void) | undefined;

  constructor(options: { enabled: boolean }) {
    this.#state = options.enabled ? 'resting' : 'over';
  }

  /** Takes a task, or leaves it to the caller. */
  take(task: T): boolean {
    const { job } = task;
    if (this.#state === 'over' || !isPackable(job)) return false;
    const cost = costOf(job);
    if (this.#state !== 'ready') {
      this.#seen += cost;
      if (this.#state === 'resting' && this.#seen >= startCost) this.#start();
      return false;
    }
    if (this.#sent + this.#batchCost - Atomics.load(this.#shared, sharedDone) >= mostAhead) return false;
    this.#batch.push(task);
    this.#batchCost += cost;
    if (this.#batchCost >= batchCost) this.#send();
    return true;
  }

  /** What has come back since the last call. Answers arrive when the event loop has a turn. */
  answers(): readonly Answer<T>[] {
    const answers = this.#answers;
    if (answers.length > 0) this.#answers = [];
    return answers;
  }

  /** Waits until everything has come back. */
  async finish(): Promise<void> {
    this.#send();
    while (this.#outstanding > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Ends the thread, after the job that it has in hand, so that nothing is left of that. Tasks that were not begun are dropped. */
  async close(): Promise<void> {
    Atomics.store(this.#shared, sharedStop, 1);
    this.#batch = [];
    this.#batchCost = 0;
    await this.finish();
    this.#state = 'over';
    await this.#thread?.close();
  }

  #start(): void {
    this.#state = 'starting';
    const thread = new HelperThread<JobBatch, Answered>(new URL('./extract-worker.js', import.meta.url), {
      data: this.#shared,
    });
    this.#thread = thread;
    void thread.ready.then((isReady) => {
      if (this.#state === 'starting') this.#state = isReady ? 'ready' : 'over';
    });
  }

  #send(): void {
    const batch = this.#batch;
    if (batch.length === 0 || this.#thread === undefined) return;
    this.#outstanding += 1;
    this.#sent += this.#batchCost;
    this.#batch = [];
    this.#batchCost = 0;
    const message = packJobs(batch.map(({ job }) => job));
    void this.#thread.ask(message, [message.keys.buffer]).then((written) => {
      this.#answered(batch, written);
    });
  }

  #answered(batch: readonly T[], written: Answered | undefined): void {
    if (written === undefined) this.#state = 'over';
    for (const [index, task] of batch.entries()) {
      // What it was writing when it died is removed.
      if (written === undefined) removeDirectly(undefined, task.job.temporary);
      this.#answers.push({ task, written: written?.[index] });
    }
    this.#outstanding -= 1;
    if (this.#outstanding === 0) this.#wake?.();
  }
}
