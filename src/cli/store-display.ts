import type { StoreProgress } from '../entry/snapshot.js';
import type { CliContext } from './context.js';
import { formatBytes } from './output/format.js';
import { ProgressBar } from './output/progress-bar.js';

/** Shows on a terminal how long work on a store comes on. */
export class StoreDisplay implements Disposable {
  readonly #bar: ProgressBar;

  constructor({ errors }: CliContext) {
    this.#bar = new ProgressBar(errors);
  }

  /** For `onProgress`. */
  readonly show = (event: StoreProgress): void => {
    if (event.type === 'scan' || event.type === 'write') {
      const label = event.type === 'scan' ? 'Looking for changes' : 'Writing files';
      this.#bar.update({ bytes: event.bytes, totalBytes: event.totalBytes, label });
      return;
    }
    if (event.type === 'store') this.#bar.say(`Keeping what is new: ${event.files} of ${event.totalFiles} files`);
    else if (event.type === 'check')
      this.#bar.say(`Checking: ${event.parts} of ${event.totalParts} parts, ${formatBytes(event.bytes)}`);
    else
      this.#bar.say(
        `Making history smaller: ${event.contents} of ${event.totalContents} contents, ${formatBytes(event.savedBytes)} saved`,
      );
  };

  /** Shows a text instead. */
  say(text: string): void {
    this.#bar.say(text);
  }

  /** Takes the line away. */
  clear(): void {
    this.#bar.clear();
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}
