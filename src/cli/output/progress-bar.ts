import { formatBytes, formatDuration } from './format.js';
import { escapeText, fitText } from './text.js';

/** How far long work has come. */
export interface ProgressState {
  /** Bytes done. */
  readonly bytes: number;
  /** Bytes in all, where known. */
  readonly totalBytes: number | undefined;
  /** The share that is done, 0 to 1, where it does not follow from bytes. */
  readonly fraction?: number | undefined;
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

  #line({ bytes, totalBytes, fraction, label }: ProgressState): string {
    const rate = this.#rate(bytes);
    const speed = rate === undefined ? '' : ` ${formatBytes(rate)}/s`;
    if (fraction !== undefined) return `${share(fraction)} ${formatBytes(bytes)}${speed} ${label}`;
    if (totalBytes === undefined) return `${formatBytes(bytes)}${speed} ${label}`;
    const left =
      rate === undefined || rate === 0 ? '' : ` ${formatDuration(Math.max(0, totalBytes - bytes) / rate)} left`;
    // The sizes in the manifest are not always those of the contents.
    return `${share(totalBytes === 0 ? 1 : bytes / totalBytes)}${speed}${left} ${label}`;
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

function share(fraction: number): string {
  const within = Math.max(0, Math.min(1, fraction));
  const filled = Math.round(within * barWidth);
  return `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${Math.floor(within * 100)} %`;
}
