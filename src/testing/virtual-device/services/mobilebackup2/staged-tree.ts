import type { BackupTree, TreeEntry } from '../../../../core/backup-tree.js';
import type { ByteSource } from '../../../../core/byte-source.js';
import type { Closeable } from '../../../../core/resource.js';
import { readTreeFile } from '../../../../core/memory-tree.js';
import { limits } from '../../../../core/limits.js';
import { BodyStore } from '../../file-system/body-store.js';
import type { StoredBody } from '../../file-system/content.js';
import type { BackupTask } from './task.js';

/** Files of the host's backup that are on the device for now, by their path in the backup folder. */
export class StagedTree implements BackupTree, Closeable {
  readonly #store = new BodyStore();
  readonly #files = new Map<string, StoredBody>();

  /** Asks the host for files; gives the paths that it did not send, with its words. */
  async fetch(task: BackupTask, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const prefix = `${task.folder}/`;
    const failed = await task.link.download(
      paths.map((path) => prefix + path),
      async (path, chunks) => {
        this.#files.set(path.slice(prefix.length), await this.#store.put(chunks));
      },
    );
    const missing = new Map([...failed].map(([path, text]) => [path.slice(prefix.length), text]));
    for (const path of missing.keys()) this.drop(path);
    return missing;
  }

  /** Forgets a file. */
  drop(path: string): void {
    this.#files.get(path)?.release?.();
    this.#files.delete(path);
  }

  /** A file; `undefined` where it is not there. */
  get(path: string): StoredBody | undefined {
    return this.#files.get(path);
  }

  /** The whole content of a small file; `undefined` where it is not there. */
  async read(path: string): Promise<Uint8Array | undefined> {
    return await readTreeFile(this, path, { limit: limits.plistBytes });
  }

  async open(path: string): Promise<ByteSource | undefined> {
    return await this.#files.get(path)?.open();
  }

  async *list(path: string): AsyncGenerator<TreeEntry, void, undefined> {
    const prefix = path === '' ? '' : `${path}/`;
    for (const [name, { size }] of this.#files)
      if (name.startsWith(prefix) && !name.slice(prefix.length).includes('/')) yield { path: name, kind: 'file', size };
  }

  async close(): Promise<void> {
    this.#files.clear();
    await this.#store.close();
  }
}
