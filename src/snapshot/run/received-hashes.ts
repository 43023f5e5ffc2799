import { createHash } from 'node:crypto';
import type { ContentWatch } from '../../folder/layered-sink.js';
import type { FileFacts, StoreFs } from '../fs/store-fs.js';

/** Hashes of files that were computed while they were received, by the identity of the file: a device moves them later. */
export class ReceivedHashes {
  readonly #fs: StoreFs;
  readonly #known = new Map<number, { readonly size: number; readonly modifiedUs: number; readonly hash: Buffer }>();

  constructor(fs: StoreFs) {
    this.#fs = fs;
  }

  /** Follows a file that is being received. */
  watch(): ContentWatch {
    const hash = createHash('sha256');
    return {
      chunk: (bytes) => {
        hash.update(bytes);
      },
      end: (full) => {
        const facts = this.#fs.facts(full);
        if (facts === undefined) return;
        const { inode, size, modifiedUs } = facts;
        // Identities are not exact on all systems: where one comes twice, the file is read.
        if (this.#known.has(inode)) this.#known.set(inode, { size: -1, modifiedUs: 0, hash: Buffer.alloc(0) });
        else this.#known.set(inode, { size, modifiedUs, hash: hash.digest() });
      },
    };
  }

  /** The hash of a file; `undefined` where it has to be read. */
  of({ inode, size, modifiedUs }: FileFacts): Buffer | undefined {
    const known = this.#known.get(inode);
    return known?.size === size && known.modifiedUs === modifiedUs ? known.hash : undefined;
  }
}
