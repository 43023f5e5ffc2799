import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { hexEncode } from '../../core/bytes.js';
import { isBackupKitError, SnapshotError } from '../../core/errors.js';
import type { BlobInfo, BlobStore } from '../blobs/blob-store.js';
import { openBlob } from '../blobs/open-blob.js';
import { openDelta } from '../contents/delta-source.js';
import { HashIndex } from '../contents/hash-index.js';
import { readPackRows } from '../contents/pack-directory.js';
import type { PackRows } from '../contents/pack-rows.js';
import { openPackedContent } from '../contents/packed-content.js';
import { isDeltaKind, packKinds } from '../format/pack-format.js';
import type { ContentPlace, OpenContentOptions, WantedContent } from './contents.js';
import { PackedEntries, type PackedEntry, type PackedPlace } from './packed-entries.js';

/** Opens what only those can read who have the key of a backup. */
export interface SealedContents {
  /**
   * Makes the stored content of a sealed delta again, laid over its base. Takes both sources over, also where it fails.
   *
   * @throws SnapshotError `SNAPSHOT_SECRET_REQUIRED`, `SNAPSHOT_CORRUPT`
   */
  rebuild(pack: ByteSource, packed: PackedEntry, base: ByteSource): Promise<ByteSource>;
}

/** Decoded bytes that a delta keeps which another one rests on: a chain of many would keep as many times the usual. */
const lowerCacheBytes = 256 * 1024;

/** What the directories of the store's packs say. */
export interface Packs {
  readonly names: ReadonlySet<string>;
  /** The entry of each content that is read: of several the one with the fewest deltas below it. */
  readonly index: HashIndex;
  /** All entries; a content may have several. */
  readonly entries: PackedEntries;
  /** Packs whose directory was damaged: what was found in them, and that they were. */
  readonly salvaged: readonly string[];
  /** The entries of contents that have several, by hash, the one that is read first. */
  readonly several: ReadonlyMap<string, readonly PackedEntry[]>;
}

/** What is known of a pack. */
interface KnownDirectory {
  /** Size of the pack in bytes. */
  readonly size: number;
  /** Its entries; `undefined` where nothing could be found. */
  readonly rows: PackRows | undefined;
  /** Whether its directory was damaged. */
  readonly salvaged: boolean;
}

/** Deltas that are laid over one another at most; more than are made, so that a circle ends. */
const chainLimit = 128;

/** Contents that lie in packs: small ones, and differences of large ones. */
export class PackSet implements ContentPlace {
  readonly #blobs: BlobStore;
  readonly #sealed: SealedContents | undefined;
  #packs: Promise<Packs> | undefined;
  /** Directories that were sound. A pack never changes under its name. */
  #known = new Map<string, KnownDirectory>();

  constructor(blobs: BlobStore, sealed: SealedContents | undefined) {
    this.#blobs = blobs;
    this.#sealed = sealed;
  }

