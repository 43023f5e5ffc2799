import type { AbortOptions } from '../../core/abort.js';
import { memorySource, type ByteSource } from '../../core/byte-source.js';
import { hexEncode } from '../../core/bytes.js';
import { SnapshotError } from '../../core/errors.js';
import type { BlobStore } from '../blobs/blob-store.js';
import { openBlob } from '../blobs/open-blob.js';
import { emptyHash, keys } from './keys.js';

/** A content that is wanted. */
export interface WantedContent {
  /** SHA-256, 32 bytes. */
  readonly hash: Uint8Array;
  /** Size in bytes. */
  readonly size: number;
}

/** Options of {@link ContentPlace.open}. */
export interface OpenContentOptions extends AbortOptions {
  /** How many contents rest on this one so far. */
  readonly depth?: number | undefined;
  /** Opens the content that another one rests on. */
  openBase(content: WantedContent, options: OpenContentOptions): Promise<ByteSource>;
}

/** Somewhere that contents can lie besides `objects/`. */
export interface ContentPlace {
  /** The content; `undefined` where it does not lie here. The caller closes the source. */
  open(content: WantedContent, options: OpenContentOptions): Promise<ByteSource | undefined>;
  /** Looks anew at what lies here. */
  refresh(): void;
}

/** Finds contents by their hash alone, wherever they lie. */
export class Contents {
  readonly #blobs: BlobStore;
  readonly #places: readonly ContentPlace[];

  constructor(blobs: BlobStore, places: readonly ContentPlace[]) {
    this.#blobs = blobs;
    this.#places = places;
  }

  /**
   * A content, whose size is checked and whose hash is not. The caller closes the source.
   *
   * @throws SnapshotError `SNAPSHOT_CORRUPT` where it lies nowhere
   */
  async open(
    content: WantedContent,
    options?: AbortOptions & { readonly depth?: number | undefined },
  ): Promise<ByteSource> {
    const found = (await this.find(content, options)) ?? (await this.#again(content, options));
    if (found !== undefined) return found;
    const part = keys.object(hexEncode(content.hash));
    throw new SnapshotError('SNAPSHOT_CORRUPT', `The content ${hexEncode(content.hash)} is missing`, { part });
  }

  /** A content; `undefined` where it lies nowhere that is known. */
  async find(
    content: WantedContent,
    options?: AbortOptions & { readonly depth?: number | undefined },
  ): Promise<ByteSource | undefined> {
    options?.signal?.throwIfAborted();
    const hash = hexEncode(content.hash);
    if (hash === emptyHash) return memorySource(new Uint8Array(0));
    const object = await openBlob(this.#blobs, keys.object(hash), options);
    if (object !== undefined) {
      if (object.size === content.size) return object;
      await object.close();
      throw new SnapshotError(
        'SNAPSHOT_CORRUPT',
        `${keys.object(hash)} is damaged: it has ${object.size} bytes instead of ${content.size}`,
        { part: keys.object(hash) },
      );
    }
    for (const place of this.#places) {
      const found = await place.open(content, {
        ...options,
        openBase: async (base, baseOptions) => await this.open(base, baseOptions),
      });
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Another program may have moved it into a pack in the meantime. */
  async #again(content: WantedContent, options?: AbortOptions): Promise<ByteSource | undefined> {
    for (const place of this.#places) place.refresh();
    return await this.find(content, options);
  }
}
