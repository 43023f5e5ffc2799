import type { BackupIssue, BackupPhase, BackupProgress, TransferOptions } from '../entry/backup.js';
import { note, type CliContext } from './context.js';
import type { CommonOptions } from './options.js';
import { EventLines } from './output/event-lines.js';
import { ProgressBar } from './output/progress-bar.js';

/** Phases as people see them. */
const phases: Readonly<Record<BackupPhase, string>> = {
  preparing: 'Preparing …',
  negotiating: 'The device is getting ready …',
  'waiting-for-passcode': 'Waiting for the passcode …',
  transferring: 'Transferring',
  finishing: 'Writing to the disk …',
};

/** What people are told where the device waits for them. */
const passcodeRequest = 'Enter the passcode on the device';
const passcodeGuess = 'The device does not answer yet; enter the passcode on it where it asks for that';

/** Shows how a backup, a restore or another request comes on: a line on the terminal, or events with `--json`. */
export class TransferDisplay implements AsyncDisposable {
  readonly #context: CliContext;
  readonly #bar: ProgressBar;
  readonly #events: EventLines;
  readonly #verbose: boolean;
  #problems = 0;
  #phase: BackupPhase = 'preparing';
  #fraction: number | undefined;
  #bytes = 0;
  #path = '';

  constructor(context: CliContext, { json, verbose }: CommonOptions) {
    this.#context = context;
    this.#bar = new ProgressBar(context.errors);
    this.#events = new EventLines(context.output, json === true);
    this.#verbose = verbose === true;
  }

  /** Issues that are none of the usual ones. */
  get problems(): number {
    return this.#problems;
  }

  /** For the options of the call. */
  get callbacks(): Required<Pick<TransferOptions, 'onProgress' | 'onIssue'>> {
    return {
      onProgress: (event) => {
        this.#events.add(event);
        this.#progress(event);
      },
      onIssue: (issue) => {
        this.#events.add({ type: 'issue', ...issue });
        this.#issue(issue);
      },
    };
  }

  /** Writes the result as the last event, where events are wanted. */
  result(result: object): void {
    this.#events.add({ type: 'result', ...result });
  }

  /** Takes the line away. */
  clear(): void {
    this.#bar.clear();
  }

  /** Takes the line away and waits until all events are written. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.clear();
    await this.#events.end();
  }

  #progress(event: BackupProgress): void {
    if (event.type === 'phase') {
      this.#phase = event.phase;
      if (event.phase === 'waiting-for-passcode') this.#say(event.certain === true ? passcodeRequest : passcodeGuess);
    } else if (event.type === 'overall') this.#fraction = event.fraction;
    else ({ bytes: this.#bytes, path: this.#path } = event);
    this.#draw();
  }

  #draw(): void {
    const phase = phases[this.#phase];
    if (this.#phase !== 'transferring') this.#bar.say(phase);
    else
      this.#bar.update({
        bytes: this.#bytes,
        totalBytes: undefined,
        fraction: this.#fraction ?? 0,
        // Without the folder of the device, which is the same for all.
        label: this.#path === '' ? phase : this.#path.slice(this.#path.indexOf('/') + 1),
      });
  }

  #issue({ kind, subject, message }: BackupIssue): void {
    // That files are absent before a first backup is no news.
    if (kind !== 'file-absent') this.#problems += 1;
    else if (!this.#verbose) return;
    this.#say(`issue ${kind} (${subject}): ${message}`);
  }

  #say(text: string): void {
    this.#bar.clear();
    note(this.#context, text);
  }
}