  async open({ hash, size }: WantedContent, options: OpenContentOptions): Promise<ByteSource | undefined> {
    const choices = (await this.entriesOf(hash, options)).filter(({ entry }) => entry.size === size);
    for (const [index, packed] of choices.entries()) {
      try {
        return await this.openEntry(packed, options);
      } catch (error) {
        if (!isBackupKitError(error, 'SNAPSHOT_CORRUPT')) throw error;
        // Written anew under another name since the packs were listed: they are listed once more then.
        if ((await this.#blobs.head(packed.pack, options)) === undefined) continue;
        // Another entry may rest on something that is still there.
        if (index === choices.length - 1) throw error;
      }
    }
    return undefined;
  }

  /** @param options.anew - whether what is known of packs that are still there is read again too */
  refresh(options: { anew?: boolean } = {}): void {
    this.#packs = undefined;
    if (options.anew === true) this.#known.clear();
  }

  /** The entry of a content; `undefined` where no pack has it. */
  async find(hash: Uint8Array, options?: AbortOptions): Promise<PackedEntry | undefined> {
    const { index, entries } = await this.all(options);
    const at = index.get(hash);
    return at === undefined ? undefined : entries.at(at);
  }

  /** All entries of a content, the one that is read first; mostly one or none. */
  async entriesOf(hash: Uint8Array, options?: AbortOptions): Promise<readonly PackedEntry[]> {
    const { index, entries, several } = await this.all(options);
    const at = index.get(hash);
    const first = at === undefined ? undefined : entries.at(at);
    if (first === undefined) return [];
    return (several.size === 0 ? undefined : several.get(hexEncode(hash))) ?? [first];
  }

  /** Where the entry lies by which a content is read; `undefined` where no pack has it. */
  async placeOf(hash: Uint8Array, options?: AbortOptions): Promise<PackedPlace | undefined> {
    const { index, entries } = await this.all(options);
    const at = index.get(hash);
    return at === undefined ? undefined : entries.place(at);
  }

  /** Everything that lies in packs. */
  async all(options?: AbortOptions): Promise<Packs> {
    this.#packs ??= this.#read(options);
    try {
      return await this.#packs;
    } catch (error) {
      this.#packs = undefined;
      throw error;
    }
  }

  /** The content of an entry. The caller closes the source. */
  async openEntry(packed: PackedEntry, options: OpenContentOptions): Promise<ByteSource> {
    const { pack: part, entry } = packed;
    const depth = (options.depth ?? 0) + 1;
    if (depth > chainLimit)
      throw new SnapshotError('SNAPSHOT_CORRUPT', `${part} is damaged: its deltas rest on one another`, { part });
    const pack = await openBlob(this.#blobs, part, options);
    if (pack === undefined) throw new SnapshotError('SNAPSHOT_CORRUPT', `${part} is missing`, { part });
    const opened: ByteSource[] = [pack];
    try {
      if (entry.kind === packKinds.content) return await openPackedContent(pack, entry, { part, ownsPack: true });
      const { base } = entry;
      if (base === undefined) throw new SnapshotError('SNAPSHOT_CORRUPT', `${part}: a delta without base`, { part });
      const source = await options.openBase({ hash: base.hash, size: base.size }, { ...options, depth });
      opened.push(source);
      if (entry.kind === packKinds.delta)
        return await openDelta(pack, entry, source, {
          part,
          ownsPack: true,
          ownsBase: true,
          cacheBytes: depth === 1 ? undefined : lowerCacheBytes,
        });
      if (this.#sealed === undefined || entry.kind !== packKinds.sealedDelta) throw secretRequired(part);
      return await this.#sealed.rebuild(pack, packed, source);
    } catch (error) {
      for (const source of opened) await source.close();
      throw error;
    }
  }

  async #read(options?: AbortOptions): Promise<Packs> {
    const known = this.#known;
    this.#known = new Map();
    const names = new Set<string>();
    const entries = new PackedEntries();
    // What nothing vouches for comes last.
    const doubtful: { readonly pack: string; readonly rows: PackRows }[] = [];
    const salvaged: string[] = [];
    for await (const { key, size } of this.#blobs.list('packs/', options)) {
      if (!key.endsWith('.pk')) continue;
      const before = known.get(key);
      const directory = before?.size === size ? before : await this.#readDirectory({ key, size }, options);
      // Removed since the folder was listed.
      if (directory === undefined) continue;
      const { rows } = directory;
      if (directory.salvaged) salvaged.push(key);
      if (rows === undefined) continue;
      names.add(key);
      if (directory.salvaged) doubtful.push({ pack: key, rows });
      else {
        entries.add(key, rows);
        this.#known.set(key, directory);
      }
    }
    for (const { pack, rows } of doubtful) entries.add(pack, rows);
    return { names, entries, salvaged, ...indexOf(entries) };
  }

  async #readDirectory({ key, size }: BlobInfo, options?: AbortOptions): Promise<KnownDirectory | undefined> {
    const source = await openBlob(this.#blobs, key, options);
    if (source === undefined) return undefined;
    try {
      return { size, ...(await readPackRows(source, { part: key, signal: options?.signal })) };
    } catch (error) {
      if (!(error instanceof SnapshotError) || error.code !== 'SNAPSHOT_CORRUPT') throw error;
      return { size, rows: undefined, salvaged: true };
    } finally {
      await source.close();
    }
  }
}

/** Whether this release can read such entries. */
export function isKnownKind(kind: number): boolean {
  return kind === packKinds.content || isDeltaKind(kind);
}

/** Which entry of each content is read. */
function indexOf(entries: PackedEntries): Pick<Packs, 'index' | 'several'> {
  const index = new HashIndex();
  const again = new Map<string, number[]>();
  for (const [at, kind] of entries.kinds()) {
    if (!isKnownKind(kind)) continue;
    const target = entries.target(at);
    if (index.add(target, at)) continue;
    const name = hexEncode(target);
    const known = again.get(name) ?? [index.get(target) ?? at];
    again.set(name, [...known, at]);
  }
  const depth = (place: number): number => {
    let links = 0;
    for (let next: number | undefined = place; next !== undefined && links < chainLimit; links += 1) {
      const base = entries.base(next);
      if (base === undefined) break;
      next = index.get(base);
    }
    return links;
  };
  const several = new Map<string, PackedEntry[]>();
  for (const [name, places] of again) {
    // Stable: of equal ones, the first that was found.
    const sorted = places.map((place) => ({ place, links: depth(place) })).sort((a, b) => a.links - b.links);
    several.set(
      name,
      sorted.map(({ place }) => entries.at(place)),
    );
    const first = sorted[0]?.place;
    if (first !== undefined) index.set(entries.target(first), first);
  }
  return { index, several };
}

function secretRequired(part: string): SnapshotError {
  return new SnapshotError(
    'SNAPSHOT_SECRET_REQUIRED',
    `${part} holds differences of decrypted files; open the store with the password or key of the backup`,
    { part },
  );
}
