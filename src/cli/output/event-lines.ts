import { toJsonLine } from './json.js';
import type { Output } from './output.js';

/** Lines of JSON for events that come from calls that do not wait; in order, and none where they are not wanted. */
export class EventLines {
  readonly #output: Output;
  readonly #isWanted: boolean;
  #written: Promise<void> = Promise.resolve();

  constructor(output: Output, isWanted: boolean) {
    this.#output = output;
    this.#isWanted = isWanted;
  }

  /** Writes an event after those before it. */
  add(event: unknown): void {
    if (!this.#isWanted) return;
    const line = `${toJsonLine(event)}\n`;
    this.#written = this.#written.then(async () => await this.#output.write(line));
    // Told by `end()`, and by the output's own signal before.
    this.#written.catch(() => undefined);
  }

  /** Waits until all are written. @throws what writing them threw */
  async end(): Promise<void> {
    await this.#written;
  }
}
