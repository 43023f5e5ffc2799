import type { AbortOptions } from '../core/abort.js';
import { progressReporter, type ProgressOptions } from '../core/progress.js';
import type { BackupIssue, RequestEvents } from './request-server.js';

/** What is going on. */
export type BackupPhase =
  | 'preparing' /* looking at the device and at the last backup, waiting for other programs */
  | 'negotiating' /* the device was asked and thinks */
  | 'waiting-for-passcode'
  | 'transferring'
  | 'finishing'; /* writing to the disk what is complete */

/** Progress of a backup or a restore. */
export type BackupProgress =
  | {
      /** Something else is going on from here on. */
      readonly type: 'phase';
      /** The phase that has begun. */
      readonly phase: BackupPhase;
      /**
       * With `waiting-for-passcode`: whether the device has said that it asks for its passcode, or is only silent, as it also is
       * while it collects what to send.
       */
      readonly certain?: boolean | undefined;
    }
  | {
      /** The device has said how far it is. */
      readonly type: 'overall';
      /** How far the device says that it is, 0 to 1. It can go back between phases. */
      readonly fraction: number;
    }
  | {
      /** Content has gone over the wire. */
      readonly type: 'transfer';
      /** The file that goes over the wire, as a path in the backup. */
      readonly path: string;
      /** Bytes of content so far, of the whole request. */
      readonly bytes: number;
      /** Bytes of content so far, of the current batch. */
      readonly batchBytes: number;
      /** Bytes that the device has announced for the batch. `undefined` where it has not, and while files are sent to it. */
      readonly batchTotal: number | undefined;
    };

/** Options of calls in which files are transferred. */
export interface TransferOptions extends AbortOptions, ProgressOptions<BackupProgress> {
  /** Called for everything that did not go as it should have and did not end the request. */
  onIssue?: ((issue: BackupIssue) => void) | undefined;
}

/** A silence of the device after which it probably waits for its passcode, in milliseconds. */
const silenceMs = 3000;

/** Turns what happens in one request into progress and issues. */
export class TransferRun implements RequestEvents {
  /** How often an issue was reported. */
  issues = 0;
  /** Aborts with the caller's signal, and where a callback of the caller's throws outside of its call. */
  readonly signal: AbortSignal;
  readonly #failed = new AbortController();
  readonly #onIssue: TransferOptions['onIssue'];
  readonly #reporter;
  #bytes = 0;
  #batchBytes = 0;
  #batchTotal: number | undefined;
  #phase: BackupPhase | undefined;
  #silence: NodeJS.Timeout | undefined;

  constructor(options: TransferOptions) {
    this.signal = AbortSignal.any([this.#failed.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    this.#onIssue = options.onIssue;
    this.#reporter = progressReporter(options.onProgress);
  }

  /** Reports a phase, unless it is the current one. */
  phase(phase: BackupPhase, certain?: boolean): void {
    if (this.#phase === phase) return;
    this.#phase = phase;
    this.#reporter.force('phase', () => ({ type: 'phase', phase, ...(certain !== undefined && { certain }) }));
  }

  /** Says so where the device stays silent. */
  awaitFirst(): void {
    const say = (): void => {
      try {
        this.phase('waiting-for-passcode', false);
      } catch (error) {
        this.#failed.abort(error);
      }
    };
    this.#silence = setTimeout(say, silenceMs).unref();
  }

  /** The whole request is done. */
  complete(): void {
    this.#reporter.force('overall', () => ({ type: 'overall', fraction: 1 }));
  }

  /** No more waiting. */
  end(): void {
    clearTimeout(this.#silence);
  }

  onMessage(): void {
    clearTimeout(this.#silence);
    this.#batchBytes = 0;
    this.phase('transferring');
  }

  onOverall(fraction: number): void {
    this.#reporter.report('overall', () => ({ type: 'overall', fraction }));
  }

  onBytes(path: string, bytes: number, batchTotal: number | undefined): void {
    this.#bytes += bytes;
    this.#batchBytes += bytes;
    this.#batchTotal = batchTotal;
    this.#reporter.report('transfer', () => ({
      type: 'transfer',
      path,
      bytes: this.#bytes,
      batchBytes: this.#batchBytes,
      batchTotal: this.#batchTotal,
    }));
  }

  onIssue(issue: BackupIssue): void {
    this.issues += 1;
    this.#onIssue?.(issue);
  }
}
