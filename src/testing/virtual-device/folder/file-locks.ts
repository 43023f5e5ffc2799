/** Advisory locks of files, as `flock` gives them: one exclusive holder or any number of shared ones. */
export class FileLocks {
  readonly #holders = new Map<string, { exclusive: boolean; owners: Set<object> }>();

  /** Takes a lock, or changes the one that `owner` has; false where another one is in the way. */
  lock(fileId: string, owner: object, exclusive: boolean): boolean {
    const held = this.#holders.get(fileId);
    const others = held !== undefined && (held.owners.size > 1 || !held.owners.has(owner));
    if (others && (exclusive || held.exclusive)) return false;
    const owners = held?.owners ?? new Set();
    owners.add(owner);
    this.#holders.set(fileId, { exclusive, owners });
    return true;
  }

  /** Gives a lock back; nothing happens where `owner` has none. */
  unlock(fileId: string, owner: object): void {
    const held = this.#holders.get(fileId);
    held?.owners.delete(owner);
    if (held?.owners.size === 0) this.#holders.delete(fileId);
  }
}
