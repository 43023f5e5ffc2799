import { yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { hexEncode } from '../../core/bytes.js';
import { isBackupKitError } from '../../core/errors.js';
import type { PackRows } from '../contents/pack-rows.js';
import { openPackedContent } from '../contents/packed-content.js';
import type { FileHasher } from '../fs/hash-file.js';
import { packKinds } from '../format/pack-format.js';
import type { Lease } from '../leases/lease-manager.js';
import type { WantedContent } from '../store/contents.js';
import { keys } from '../store/keys.js';
import { isKnownKind } from '../store/pack-set.js';
import type { PackedEntry } from '../store/packed-entries.js';
import type { Site } from '../store/site.js';
import { markOfNewest, newestContents, type Newest } from './compact-plan.js';
import { DeltaGraph } from './delta-graph.js';
import { hasHash, PackDraft } from './pack-draft.js';

/** A content whose whole bytes are no longer needed, once the entry that was proven to give it is part of the store. */
interface Pending extends WantedContent {
  /** Name of the pack with the entry. */
  readonly pack: string;
  /** Offset of the entry in it. */
  readonly offset: number;
  /** Bytes that were written for it. */
  readonly written: number;
}

/** Options of {@link Replacement}. */
export interface ReplacementOptions extends AbortOptions {
  /** Held by whoever compacts. */
  readonly alone: Lease;
  readonly hasher: FileHasher;
  /** Bytes after which a pack is full. */
  readonly packBytes: number;
  /** How long to wait for others who work on the store, in milliseconds. */
  readonly wait?: number | undefined;
}

/** Bytes of whole contents that wait to be removed at most: a pack is closed then, so that the disk gets its room. */
const pendingBytes = 2 * 1024 * 1024 * 1024;
/** Number of those at most: each is held in memory until then. */
const pendingContents = 2048;
/** How long to wait for a short work of others, so that compacting can go on, in milliseconds. */
const patienceMs = 10_000;
/** A process that has slept must not go on with what another one has begun. */
const contentsPerCheck = 16;

/** The pack that is being filled, and the whole contents that go when it is part of the store. */
export class Replacement {
  readonly #site: Site;
  readonly #options: ReplacementOptions;
  #shared: Lease | undefined;
  #newest: Newest;
  #draft: PackDraft | undefined;
  /** Bytes and number of contents of the draft that go with it. */
  #drafted = { bytes: 0, count: 0 };
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #isStopped = false;
  #waiting = 0;
  #savedBytes = 0;

  private constructor(site: Site, options: ReplacementOptions, newest: Newest) {
    this.#site = site;
    this.#options = options;
    this.#newest = newest;
  }

  /** Begins to work on the store beside others. */
  static async begin(site: Site, options: ReplacementOptions): Promise<Replacement> {
    const { wait, signal } = options;
    const shared = await share(site, { wait, signal });
    try {
      site.packs.refresh();
      const replacement = new Replacement(site, options, await newestContents(site, { signal }));
      replacement.#shared = shared;
      return replacement;
    } catch (error) {
      await shared.release();
      throw error;
    }
  }

  /** What newest backups use, which stays whole. */
  get newest(): Newest {
    return this.#newest;
  }

  /** Contents that lie in packs by now and still are whole too, because others were at work. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Bytes of whole contents that are gone, less what took their place. */
  get savedBytes(): number {
    return this.#savedBytes;
  }

  /** Whether others are at work for so long that nothing more can be done. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The pack that is being filled. */
  get draft(): PackDraft {
    return (this.#draft ??= new PackDraft(this.#site));
  }

  /** Whether it is time to {@link Replacement.close} the pack. */
  get isFull(): boolean {
    const writer = this.#draft?.writer;
    return (
      writer?.full === true ||
      (writer?.bytes ?? 0) >= this.#options.packBytes ||
      this.#pendingBytes + this.#drafted.bytes >= pendingBytes ||
      this.#pending.length + this.#drafted.count >= pendingContents
    );
  }

  /** Adds a whole content to the draft. It is read back when the pack is closed. */
  async pack({ hash, size }: WantedContent, source: ByteSource): Promise<void> {
    await this.draft.writer.addContent(hash, source, { signal: this.#options.signal });
    this.#drafted.bytes += size;
    this.#drafted.count += 1;
  }

  /** Lets a content go as a whole for an entry that was proven to give it. */
  replace({ hash, size }: WantedContent, { pack, entry }: PackedEntry, written: number): void {
    this.#pending.push({ hash, size, pack, offset: entry.offset, written });
    this.#pendingBytes += size;
  }

  /** Makes the draft part of the store, and removes what is whole besides. */
  async close(): Promise<void> {
    const draft = this.#draft;
    let rows: PackRows | undefined;
    if (draft !== undefined && draft.writer.count > 0) {
      rows = draft.finish();
      await this.#prove(draft, rows);
      await draft.publish(() => {
        this.#options.alone.check();
        this.#shared?.check();
      });
      this.#site.packs.refresh();
    }
    this.discard();
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (pending.length > 0 || rows !== undefined)
      await this.#removeWhole(function* () {
        yield* pending;
        if (draft !== undefined && rows !== undefined) yield* contentsOf(draft.key, rows);
      });
  }

  /** Throws away the pack that is not part of the store. */
  discard(): void {
    this.#draft?.discard();
    this.#draft = undefined;
    this.#drafted = { bytes: 0, count: 0 };
  }

  /** Ends the work on the store. */
  async end(): Promise<void> {
    this.discard();
    await this.#shared?.release();
    this.#shared = undefined;
  }

  /** The entry by which a content is read, where there is no object; with `prove` only if it gives that hash. */
  async firstThatOpens(
    entries: readonly PackedEntry[],
    { prove }: { prove?: Uint8Array } = {},
  ): Promise<PackedEntry | undefined> {
    const { signal, hasher } = this.#options;
    const { packs, contents } = this.#site;
    for (const packed of entries) {
      if (!isKnownKind(packed.entry.kind)) continue;
      let source: ByteSource;
      try {
        source = await packs.openEntry(packed, {
          signal,
          openBase: async (base, options) => await contents.open(base, options),
        });
        if (prove !== undefined) return (await hasHash(source, prove, hasher)) ? packed : undefined;
      } catch (error) {
        if (isBackupKitError(error, 'SNAPSHOT_CORRUPT')) continue;
        if (isBackupKitError(error, 'SNAPSHOT_SECRET_REQUIRED')) return undefined;
        throw error;
      }
      await source.close();
      return packed;
    }
    return undefined;
  }

  /** Reads the whole contents of a pack back. Differences were read back one by one. */
  async #prove(draft: PackDraft, rows: PackRows): Promise<void> {
    const { signal, hasher } = this.#options;
    let pack: ByteSource | undefined;
    try {
      for (let index = 0; index < rows.length; index += 1) {
        if (rows.kind(index) !== packKinds.content) continue;
        pack ??= draft.readBack();
        const source = await openPackedContent(pack, rows.at(index), { part: draft.key, signal });
        if (!(await hasHash(source, rows.target(index), hasher)))
          throw new Error('what was written to a pack is not what was read back');
      }
    } finally {
      await pack?.close();
    }
  }

  /** Removes objects, alone on the store for that moment; while others work on it they stay, for the next compaction. */
  async #removeWhole(pending: () => Iterable<Pending>): Promise<void> {
    const { signal, wait = 0 } = this.#options;
    await this.#shared?.release();
    this.#shared = undefined;
    try {
      const alone = await this.#site.leases.acquire({ scope: 'store', mode: 'exclusive', purpose: 'compact', signal });
      try {
        await this.#removeNow(pending(), alone);
      } finally {
        await alone.release();
      }
    } catch (error) {
      if (!isBackupKitError(error, 'SNAPSHOT_LOCKED')) throw error;
      this.#waiting += [...pending()].length;
    }
    this.#site.packs.refresh();
    try {
      this.#shared = await share(this.#site, { wait: Math.max(wait, patienceMs), signal });
    } catch (error) {
      if (!isBackupKitError(error, 'SNAPSHOT_LOCKED')) throw error;
      this.#isStopped = true;
    }
  }

  async #removeNow(pending: Iterable<Pending>, alone: Lease): Promise<void> {
    const { signal } = this.#options;
    const { packs, blobs } = this.#site;
    // Others may have worked on the store since its shared lease was given back.
    packs.refresh();
    if ((await markOfNewest(this.#site, { signal })) !== this.#newest.mark)
      this.#newest = await newestContents(this.#site, { signal });
    const graph = DeltaGraph.of((await packs.all({ signal })).entries.deltas());
    let going: Pending[] = [];
    const remove = async (): Promise<void> => {
      await yieldToEventLoop(signal);
      this.#options.alone.check();
      alone.check();
      await blobs.delete(going.map(({ hash }) => objectKey(hash)));
      for (const { size, written } of going) this.#savedBytes += size - written;
      going = [];
    };
    for (const content of pending) {
      if (await this.#mayGo(content, graph)) going.push(content);
      else this.#waiting += 1;
      if (going.length >= contentsPerCheck) await remove();
    }
    if (going.length > 0) await remove();
  }

  /** Whether the content is read from what was proven once its object is gone. */
  async #mayGo({ hash, pack, offset }: Pending, graph: DeltaGraph): Promise<boolean> {
    if (this.#newest.contents.has(hash) || graph.restsOn(hash, hash)) return false;
    const { signal } = this.#options;
    const next = await this.#site.packs.placeOf(hash, { signal });
    // It was proven and lies in a pack that was listed just now. A difference rests on something that may have gone since.
    if (next?.kind === packKinds.content && next.pack === pack && next.offset === offset) return true;
    const first = await this.firstThatOpens(await this.#site.packs.entriesOf(hash, { signal }));
    return first?.pack === pack && first.entry.offset === offset;
  }
}

/** The whole contents in a pack. */
function* contentsOf(pack: string, rows: PackRows): Generator<Pending, void, undefined> {
  for (let index = 0; index < rows.length; index += 1) {
    if (rows.kind(index) !== packKinds.content) continue;
    const [hash, size, offset] = [rows.target(index), rows.size(index), rows.offset(index)];
    yield { hash, size, pack, offset, written: rows.entryBytes(index) };
  }
}

async function share(site: Site, options: AbortOptions & { wait: number | undefined }): Promise<Lease> {
  return await site.leases.acquire({ scope: 'store', mode: 'shared', purpose: 'compact', ...options });
}

/** Name of the object of a content. */
export function objectKey(hash: Uint8Array): string {
  return keys.object(hexEncode(hash));
}
