import { HelperThread } from '../../core/helper-thread.js';
import type { FileHash } from '../fs/hash-file.js';
import { nodeFs } from '../fs/node-fs.js';
import { rowKind, type Table } from '../format/table.js';
import type { StoreFs } from '../fs/store-fs.js';
import type { Place } from '../store/place.js';
import type { DetachedFiles } from '../work/packed-rows.js';
import type { HelperAnswers, HelperPlace, HelperRequest, PatchRequest } from './requests.js';

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
  /** The first one. */
  readonly from: number;
  /** Which of them are files now, which are left to the owner, and of which nobody knows, since the thread has died: files may be there. */
  readonly result: Promise<{ made: number[]; left: number[]; unknown: number[] }>;
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

  /** Makes files of the last rows before `end` by links or clones: of those that `isSmall` says. */
  share(
    table: Table,
    end: number,
    { to, share, isSmall }: { to: string; share: 'link' | 'clone'; isSmall: (index: number) => boolean },
  ): SharedRows {
    const from = Math.max(0, end - rowsAtOnce);
    const taken: number[] = [];
    const others: number[] = [];
    for (let index = from; index < end; index += 1)
      (table.kind(index) === rowKind.file && isSmall(index) ? taken : others).push(index);
    const rows = new Uint8Array(Buffer.concat(taken.map((index) => table.rowBytes(index))));
    const result = this.#ask<'share'>({ kind: 'share', to, share, rows, count: taken.length }).then((answer) => {
      if (answer === undefined) return { made: [], left: others, unknown: taken };
      const left = new Set(answer);
      const isLeft = (_row: number, at: number): boolean => left.has(at);
      const made = taken.filter((row, at) => !isLeft(row, at));
      return { made, left: [...others, ...taken.filter(isLeft)], unknown: [] };
    });
    return { from, result };
  }

  /** Lays differences over a copy: whether it has. */
  async patch(request: Omit<PatchRequest, 'kind'>): Promise<boolean> {
    return (await this.#ask<'patch'>({ kind: 'patch', ...request })) === true;
  }

  /** Makes files of whole contents in packs: numbers of those that it has not made; `undefined` where nobody knows. */
  async unpack(files: DetachedFiles): Promise<readonly number[] | undefined> {
    return await this.#ask<'unpack'>({ kind: 'unpack', ...files });
  }

  /** What a file holds; `undefined` where it cannot say. */
  async hash(full: string): Promise<FileHash | undefined> {
    return await this.#ask<'hash'>({ kind: 'hash', full });
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
