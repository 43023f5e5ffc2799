import { yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import { HashIndex } from '../contents/hash-index.js';
import type { FileFacts } from '../fs/store-fs.js';
import type { Place } from '../store/place.js';
import type { Site } from '../store/site.js';

/** A file of a store, with the space that it takes. */
export interface SpaceOf {
  /** Name within the store, or path within the location. */
  readonly key: string;
  /** Bytes on the disk; 0 for a second name of a file that was counted before. */
  readonly bytes: number;
  readonly isFolder: boolean;
}

const namesPerTurn = 1024;

/** Counts files by the blocks that they have, and each once however many names it has, as `du` does. */
export class DiskSpace {
  readonly #place: Place;
  readonly #seen = new HashIndex();
  readonly #key = Buffer.alloc(32);
  #names = 0;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Everything below a folder of the location, and the folder itself, but not what lies in `without`. */
  async *below(
    folder: string,
    { signal, without }: AbortOptions & { without?: string } = {},
  ): AsyncGenerator<SpaceOf, void, undefined> {
    const { fs, location } = this.#place;
    const pending = [folder];
    for (let key = pending.pop(); key !== undefined; key = pending.pop()) {
      const full = key === '' ? location : `${location}/${key}`;
      const own = fs.facts(full);
      if (own !== undefined) yield { key, bytes: this.#space(own), isFolder: own.kind === 'directory' };
      if (own?.kind !== 'directory') continue;
      for (const { name, kind } of fs.entries(full)) {
        const child = key === '' ? name : `${key}/${name}`;
        if (child === without) continue;
        if (kind === 'directory') pending.push(child);
        else {
          const facts = fs.facts(`${full}/${name}`);
          if (facts !== undefined) yield { key: child, bytes: this.#space(facts), isFolder: false };
        }
        this.#names += 1;
        if (this.#names % namesPerTurn === 0) await yieldToEventLoop(signal);
      }
    }
  }

  #space({ kind, links, volume, inode, allocated }: FileFacts): number {
    if (kind === 'directory' || links <= 1) return allocated;
    this.#key.writeDoubleLE(inode, 0);
    this.#key.writeDoubleLE(volume, 8);
    return this.#seen.add(this.#key, 0) ? allocated : 0;
  }
}

/** All blobs of a store without a folder. */
export async function* blobSpace(site: Site, options?: AbortOptions): AsyncGenerator<SpaceOf, void, undefined> {
  for await (const { key, size } of site.blobs.list('', options)) yield { key, bytes: size, isFolder: false };
}
