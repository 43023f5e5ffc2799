import type { AbortOptions } from '../../core/abort.js';
import type { TreeEntry } from '../../core/backup-tree.js';
import type { ByteSource } from '../../core/byte-source.js';
import { SnapshotError } from '../../core/errors.js';
import type { Closeable } from '../../core/resource.js';
import { checkTreePath } from '../../core/safe-path.js';
import { rowKind, type Table } from '../format/table.js';
import type { Lease } from '../leases/lease-manager.js';
import { holdVersion } from './hold-version.js';
import type { VersionInfo, VersionTree } from '../types.js';
import type { Site } from './site.js';

/** A version that can be read. While it is open its content is not purged. */
export class StoredVersion implements VersionTree, Closeable, AsyncDisposable {
  /** What is known of the version. */
  readonly info: VersionInfo;
  /** What it holds. @internal */
  readonly table: Table;
  readonly #site: Site;
  #lease: Promise<Lease | undefined> | undefined;
  readonly #closed: ((version: StoredVersion) => void) | undefined;
  #isClosed = false;

  /** @internal */
  constructor(site: Site, info: VersionInfo, table: Table, closed?: (version: StoredVersion) => void) {
    this.#closed = closed;
    this.#site = site;
    this.info = info;
    this.table = table;
  }

  async open(path: string, options?: AbortOptions): Promise<ByteSource | undefined> {
    options?.signal?.throwIfAborted();
    this.#requireOpen();
    const index = this.table.find(checkTreePath(path));
    if (index === undefined || this.table.kind(index) !== rowKind.file) return undefined;
    await this.hold();
    return await this.#site.contents.open(this.table.row(index), options);
  }

  async *list(path: string, options?: AbortOptions): AsyncGenerator<TreeEntry, void, undefined> {
    options?.signal?.throwIfAborted();
    this.#requireOpen();
    checkTreePath(path);
    const prefix = path === '' ? '' : `${path}/`;
    const start = this.table.lowerBound(Buffer.from(prefix, 'utf8'));
    for (let index = start; index < this.table.length;) {
      const row = this.table.row(index);
      if (!row.path.startsWith(prefix)) return;
      const slash = row.path.indexOf('/', prefix.length);
      if (slash === -1) {
        if (row.kind === rowKind.folder) yield { path: row.path, kind: 'directory', size: 0 };
        else {
          const { size, modifiedUs } = row;
          yield { path: row.path, kind: 'file', size, modified: new Date(modifiedUs / 1000), modifiedUs };
        }
        index += 1;
        continue;
      }
      const folder = row.path.slice(0, slash);
      yield { path: folder, kind: 'directory', size: 0 };
      // Behind all that lies in it: `0` follows `/`.
      index = this.table.lowerBound(Buffer.from(`${folder}0`, 'utf8'));
    }
  }

  /** Keeps others from purging what it needs, until it is closed. @internal */
  async hold(): Promise<void> {
    this.#lease ??= holdVersion(this.#site, this.info, 'reading');
    try {
      await this.#lease;
    } catch (error) {
      this.#lease = undefined;
      throw error;
    }
  }

  /** Lets go of the version; calling it again does nothing. Sources that are open stay so. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closed?.(this);
    const lease = await this.#lease;
    this.#lease = undefined;
    await lease?.release();
  }

  /** The same as `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #requireOpen(): void {
    if (this.#isClosed)
      throw new SnapshotError('SNAPSHOT_CLOSED', `Version ${this.info.id} was closed before this call`, {
        version: this.info.id,
      });
  }
}
