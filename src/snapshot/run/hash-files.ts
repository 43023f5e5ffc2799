import { abortable, yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import { FileHasher } from '../fs/hash-file.js';
import { hashLive, hashState, unreadHashes, type FileHashes, type FileToHash } from '../fs/hash-live.js';
import { hashBytes } from '../format/table.js';
import type { Place } from '../store/place.js';
import { startStoreHelper, type StoreHelper } from '../thread/store-helper.js';

/** Files, or their bytes, from which on a second thread is worth its start. */
const [leastFiles, leastBytes] = [2000, 64 * 1024 * 1024];
/** What one message to the helper has at most, some 10 ms of work, unless it is one file. */
const [filesAtOnce, bytesAtOnce] = [256, 16 * 1024 * 1024];
/** After so much the owner looks whether the helper needs more. */
const [filesPerTurn, bytesPerTurn] = [64, 4 * 1024 * 1024];

/** Options of {@link hashFiles}. */
export interface HashFilesOptions extends AbortOptions {
  /** Full path of the folder in which the files lie. */
  readonly root: string;
  /** Told of each file that has been read, in no order. */
  readonly onRead: (file: FileToHash) => void;
}

/**
 * SHA-256 of files, in the order of `files`. This thread comes from the front; a helper thread, where files are many or large, takes
 * the largest ones first, so that nobody waits for one at the end, and then comes from the end. What it cannot read is read here.
 */
export async function hashFiles(
  place: Place,
  files: readonly FileToHash[],
  options: HashFilesOptions,
): Promise<FileHashes> {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const isWorthIt = files.length >= leastFiles || bytes >= leastBytes;
  const helper = isWorthIt ? startStoreHelper(place, place.fs) : undefined;
  try {
    return await new Hashing(place, files, { ...options, helper }).run();
  } finally {
    await helper?.close();
  }
}

class Hashing {
  readonly #place: Place;
  readonly #files: readonly FileToHash[];
  readonly #options: HashFilesOptions & { readonly helper: StoreHelper | undefined };
  readonly #hasher: FileHasher;
  readonly #all: FileHashes;
  /** Files that somebody reads or has read. */
  readonly #isTaken: Uint8Array;
  /** Large ones, the largest one last. */
  readonly #large: number[] = [];
  /** The first one that the helper has come to from the end. */
  #end: number;
  /** Answers that are awaited. */
  readonly #answers = new Set<Promise<void>>();

  constructor(
    place: Place,
    files: readonly FileToHash[],
    options: HashFilesOptions & { readonly helper: StoreHelper | undefined },
  ) {
    this.#place = place;
    this.#files = files;
    this.#options = options;
    this.#hasher = new FileHasher(place.fs, options.signal);
    this.#all = unreadHashes(files.length);
    this.#isTaken = new Uint8Array(files.length);
    this.#end = files.length;
    for (const [index, { size }] of files.entries()) if (size >= bytesAtOnce) this.#large.push(index);
    this.#large.sort((a, b) => this.#sizeOf(a) - this.#sizeOf(b));
  }

  async run(): Promise<FileHashes> {
    const { signal } = this.#options;
    let [count, bytes] = [0, 0];
    this.#handOut();
    for (const [index, { size }] of this.#files.entries()) {
      if (this.#isTaken[index] === 1) continue;
      this.#isTaken[index] = 1;
      await this.#read(index);
      count += 1;
      bytes += size;
      if (count < filesPerTurn && bytes < bytesPerTurn) continue;
      [count, bytes] = [0, 0];
      await yieldToEventLoop(signal);
    }
    for (const answer of this.#answers) await abortable(answer, signal);
    // What the helper has left.
    for (const [index, state] of this.#all.states.entries()) if (state === hashState.unread) await this.#read(index);
    signal?.throwIfAborted();
    return this.#all;
  }

  async #read(index: number): Promise<void> {
    const { path, modifiedUs } = this.#fileAt(index);
    const full = `${this.#options.root}/${path}`;
    await hashLive(this.#place.fs, this.#hasher, { full, modifiedUs, index, into: this.#all });
    this.#options.onRead(this.#fileAt(index));
  }

  /** Gives the helper something to do while it has room. */
  #handOut(): void {
    const { helper } = this.#options;
    if (helper === undefined) return;
    for (let batch = this.#nextBatch(helper); batch !== undefined; batch = this.#nextBatch(helper)) {
      const answer = this.#ask(helper, batch).then(() => {
        this.#answers.delete(answer);
        this.#handOut();
      });
      this.#answers.add(answer);
      // Seen at the end, or after something else has failed: what is told of files may throw.
      answer.catch(() => undefined);
    }
  }

  /** Files for one message; `undefined` where there are none left, or the helper has enough. */
  #nextBatch(helper: StoreHelper): number[] | undefined {
    if (!helper.hasRoom) return undefined;
    for (let large = this.#large.pop(); large !== undefined; large = this.#large.pop())
      if (this.#take(large)) return [large];
    const batch: number[] = [];
    for (let bytes = 0; this.#end > 0 && batch.length < filesAtOnce && bytes < bytesAtOnce;) {
      this.#end -= 1;
      if (!this.#take(this.#end)) continue;
      batch.push(this.#end);
      bytes += this.#sizeOf(this.#end);
    }
    return batch.length === 0 ? undefined : batch;
  }

  #take(index: number): boolean {
    if (this.#isTaken[index] === 1) return false;
    this.#isTaken[index] = 1;
    return true;
  }

  async #ask(helper: StoreHelper, indices: readonly number[]): Promise<void> {
    const files = indices.map((index) => this.#fileAt(index));
    const answer = await helper.hash({
      root: this.#options.root,
      files: files.map(({ path, modifiedUs }) => ({ path, modifiedUs })),
    });
    if (answer === undefined) return;
    for (const [at, index] of indices.entries()) {
      const state = answer.states[at] ?? hashState.unread;
      if (state === hashState.unread) continue;
      this.#all.states[index] = state;
      this.#all.sizes[index] = answer.sizes[at] ?? 0;
      this.#all.hashes.set(answer.hashes.subarray(at * hashBytes, (at + 1) * hashBytes), index * hashBytes);
      this.#options.onRead(this.#fileAt(index));
    }
  }

  #sizeOf(index: number): number {
    return this.#fileAt(index).size;
  }

  #fileAt(index: number): FileToHash {
    const file = this.#files[index];
    if (file === undefined) throw new RangeError(`There is no file ${index}`);
    return file;
  }
}
