import type { RecordHeader } from '../format/record.js';
import type { Place } from '../store/place.js';
import { startStoreHelper, type StoreHelper } from './store-helper.js';

/** The helper thread of a work, started before the table of a version is read: one takes about as long as the other. */
export class HelperAhead implements AsyncDisposable {
  readonly #place: Place | undefined;
  readonly #least: { readonly files: number; readonly bytes: number };
  #helper: StoreHelper | undefined;

  /** @param least - files, or bytes of them, from which on a second thread is worth its start */
  constructor(place: Place | undefined, least: { readonly files: number; readonly bytes: number }) {
    this.#place = place;
    this.#least = least;
  }

  /** The thread, where it is worth it and possible. */
  get helper(): StoreHelper | undefined {
    return this.#helper;
  }

  /** Starts it for a version with this header. */
  readonly begin = ({ files, bytes }: RecordHeader): void => {
    if (this.#place === undefined || (files < this.#least.files && bytes < this.#least.bytes)) return;
    this.#helper ??= startStoreHelper(this.#place, this.#place.fs);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#helper?.close();
  }
}
