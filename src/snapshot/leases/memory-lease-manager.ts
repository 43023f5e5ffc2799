import { processClock } from './lease-clock.js';
import { checkScope } from './lease-file.js';
import type { Lease, LeaseManager, LeaseOptions } from './lease-manager.js';
import { lostError, waitForLease, type Blocked } from './wait-for-lease.js';

/** Time between two looks of one who waits, in milliseconds. */
const pollMs = 5;

/** Leases within this process, for stores in memory. */
export class MemoryLeaseManager implements LeaseManager {
  readonly #held = new Set<LeaseOptions>();

  async acquire(options: LeaseOptions): Promise<Lease> {
    checkScope(options.scope);
    return await waitForLease(options, { clock: processClock, pollMs }, () => this.#take({ ...options }));
  }

  async held(): Promise<ReadonlyMap<string, readonly string[]>> {
    const holders = new Map<string, string[]>();
    for (const held of this.#held) holders.set(held.scope, [...(holders.get(held.scope) ?? []), describe(held)]);
    return holders;
  }

  #take(options: LeaseOptions): Lease | Blocked {
    for (const held of this.#held) {
      const excludes = held.mode === 'exclusive' || options.mode === 'exclusive';
      if (held.scope === options.scope && excludes) return { holder: describe(held) };
    }
    this.#held.add(options);
    return {
      scope: options.scope,
      check: () => {
        if (!this.#held.has(options)) throw lostError(options.scope);
      },
      release: async () => {
        this.#held.delete(options);
      },
    };
  }
}

function describe({ purpose }: LeaseOptions): string {
  return `this process (${purpose})`;
}
