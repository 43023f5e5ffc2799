import { randomUUID } from 'node:crypto';
import { dirname, join, sep } from 'node:path';
import { yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import { resolveRange, type ByteRange, type ByteSource } from '../../core/byte-source.js';
import { errnoOf } from '../../core/errno.js';
import { IoError, ioError } from '../../core/errors.js';
import { unsafePathReason } from '../../core/safe-path.js';
import { makeFolderDurable, removeQuietly } from '../fs/durable.js';
import type { StoreFs } from '../fs/store-fs.js';
import { checkBlobKey, checkBlobPrefix } from './blob-key.js';
import type { BlobCapabilities, BlobInfo, BlobStore, PutOptions } from './blob-store.js';
import { checkedContent } from './checked-content.js';

/** Names handled between two turns of the event loop. */
const namesPerTurn = 256;

/** What disks answer that have no links. */
const linkRefused = new Set(['EPERM', 'ENOTSUP', 'ENOSYS', 'EINVAL', 'EMLINK']);

/** Options of {@link FileBlobStore}. */
export interface FileBlobStoreOptions {
  /** The disk. */
  readonly fs: StoreFs;
  /** The folder below which the blobs lie as files. */
  readonly root: string;
  /** Folder for files that are being made, on the same volume; `staging` below the root by default. It holds no blobs. */
  readonly staging?: string | undefined;
  /** Whether the disk has links; `true` by default. @see probePlacement */
  readonly links?: boolean | undefined;
}

/** Blobs as files of a folder. */
export class FileBlobStore implements BlobStore {
  readonly capabilities: BlobCapabilities;
  readonly #fs: StoreFs;
  readonly #root: string;
  readonly #staging: string;
  #handled = 0;

  constructor(options: FileBlobStoreOptions) {
    this.#fs = options.fs;
    this.#root = options.root;
    this.#staging = options.staging ?? join(options.root, 'staging');
    // Without links a file cannot get a name only if that is free: looking and renaming are two calls.
    this.capabilities = { conditionalPut: options.links !== false };
  }

  async put(key: string, content: Uint8Array | AsyncIterable<Uint8Array>, options: PutOptions): Promise<boolean> {
    const path = this.#path(key);
    options.signal?.throwIfAborted();
    const ifAbsent = options.ifAbsent === true;
    return await this.#make(path, async (draft) => {
      if (ifAbsent && this.#fs.facts(path) !== undefined) return false;
      const writer = this.#fs.create(draft, 0o444);
      try {
        for await (const chunk of checkedContent(key, content, options)) writer.write(chunk);
        writer.sync();
      } finally {
        writer.close();
      }
      return this.#name(draft, path, ifAbsent);
    });
  }

  async get(key: string, range?: ByteRange, options?: AbortOptions): Promise<AsyncIterable<Uint8Array> | undefined> {
    const info = await this.head(key, options);
    if (info === undefined) return undefined;
    resolveRange(range, info.size);
    return this.#stream(key, range, options);
  }

  async head(key: string, options?: AbortOptions): Promise<BlobInfo | undefined> {
    const path = this.#path(key);
    options?.signal?.throwIfAborted();
    const facts = this.#try(path, 'reading', () => this.#fs.facts(path));
    return facts?.kind === 'file' ? { key, size: facts.size } : undefined;
  }

  async *list(prefix: string, options?: AbortOptions): AsyncGenerator<BlobInfo, void, undefined> {
    checkBlobPrefix(prefix);
    options?.signal?.throwIfAborted();
    yield* this.#walk(prefix.slice(0, Math.max(0, prefix.lastIndexOf('/'))), prefix, options);
  }

  async delete(keys: readonly string[]): Promise<void> {
    const paths = keys.map((key) => this.#path(key));
    for (const path of paths) {
      this.#try(path, 'removing', () => {
        this.#fs.unlink(path);
      });
      await this.#turn();
    }
  }

  async copy(from: string, to: string): Promise<void> {
    const [source, target] = [this.#path(from), this.#path(to)];
    await this.#make(target, async (draft) => {
      try {
        this.#fs.clone(source, draft);
      } catch {
        this.#fs.copy(source, draft);
      }
      this.#fs.sync(draft);
      return this.#name(draft, target, false);
    });
  }

  async open(key: string, options?: AbortOptions): Promise<ByteSource | undefined> {
    const path = this.#path(key);
    options?.signal?.throwIfAborted();
    return this.#try(path, 'opening', () => this.#fs.open(path));
  }

  async close(): Promise<void> {}

  /** Lets `work` make a file under the name of a draft and give it its own, and takes the draft away in any case. */
  async #make(path: string, work: (draft: string) => Promise<boolean>): Promise<boolean> {
    const draft = join(this.#staging, randomUUID());
    try {
      makeFolderDurable(this.#fs, this.#staging);
      return await work(draft);
    } catch (error) {
      throw ioError(error, path, 'writing');
    } finally {
      removeQuietly(this.#fs, draft);
    }
  }

  /** Gives a draft its name; `false` where that was to be free and is not. */
  #name(draft: string, path: string, ifAbsent: boolean): boolean {
    makeFolderDurable(this.#fs, dirname(path));
    const linked = ifAbsent && this.capabilities.conditionalPut ? this.#link(draft, path) : undefined;
    if (linked === false) return false;
    if (linked === undefined) {
      if (ifAbsent && this.#fs.facts(path) !== undefined) return false;
      this.#fs.rename(draft, path);
    }
    this.#fs.sync(dirname(path));
    return true;
  }

  /** Gives a draft its name by a link: whether that was free; `undefined` where the disk has no links after all. */
  #link(draft: string, path: string): boolean | undefined {
    try {
      this.#fs.link(draft, path);
      return true;
    } catch (error) {
      const code = errnoOf(error) ?? '';
      if (code === 'EEXIST') return false;
      if (linkRefused.has(code)) return undefined;
      throw error;
    }
  }

  /** Opens the file with the first step, so that a stream that nobody reads holds nothing open. */
  async *#stream(key: string, range?: ByteRange, options?: AbortOptions): AsyncGenerator<Uint8Array, void, undefined> {
    const source = await this.open(key, options);
    if (source === undefined)
      throw new IoError('IO_FAILED', `${key} was removed before it was read`, { path: key, errno: 'ENOENT' });
    try {
      yield* source.stream(range, options);
    } finally {
      await source.close();
    }
  }

  async *#walk(
    folder: string,
    prefix: string,
    options: AbortOptions | undefined,
  ): AsyncGenerator<BlobInfo, void, undefined> {
    const at = join(this.#root, folder);
    if (at === this.#staging) return;
    for (const { name, kind } of this.#try(at, 'listing', () => this.#fs.entries(at))) {
      const key = folder === '' ? name : `${folder}/${name}`;
      // A prefix can end amid the name of a folder, but none is longer than one: the walk starts in the last whole one.
      if (!key.startsWith(prefix) || unsafePathReason(key) !== undefined) continue;
      if (kind === 'directory') yield* this.#walk(key, prefix, options);
      const info = kind === 'file' ? await this.head(key, options) : undefined;
      if (info !== undefined) yield info;
      await this.#turn();
      options?.signal?.throwIfAborted();
    }
  }

  #path(key: string): string {
    const path = join(this.#root, ...checkBlobKey(key).split('/'));
    if (`${path}${sep}`.startsWith(`${this.#staging}${sep}`))
      throw new IoError('IO_UNSAFE_PATH', `${key} lies among the files that are being made`, { path: key });
    return path;
  }

  #try<T>(path: string, doing: string, call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw ioError(error, path, doing);
    }
  }

  async #turn(): Promise<void> {
    this.#handled += 1;
    if (this.#handled % namesPerTurn === 0) await yieldToEventLoop();
  }
}
