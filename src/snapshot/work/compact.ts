import { yieldToEventLoop } from '../../core/abort.js';
import { equalBytes } from '../../core/bytes.js';
import { isBackupKitError } from '../../core/errors.js';
import { progressReporter, type ProgressOptions, type ProgressReporter } from '../../core/progress.js';
import { FileHasher } from '../fs/hash-file.js';
import { nodeFs } from '../fs/node-fs.js';
import { typed } from '../fs/typed.js';
import type { Lease } from '../leases/lease-manager.js';
import type { WantedContent } from '../store/contents.js';
import type { Site } from '../store/site.js';
import { requireLocal, requireWritable, type WaitOptions } from '../store/work-leases.js';
import type { StoreProgress } from '../types.js';
import { CompactKeys } from './compact-keys.js';
import { planCompact, type CompactPlan, type Superseded } from './compact-plan.js';
import { DeltaGraph } from './delta-graph.js';
import { DeltaMaker } from './make-delta.js';
import { objectKey, Replacement } from './replacement.js';
import { compresses } from './sample.js';

/** Sizes of a compaction, smaller ones for tests. @internal */
export interface CompactTuning {
  /** Contents of at least so many bytes become deltas. */
  readonly deltaBytes?: number | undefined;
  /** Deltas that may rest on one another. */
  readonly chainLinks?: number | undefined;
  /** Bytes after which a pack is full. */
  readonly packBytes?: number | undefined;
}

/** Options of making history smaller. */
export interface CompactOptions extends WaitOptions, ProgressOptions<StoreProgress> {
  /** Seconds after which no other content is begun; the next call goes on there. */
  maxSeconds?: number | undefined;
  /** Bytes of contents after which no other one is begun. */
  maxBytes?: number | undefined;
  /** @internal */
  tuning?: CompactTuning | undefined;
}

/** What a compaction has done. */
export interface CompactReport {
  /** Contents that are now the difference to a newer one. */
  readonly deltas: number;
  /** Contents that now lie in a pack, compressed where that helps. */
  readonly packed: number;
  /** Differences that were made anew, so that what they rested on can go with the next purge. */
  readonly merged: number;
  /** Contents that stay whole: too different from the next, not compressible, or encrypted and no secret was given. */
  readonly keptWhole: number;
  /** Contents that lie in packs by now and still are whole too, because others were at work. */
  readonly waiting: number;
  /** Objects whose bytes are not those of their name: nothing was done to them; repair the store. */
  readonly damaged: readonly string[];
  /** Bytes of whole contents that are gone, less what took their place. */
  readonly savedBytes: number;
  /** Duration in seconds. */
  readonly seconds: number;
  /** Whether all was looked at: not where time or bytes were over before. */
  readonly complete: boolean;
}

const deltaBytes = 1024 * 1024;
const chainLinks = 32;
const packBytes = 24 * 1024 * 1024;
const contentsPerTurn = 32;

/**
 * Makes history smaller. What a newest backup uses is left alone. Of all else, big contents become differences to what has
 * replaced them, and small ones move into packs; whatever is written is read back and compared with its hash, and is on the disk
 * under its name, before the whole one goes. May be stopped at any moment.
 */
export async function compactStore(site: Site, options: CompactOptions): Promise<CompactReport> {
  requireWritable(site);
  const { place } = requireLocal(site, 'compacting');
  const { signal, wait } = options;
  const alone = await site.leases.acquire({
    scope: 'store-compact',
    mode: 'exclusive',
    purpose: 'compact',
    signal,
    wait,
  });
  try {
    return await typed(place.folder, 'compacting in', async () => await compact(site, options, alone));
  } finally {
    await alone.release();
  }
}

async function compact(site: Site, options: CompactOptions, alone: Lease): Promise<CompactReport> {
  const { signal, wait } = options;
  const tuning = {
    deltaBytes: options.tuning?.deltaBytes ?? deltaBytes,
    chainLinks: options.tuning?.chainLinks ?? chainLinks,
    packBytes: options.tuning?.packBytes ?? packBytes,
  };
  const hasher = new FileHasher(site.local?.place.fs ?? nodeFs, signal);
  const replacement = await Replacement.begin(site, { alone, hasher, packBytes: tuning.packBytes, wait, signal });
  try {
    return await new Compaction(site, options, { hasher, replacement, tuning }).run();
  } finally {
    await replacement.end();
  }
}

interface CompactionParts {
  readonly hasher: FileHasher;
  readonly replacement: Replacement;
  readonly tuning: Required<{ [K in keyof CompactTuning]: number }>;
}

class Compaction {
  readonly #site: Site;
  readonly #options: CompactOptions;
  readonly #tuning: CompactionParts['tuning'];
  readonly #progress: ProgressReporter<StoreProgress>;
  readonly #start = performance.now();
  readonly #keys: CompactKeys;
  readonly #hasher: FileHasher;
  readonly #replacement: Replacement;
  #graph = new DeltaGraph();
  #doneBytes = 0;
  #deltas = 0;
  #packed = 0;
  #merged = 0;
  #keptWhole = 0;
  readonly #damaged: string[] = [];

  constructor(site: Site, options: CompactOptions, { hasher, replacement, tuning }: CompactionParts) {
    this.#site = site;
    this.#options = options;
    this.#tuning = tuning;
    this.#hasher = hasher;
    this.#replacement = replacement;
    this.#keys = new CompactKeys(site);
    this.#progress = progressReporter(options.onProgress);
  }

