/** Something that holds a handle until it is closed. */
export interface Closeable {
  /** Releases the handle; calling it again does nothing. */
  close(): Promise<void>;
}

/**
 * Owns closeable children: a backup owns its open databases, for instance. Closing the owner closes all of them, last
 * opened first, even where one fails.
 */
export class ResourceOwner {
  readonly #children = new Set<Closeable>();
  #closing: Promise<void> | undefined;

  /** Whether {@link ResourceOwner.close} was called. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Registers `child`, to be closed with the owner, and returns it. */
  attach<T extends Closeable>(child: T): T {
    this.#children.add(child);
    return child;
  }

  /** Forgets `child`, which closed by itself. */
  detach(child: Closeable): void {
    this.#children.delete(child);
  }

  /** Closes all children once; later calls give the same promise. One failure is thrown as it is, several as an `AggregateError`. */
  async close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    await this.#closing;
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const child of [...this.#children].toReversed()) {
      try {
        await child.close();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#children.clear();
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, 'Several resources could not be closed');
  }
}
