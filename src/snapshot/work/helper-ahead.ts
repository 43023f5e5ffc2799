import type { RecordHeader } from '../format/record.js';
import type { Site } from '../store/site.js';
import { startStoreHelper, type StoreHelper } from '../thread/store-helper.js';

/** Files, or their bytes, from which on a second thread is worth its start. */
const [leastFiles, leastBytes] = [2000, 256 * 1024 * 1024];

/** The helper thread of an opening, started before the table is read: one takes about as long as the other. */
export class HelperAhead implements AsyncDisposable {
  readonly #site: Site;
  #helper: StoreHelper | undefined;

  constructor(site: Site) {
    this.#site = site;
  }

  /** The thread, where it was worth it and possible. */
  get helper(): StoreHelper | undefined {
    return this.#helper;
  }

  /** Starts it for a version with this header. */
  readonly begin = ({ files, bytes }: RecordHeader): void => {
    const place = this.#site.local?.place;
    if (place === undefined || (files < leastFiles && bytes < leastBytes)) return;
    this.#helper ??= startStoreHelper(place, place.fs);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#helper?.close();
  }
}
