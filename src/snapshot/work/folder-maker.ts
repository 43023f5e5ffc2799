import type { StoreFs } from '../fs/store-fs.js';

/** Makes folders, each once. */
export class FolderMaker {
  readonly #fs: StoreFs;
  readonly #made = new Set<string>();

  constructor(fs: StoreFs) {
    this.#fs = fs;
  }

  /** Makes a folder and those above it. */
  make(path: string): void {
    if (this.#made.has(path)) return;
    this.#fs.makeFolder(path);
    this.#made.add(path);
  }

  /** Makes the folders above a file. */
  makeAbove(file: string): void {
    this.make(file.slice(0, file.lastIndexOf('/')));
  }
}
