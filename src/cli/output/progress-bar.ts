import { formatBytes, formatDuration } from './format.js';
import { escapeText, fitText } from './text.js';

/** How far long work has come. */
export interface ProgressState {
  /** Bytes done. */
  readonly bytes: number;
  /** Bytes in all, where known. */
  readonly totalBytes: number | undefined;
  /** What is in work, for people. */
  readonly label: string;
}

const barWidth = 24;
/** Milliseconds over which the rate is evened out. */
const rateWindowMs = 5000;

/** A line at the bottom of the terminal with a bar, the rate and the time that is left. Without a terminal nothing is written. */
export class ProgressBar {
  readonly #stream: NodeJS.WriteStream;
  readonly #now: () => number;
  #samples: { at: number; bytes: number }[] = [];
  #isShown = false;

  constructor(stream: NodeJS.WriteStream, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
  }

  /** Draws the line anew. */
  update(state: ProgressState): void {
    this.say(this.#line(state));
  }

  /** Shows a text in place of the bar. */
  say(text: string): void {
    if (!this.#stream.isTTY) return;
    const width = (this.#stream.columns > 0 ? this.#stream.columns : 80) - 1;
    this.#stream.write(`\r${fitText(escapeText(text), width)}\u001b[K`);
    this.#isShown = true;
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#isShown) this.#stream.write('\r\u001b[K');
    this.#isShown = false;
  }

  #line({ bytes, totalBytes, label }: ProgressState): string {
    const rate = this.#rate(bytes);
    const speed = rate === undefined ? '' : ` ${formatBytes(rate)}/s`;
    if (totalBytes === undefined) return `${formatBytes(bytes)}${speed} ${label}`;
    // The sizes in the manifest are not always those of the contents.
    const fraction = totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes);
    const filled = Math.round(fraction * barWidth);
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
    const left =
      rate === undefined || rate === 0 ? '' : ` ${formatDuration(Math.max(0, totalBytes - bytes) / rate)} left`;
    return `${bar} ${Math.floor(fraction * 100)} %${speed}${left} ${label}`;
  }

  /** Bytes a second over the last seconds. */
  #rate(bytes: number): number | undefined {
    const at = this.#now();
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) > rateWindowMs) this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || at - first.at < 200) return undefined;
    return ((bytes - first.bytes) / (at - first.at)) * 1000;
  }
}
