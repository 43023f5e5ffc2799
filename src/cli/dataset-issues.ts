import type { DatasetIssue } from '../entry/datasets.js';
import { note, type CliContext } from './context.js';
import type { CommonOptions } from './options.js';

/** Collects the issues of a dataset: all of them are told with `--verbose`, else their number when it has ended. */
export class IssueNotes {
  readonly #context: CliContext;
  readonly #verbose: boolean;
  #count = 0;

  constructor(context: CliContext, { verbose }: CommonOptions) {
    this.#context = context;
    this.#verbose = verbose === true;
  }

  /** For `onIssue`. */
  readonly add = ({ kind, table, rowId, field, message }: DatasetIssue): void => {
    this.#count += 1;
    if (!this.#verbose) return;
    const place = [table, rowId, field].filter((part) => part !== undefined).join(' ');
    note(this.#context, `issue ${kind} (${place}): ${message}`);
  };

  /** Says how many there were. */
  end(): void {
    if (this.#count === 0 || this.#verbose) return;
    const what = this.#count === 1 ? '1 field or row' : `${this.#count} fields or rows`;
    note(this.#context, `ios-backup: ${what} could not be decoded in full; --verbose lists them`);
  }
}
