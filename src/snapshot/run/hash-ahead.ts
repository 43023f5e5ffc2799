import { abortable, type AbortOptions } from '../../core/abort.js';
import type { FileHash } from '../fs/hash-file.js';
import type { Place } from '../store/place.js';
import { startStoreHelper, type StoreHelper } from '../thread/store-helper.js';

/** Files from this size on, in bytes, are worth a message. */
const leastBytes = 256 * 1024;
/** Bytes in such files from which on a second thread is worth its start. */
const bytesForHelper = 64 * 1024 * 1024;

/** A file that is to be read. */
export interface FileToHash {
  /** Full path. */
  readonly full: string;
  /** Size in bytes. */
  readonly size: number;
}

/** Lets a helper thread hash large ones of some files, the last ones first, while its owner comes from the front. */
export function startHashAhead(
  place: Place,
  files: Iterable<FileToHash>,
  options: AbortOptions,
): HashAhead | undefined {
  const large: string[] = [];
  let bytes = 0;
  for (const { full, size } of files) {
    if (size < leastBytes) continue;
    large.push(full);
    bytes += size;
  }
  const helper = bytes < bytesForHelper ? undefined : startStoreHelper(place, place.fs);
  return helper && new HashAhead(helper, large, options);
}

/** What a helper thread hashes. */
export class HashAhead implements AsyncDisposable {
  readonly #helper: StoreHelper;
  readonly #signal: AbortSignal | undefined;
  /** Those that nobody has taken, in order. */
  readonly #files: string[];
  /** The first of those. */
  #next = 0;
  readonly #taken = new Map<string, Promise<FileHash | undefined>>();

  constructor(helper: StoreHelper, files: string[], { signal }: AbortOptions) {
    this.#helper = helper;
    this.#files = files;
    this.#signal = signal;
    this.#handOut();
  }

  /** The hash of a file if the helper has taken it, and can say; `undefined` for a file that its owner has to read. */
  async take(full: string): Promise<FileHash | undefined> {
    if (this.#files[this.#next] === full) this.#next += 1;
    const taken = this.#taken.get(full);
    if (taken === undefined) return undefined;
    this.#taken.delete(full);
    return await abortable(taken, this.#signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#next = this.#files.length;
    await this.#helper.close();
  }

  #handOut(): void {
    while (this.#helper.hasRoom && this.#next < this.#files.length) {
      const full = this.#files.pop() ?? '';
      const taken = this.#helper.hash(full);
      this.#taken.set(full, taken);
      void taken.then(() => {
        this.#handOut();
      });
    }
  }
}
