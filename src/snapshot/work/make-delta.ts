import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { equalBytes } from '../../core/bytes.js';
import { openBlob } from '../blobs/open-blob.js';
import { buildDelta } from '../contents/build-delta.js';
import { openDeltaParts, type DeltaParts } from '../contents/delta-parts.js';
import { openDelta } from '../contents/delta-source.js';
import { mergeDeltas } from '../contents/merge-deltas.js';
import type { FileHasher } from '../fs/hash-file.js';
import { packKinds, type PackEntry } from '../format/pack-format.js';
import { sealEntry, type FileKeys, type StoreKey } from '../seals/seal-format.js';
import { openSealed, plainView } from '../seals/store-seals.js';
import type { PackedEntry } from '../store/packed-entries.js';
import type { Site } from '../store/site.js';
import type { CompactKeys } from './compact-keys.js';
import type { PlacedContent, Superseded } from './compact-plan.js';
import type { DeltaGraph } from './delta-graph.js';
import { hasHash, type PackDraft } from './pack-draft.js';
import { mostlyDiffer } from './sample.js';

/** Where a delta goes, and what is there already. */
interface MakeDeltaOptions extends AbortOptions {
  readonly draft: PackDraft;
  readonly graph: DeltaGraph;
  /** The entry that the delta takes the place of. */
  readonly merged: PackedEntry | undefined;
}

/** A delta that was written and not yet read back. */
interface Written {
  readonly entry: PackEntry;
  readonly key: StoreKey | undefined;
}

/** Share of a content that may differ. */
const limitShare = 0.6;

/** Makes deltas and reads each one back. */
export class DeltaMaker {
  readonly #site: Site;
  readonly #keys: CompactKeys;
  readonly #chainLinks: number;
  readonly #hasher: FileHasher;

  constructor(site: Site, { keys, chainLinks, hasher }: { keys: CompactKeys; chainLinks: number; hasher: FileHasher }) {
    this.#site = site;
    this.#hasher = hasher;
    this.#keys = keys;
    this.#chainLinks = chainLinks;
  }

  /**
   * Adds the delta of a content to the draft, and makes sure that it gives the content. `undefined` where there should be none: too
   * much differs, too many deltas would rest on one another, or it does not give the content.
   */
  async make(content: Superseded, options: MakeDeltaOptions): Promise<PackedEntry | undefined> {
    const { hash, next } = content;
    const { draft, graph } = options;
    if (equalBytes(hash, next.hash) || graph.restsOn(next.hash, hash)) return undefined;
    if (graph.depth(next.hash) + 1 + graph.height(hash) > this.#chainLinks) return undefined;
    const written = (await this.#merge(content, options)) ?? (await this.#compare(content, options));
    if (written === undefined) return undefined;
    const proven = { pack: draft.key, entry: written.entry };
    let isRight = false;
    try {
      isRight = await hasHash(await this.#reopen(proven, written.key, options), hash, this.#hasher);
    } finally {
      if (!isRight) draft.writer.takeBack();
    }
    return isRight ? proven : undefined;
  }

  async #compare(content: Superseded, { draft, signal }: MakeDeltaOptions): Promise<Written | undefined> {
    const { hash, next } = content;
    const files = { target: this.#keys.of(content), base: this.#keys.of(next) };
    const opened: ByteSource[] = [];
    const open = async (place: PlacedContent, fileKey: Uint8Array | undefined): Promise<ByteSource> => {
      const source = plainView(await this.#site.contents.open(place, { signal }), fileKey);
      opened.push(source);
      return source;
    };
    try {
      const old = await open(content, files.target);
      const base = await open(next, files.base);
      if (await mostlyDiffer(old, base, { signal })) return undefined;
      const key = await this.#sealingKey(content, files, { signal });
      if (key === undefined && isSealed(files)) return undefined;
      const entry = await buildDelta({ hash, source: old }, { hash: next.hash, source: base }, draft.writer, {
        ...(key && sealEntry(key, { target: hash, base: next.hash }, files)),
        limitShare,
        signal,
      });
      return entry && { entry, key };
    } finally {
      for (const source of opened) await source.close();
    }
  }

  async #sealingKey({ version }: Superseded, files: FileKeys, options: AbortOptions): Promise<StoreKey | undefined> {
    return isSealed(files) ? await this.#keys.sealing(version.udid, options) : undefined;
  }

  /** Joins the delta that is there with the one that it rests on, where both lead to what has replaced the content. */
  async #merge({ hash, next }: Superseded, { draft, merged, signal }: MakeDeltaOptions): Promise<Written | undefined> {
    const middle = merged?.entry.base;
    if (merged === undefined || middle === undefined) return undefined;
    const below = (await this.#site.packs.entriesOf(middle.hash, { signal })).find(
      ({ entry }) => entry.base !== undefined && equalBytes(entry.base.hash, next.hash),
    );
    if (below === undefined || below.entry.kind !== merged.entry.kind) return undefined;
    const sources: ByteSource[] = [];
    try {
      const [upper, lower] = [
        await this.#openParts(merged, sources, { signal }),
        await this.#openParts(below, sources, { signal }),
      ];
      if (upper === undefined || lower === undefined) return undefined;
      const { key } = upper;
      const files = { target: upper.files?.target, base: lower.files?.base };
      const entry = await mergeDeltas(upper.parts, lower.parts, draft.writer, {
        ...(key && sealEntry(key, { target: hash, base: next.hash }, files)),
        limitShare,
        signal,
      });
      return entry && { entry, key };
    } finally {
      for (const source of sources) await source.close();
    }
  }

  async #openParts(
    packed: PackedEntry,
    sources: ByteSource[],
    options: AbortOptions,
  ): Promise<{ parts: DeltaParts; key: StoreKey | undefined; files: FileKeys | undefined } | undefined> {
    const source = await openBlob(this.#site.blobs, packed.pack, options);
    if (source === undefined) return undefined;
    sources.push(source);
    const seal = packed.entry.kind === packKinds.sealedDelta ? await this.#site.seals.open(packed) : undefined;
    const parts = await openDeltaParts(source, packed.entry, { ...options, part: packed.pack, opener: seal?.opener });
    return { parts, key: seal?.key, files: seal?.files };
  }

  /** The content as a reader of the store will get it. */
  async #reopen(
    packed: PackedEntry,
    key: StoreKey | undefined,
    { draft, signal }: MakeDeltaOptions,
  ): Promise<ByteSource> {
    const { base } = packed.entry;
    if (base === undefined) throw new TypeError('a delta has a base');
    const below = await this.#site.contents.open(base, { signal });
    let pack: ByteSource;
    try {
      pack = draft.readBack();
      if (key !== undefined) return await openSealed(pack, packed, { base: below, key });
    } catch (error) {
      await below.close();
      throw error;
    }
    try {
      return await openDelta(pack, packed.entry, below, { part: packed.pack, ownsPack: true, ownsBase: true });
    } catch (error) {
      await pack.close();
      await below.close();
      throw error;
    }
  }
}

function isSealed({ target, base }: FileKeys): boolean {
  return target !== undefined || base !== undefined;
}
