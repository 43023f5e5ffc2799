import type { AbortOptions } from '../../core/abort.js';
import type { ByteRange, ByteSource } from '../../core/byte-source.js';

/** A blob without its content. */
export interface BlobInfo {
  /** Name, with `/` between components, e.g. `objects/ab/ab12…`. */
  readonly key: string;
  /** Size in bytes. */
  readonly size: number;
}

/** What a blob store can do. */
export interface BlobCapabilities {
  /** Whether `put` with `ifAbsent` is certain to refuse where another writer was first. */
  readonly conditionalPut: boolean;
}

/** Options of {@link BlobStore.put}. */
export interface PutOptions extends AbortOptions {
  /** Size of the content in bytes. */
  readonly size: number;
  /** SHA-256 of the content, where it is known. */
  readonly sha256?: Uint8Array | undefined;
  /** Whether a blob that is there already stays, and the call gives `false`. */
  readonly ifAbsent?: boolean | undefined;
}

/**
 * Blobs by name: a folder, memory, or an object store on a network. A blob appears whole or not at all, is durable when
 * `put` has ended, and is never changed in place.
 *
 * Names are relative, lower case but for UDIDs, and safe paths of a backup tree.
 */
export interface BlobStore {
  /** What it can do. */
  readonly capabilities: BlobCapabilities;
  /** Stores a blob; `false` where it was to be absent and was not. A content that is shorter or longer than said is refused. */
  put(key: string, content: Uint8Array | AsyncIterable<Uint8Array>, options: PutOptions): Promise<boolean>;
  /** The content, or a range of it; `undefined` where there is no such blob. */
  get(key: string, range?: ByteRange, options?: AbortOptions): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** What is there; `undefined` for nothing. */
  head(key: string, options?: AbortOptions): Promise<BlobInfo | undefined>;
  /** All blobs whose names begin with `prefix`, in no order. */
  list(prefix: string, options?: AbortOptions): AsyncIterable<BlobInfo>;
  /** Removes blobs; those that are not there do not matter. */
  delete(keys: readonly string[]): Promise<void>;
  /** Makes a copy without moving the content through this computer. */
  copy?(from: string, to: string): Promise<void>;
  /** Random access, where that is better than `get` by ranges; the caller closes the source. */
  open?(key: string, options?: AbortOptions): Promise<ByteSource | undefined>;
  /** Releases connections; calling it again does nothing. */
  close(): Promise<void>;
}
