/**
 * Sets of owners, each stored once: contents of a store have few different ones, because most live from one version to another.
 * Owners are numbered from 0 and added in that order.
 */
export class OwnerSets {
  /** The set without the owner that was added last, by number of the set; set 0 is empty. */
  readonly #rest = [0];
  readonly #last = [-1];
  readonly #bytes = [0];
  readonly #known = new Map<number, number>();
  readonly #owners: number;

  /** @param owners - how many there will be */
  constructor(owners: number) {
    this.#owners = owners;
  }

  /** Number of sets. */
  get size(): number {
    return this.#rest.length;
  }

  /** The set `set` with `owner`, who is not before those that it has. */
  with(set: number, owner: number): number {
    if (this.#last[set] === owner) return set;
    const name = set * this.#owners + owner;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const made = this.#rest.length;
    this.#rest.push(set);
    this.#last.push(owner);
    this.#bytes.push(0);
    this.#known.set(name, made);
    return made;
  }

  /** Says that a set of owners has so many bytes together. */
  addBytes(set: number, bytes: number): void {
    this.#bytes[set] = (this.#bytes[set] ?? 0) + bytes;
  }

  /** Bytes of a set. */
  bytesOf(set: number): number {
    return this.#bytes[set] ?? 0;
  }

  /** Bytes that nobody but these owners has. */
  ownedBy(isOwner: (owner: number) => boolean): number {
    const inside = new Uint8Array(this.size);
    inside[0] = 1;
    let sum = 0;
    for (let set = 1; set < this.size; set += 1) {
      if (inside[this.#rest[set] ?? 0] !== 1 || !isOwner(this.#last[set] ?? -1)) continue;
      inside[set] = 1;
      sum += this.bytesOf(set);
    }
    return sum;
  }

  /** Bytes of each owner: that it has alone, and that others have too. */
  perOwner(): { own: Float64Array; shared: Float64Array } {
    const own = new Float64Array(this.#owners);
    const shared = new Float64Array(this.#owners);
    for (let set = 1; set < this.size; set += 1) {
      const bytes = this.bytesOf(set);
      const last = this.#last[set] ?? 0;
      if (bytes === 0) continue;
      if (this.#rest[set] === 0) own[last] = (own[last] ?? 0) + bytes;
      else
        for (let at = set; at !== 0; at = this.#rest[at] ?? 0) {
          const owner = this.#last[at] ?? 0;
          shared[owner] = (shared[owner] ?? 0) + bytes;
        }
    }
    return { own, shared };
  }
}