  async run(): Promise<CompactReport> {
    const { signal } = this.#options;
    const { newest } = this.#replacement;
    let complete = true;
    try {
      const plan = await planCompact(this.#site, newest, { signal, deltaBytes: this.#tuning.deltaBytes });
      this.#site.records.forget();
      this.#graph = DeltaGraph.of((await this.#site.packs.all({ signal })).entries.deltas());
      complete = await this.#reduceAll(plan);
    } finally {
      this.#keys.wipe();
    }
    return {
      deltas: this.#deltas,
      packed: this.#packed,
      merged: this.#merged,
      keptWhole: this.#keptWhole,
      waiting: this.#replacement.waiting,
      damaged: this.#damaged,
      savedBytes: this.#replacement.savedBytes,
      seconds: (performance.now() - this.#start) / 1000,
      complete,
    };
  }

  async #reduceAll(plan: CompactPlan): Promise<boolean> {
    const { signal } = this.#options;
    await this.#keys.gather(
      plan.large.flatMap((content) => [content, content.next]),
      () => this.#isOver(),
      { signal },
    );
    const maker = new DeltaMaker(this.#site, {
      keys: this.#keys,
      chainLinks: this.#tuning.chainLinks,
      hasher: this.#hasher,
    });
    let done = 0;
    const reduce = async (content: WantedContent, delta: Superseded | undefined): Promise<void> => {
      done += 1;
      if (done % contentsPerTurn === 0) await yieldToEventLoop(signal);
      signal?.throwIfAborted();
      await this.#reduce(content, delta, { plan, maker });
      const progress = { contents: done, totalContents: plan.count, savedBytes: this.#replacement.savedBytes };
      this.#progress.report('compact', () => ({ type: 'compact', ...progress }));
      if (this.#replacement.isFull) await this.#replacement.close();
    };
    for (const delta of plan.large) {
      if (this.#isOver()) break;
      await reduce(delta, delta);
    }
    // Differences and contents lie in packs of their own: they go at different times.
    if (!this.#replacement.isStopped) await this.#replacement.close();
    plan.endLarge();
    for (const content of plan.others()) {
      if (this.#isOver()) break;
      await reduce(content, undefined);
    }
    if (!this.#replacement.isStopped) await this.#replacement.close();
    this.#progress.flush();
    return done === plan.count;
  }

  #isOver(): boolean {
    const { maxSeconds = Infinity, maxBytes = Infinity } = this.#options;
    const isLate = performance.now() - this.#start >= maxSeconds * 1000;
    return this.#replacement.isStopped || isLate || this.#doneBytes >= maxBytes;
  }

  /** Makes one content smaller, as far as that is possible. */
  async #reduce(
    content: WantedContent,
    delta: Superseded | undefined,
    { plan, maker }: { plan: CompactPlan; maker: DeltaMaker },
  ): Promise<void> {
    const { hash, size } = content;
    const { signal } = this.#options;
    if (this.#replacement.newest.contents.has(hash)) return;
    const isWhole = (await this.#site.blobs.head(objectKey(hash), { signal }))?.size === size;
    const entries = (await this.#site.packs.entriesOf(hash, { signal })).filter((packed) => packed.entry.size === size);
    if (isWhole && entries.length > 0) {
      this.#doneBytes += size;
      const proven = await this.#replacement.firstThatOpens(entries, { prove: hash });
      if (proven === undefined) this.#keptWhole += 1;
      else this.#replacement.replace(content, proven, 0);
      return;
    }
    const [only] = entries;
    const rest = only?.entry.base;
    const isUpset = entries.length === 1 && rest !== undefined && !plan.needed.has(rest.hash);
    if (!isWhole && (!isUpset || delta === undefined || equalBytes(rest.hash, delta.next.hash))) return;
    this.#doneBytes += size;
    try {
      if (delta !== undefined) {
        const merged = isWhole ? undefined : only;
        const { draft } = this.#replacement;
        const proven = await maker.make(delta, { draft, graph: this.#graph, merged, signal });
        if (proven !== undefined) {
          this.#graph.add(hash, delta.next.hash);
          if (isWhole) {
            this.#deltas += 1;
            this.#replacement.replace(content, proven, proven.entry.length);
          } else this.#merged += 1;
          return;
        }
      }
      if (isWhole && (await this.#pack(content))) return;
    } catch (error) {
      if (!isBackupKitError(error, 'SNAPSHOT_CORRUPT') && !isBackupKitError(error, 'SNAPSHOT_SECRET_REQUIRED'))
        throw error;
      if (isBackupKitError(error, 'SNAPSHOT_CORRUPT')) this.#damaged.push(objectKey(hash));
    }
    if (isWhole) this.#keptWhole += 1;
  }

  /** Moves a whole content into the pack; `false` where that would not make it smaller. */
  async #pack(content: WantedContent): Promise<boolean> {
    const { signal } = this.#options;
    const source = await this.#site.contents.open(content, { signal });
    try {
      if (content.size >= this.#tuning.deltaBytes && !(await compresses(source, { signal }))) return false;
      await this.#replacement.pack(content, source);
      this.#packed += 1;
      return true;
    } finally {
      await source.close();
    }
  }
}
