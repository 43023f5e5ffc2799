import { hash48 } from './hash.js';

/**
 * Remembers which output path belongs to which entry, in about 40 bytes for each, whatever their length: an open
 * hash table of 48-bit hashes. Two paths that hash alike only cost one of them its plain name.
 */
export class PathClaims {
  #keys = new Float64Array(1024);
  #owners = new Float64Array(1024);
  #size = 0;

  /** Claims `path` for `owner`: `new` where nobody had it, `own` where this owner had it before, else `taken`. */
  claim(path: string, owner: string): 'new' | 'own' | 'taken' {
    const key = hash48(path) + 1;
    const slot = this.#slot(this.#keys, key);
    const ownerHash = hash48(owner);
    if (this.#keys[slot] === key) return this.#owners[slot] === ownerHash ? 'own' : 'taken';
    this.#keys[slot] = key;
    this.#owners[slot] = ownerHash;
    this.#size += 1;
    if (this.#size * 2 > this.#keys.length) this.#grow();
    return 'new';
  }

  #slot(keys: Float64Array, key: number): number {
    let slot = key % keys.length;
    while (keys[slot] !== 0 && keys[slot] !== key) slot = (slot + 1) % keys.length;
    return slot;
  }

  #grow(): void {
    const keys = new Float64Array(this.#keys.length * 2);
    const owners = new Float64Array(keys.length);
    for (const [index, key] of this.#keys.entries()) {
      if (key === 0) continue;
      const slot = this.#slot(keys, key);
      keys[slot] = key;
      owners[slot] = this.#owners[index] ?? 0;
    }
    this.#keys = keys;
    this.#owners = owners;
  }
}
