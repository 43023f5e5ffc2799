import { HelperThread } from '../../core/helper-thread.js';
import type { FileHashes } from '../fs/hash-live.js';
import { nodeFs } from '../fs/node-fs.js';
import type { Table } from '../format/table.js';
import type { StoreFs } from '../fs/store-fs.js';
import type { Place } from '../store/place.js';
import type { DetachedFiles } from '../work/packed-rows.js';
import type { HelperAnswers, HashRequest, HelperPlace, HelperRequest, PatchRequest } from './requests.js';

/** Rows of one request: some milliseconds of work. */
const rowsAtOnce = 256;
/** Requests that it has before it, so that it need not wait for this thread. */
const requestsAhead = 2;

/** Starts a helper thread; `undefined` where the store is not on this computer's disks, or is not to have one. */
export function startStoreHelper(place: Place | undefined, fs: StoreFs): StoreHelper | undefined {
  // Another disk than Node's cannot be handed to another thread.
  if (place?.threads !== true || place.fs !== nodeFs || fs !== nodeFs) return undefined;
  return new StoreHelper(place);
}

/** Rows that a thread has taken. */
export interface SharedRows {
  /** The first one, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /**
   * Which of the small files among them are not there; `undefined` where nobody knows, since the thread has died: files may be there.
   */
  readonly left: Promise<ReadonlySet<number> | undefined>;
}

/** What {@link StoreHelper.share} is to do. */
export interface ShareOptions {
  /** Full path of the folder to write into. */
  readonly to: string;
  readonly share: 'link' | 'clone';
  /** Size in bytes from which on files are left to the owner, as folders are. */
  readonly below: number;
  /** How many rows; some milliseconds of work by default. */
  readonly rows?: number | undefined;
}

/** A thread that takes a share of the work with files. What it does not do, or nobody knows of, its owner does. */
export class StoreHelper {
  readonly #thread: HelperThread<HelperRequest, HelperAnswers[HelperRequest['kind']]>;
  #pending = 0;

  constructor({ location, folder, placement, timeStepUs }: Place) {
    const data: HelperPlace = { location, folder, placement, timeStepUs };
    this.#thread = new HelperThread(new URL('./store-worker.js', import.meta.url), { data });
  }

  /** Whether it has room for another request. */
  get hasRoom(): boolean {
    return this.#pending < requestsAhead && !this.#thread.isOver;
  }

  /** Makes files of the last rows before `end` by links or clones. */
  share(table: Table, end: number, { rows = rowsAtOnce, ...request }: ShareOptions): SharedRows {
    const from = Math.max(0, end - rows);
    // No view, which would be sent with all that it is a view of.
    const bytes = new Uint8Array(Buffer.concat([...table.runs(from, end)]));
    const left = this.#ask<'share'>({ kind: 'share', ...request, rows: bytes, count: end - from }).then(
      (numbers) => numbers && new Set(numbers.map((number) => from + number)),
    );
    return { from, to: end, left };
  }

  /** Lays differences over a copy: whether it has. */
  async patch(request: Omit<PatchRequest, 'kind'>): Promise<boolean> {
    return (await this.#ask<'patch'>({ kind: 'patch', ...request })) === true;
  }

  /** Makes files of whole contents in packs: numbers of those that it has not made; `undefined` where nobody knows. */
  async unpack(files: DetachedFiles): Promise<readonly number[] | undefined> {
    return await this.#ask<'unpack'>({ kind: 'unpack', ...files });
  }

  /** What files hold; `undefined` where nobody knows. */
  async hash(request: Omit<HashRequest, 'kind'>): Promise<FileHashes | undefined> {
    return await this.#ask<'hash'>({ kind: 'hash', ...request });
  }

  async close(): Promise<void> {
    await this.#thread.close();
  }

  async #ask<Kind extends HelperRequest['kind']>(
    request: HelperRequest & { readonly kind: Kind },
  ): Promise<HelperAnswers[Kind] | undefined> {
    this.#pending += 1;
    try {
      return (await this.#thread.ask(request)) as HelperAnswers[Kind] | undefined;
    } finally {
      this.#pending -= 1;
    }
  }
}
