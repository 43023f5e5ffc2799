import type { ByteSource } from '../../core/byte-source.js';

/** A {@link ByteSource} that can be read without waiting. */
export type SyncSource = ByteSource & Required<Pick<ByteSource, 'readSync'>>;

/** Whether a source can be read without waiting. */
export function isSyncSource(source: ByteSource): source is SyncSource {
  return source.readSync !== undefined;
}

const windowCount = 8;
const smallestWindow = 4 * 1024;
const largestWindow = 64 * 1024;

interface Window {
  start: number;
  end: number;
  bytes: Uint8Array;
}

/**
 * Reads a source through a few windows. A window that is read on from its end grows up to 64 KiB, so scans cost few
 * reads (and few decryptions), while lookups here and there cost little more than what they ask for. Several scans may
 * be under way at once. Holds 512 KiB at most.
 */
export class ReadAhead {
  readonly #source: SyncSource;
  /** Least recently used first. */
  readonly #windows: Window[] = [];

  constructor(source: SyncSource) {
    this.#source = source;
  }

  /** Size of the source in bytes. */
  get size(): number {
    return this.#source.size;
  }

  /** Fills `target` from `offset` on and returns the number of bytes, less than its length only at the end of the data. */
  read(offset: number, target: Uint8Array): number {
    const end = offset + target.length;
    const at = this.#windows.findLastIndex((window) => offset >= window.start && offset < window.end);
    let window = this.#windows[at];
    if (window !== undefined && (end <= window.end || window.end >= this.#source.size)) {
      if (at !== this.#windows.length - 1) this.#touch(at);
    } else {
      if (target.length >= largestWindow) return this.#source.readSync(offset, target);
      window = this.#load(offset, target.length);
    }
    const length = Math.max(0, Math.min(end, window.end) - offset);
    target.set(window.bytes.subarray(offset - window.start, offset - window.start + length));
    return length;
  }

  #load(offset: number, needed: number): Window {
    const at = this.#windows.findLastIndex(
      (window) => offset >= window.start && offset <= window.end + window.bytes.length,
    );
    const previous = at < 0 ? undefined : this.#touch(at);
    const wanted = Math.max(
      needed,
      previous === undefined ? smallestWindow : Math.min(previous.bytes.length * 2, largestWindow),
    );
    const window = previous ?? (this.#windows.length < windowCount ? this.#add() : this.#touch(0));
    if (window.bytes.length < wanted) window.bytes = new Uint8Array(wanted);
    // A failed read must leave nothing behind that looks like data.
    window.start = window.end = 0;
    const filled = this.#source.readSync(offset, window.bytes.subarray(0, wanted));
    window.start = offset;
    window.end = offset + filled;
    return window;
  }

  #add(): Window {
    const window = { start: 0, end: 0, bytes: new Uint8Array(0) };
    this.#windows.push(window);
    return window;
  }

  #touch(index: number): Window {
    const [window] = this.#windows.splice(index, 1) as [Window];
    this.#windows.push(window);
    return window;
  }
}
