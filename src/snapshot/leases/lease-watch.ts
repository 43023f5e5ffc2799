import type { LeaseClock, LeaseTimings } from './lease-clock.js';
import type { LeaseState } from './lease-file.js';
import type { ProcessWatch } from './process-identity.js';

/** What was seen of a lease so far. */
interface Sighting {
  readonly mark: string;
  /** When it was looked at last. */
  readonly lastMs: number;
  /** For how long it was seen without a new beat. */
  readonly silentMs: number;
}

/** Tells leases whose holder works from those whose holder does not, by the time of this process alone. */
export class LeaseWatch {
  readonly #sightings = new Map<string, Sighting>();
  readonly #clock: LeaseClock;
  readonly #timings: LeaseTimings;
  readonly #processes: ProcessWatch;

  constructor(options: { clock: LeaseClock; timings: LeaseTimings; processes: ProcessWatch }) {
    this.#clock = options.clock;
    this.#timings = options.timings;
    this.#processes = options.processes;
  }

  /** Whether the lease at `path`, which was just read, is one that others may take over. */
  isStale(path: string, { header, mark }: LeaseState): boolean {
    if (header !== undefined && this.#processes.isGone(header.holder)) return true;
    const nowMs = this.#clock.now();
    const before = this.#sightings.get(path);
    let silentMs = 0;
    if (before?.mark === mark) {
      // A gap counts for little: the holder may have slept through it with the whole computer, and be about to beat.
      silentMs = before.silentMs + Math.min(nowMs - before.lastMs, 3 * this.#timings.beatMs);
    }
    this.#sightings.set(path, { mark, lastMs: nowMs, silentMs });
    return silentMs >= this.#timings.staleMs;
  }

  /** Forgets all leases but those at `paths`. */
  keepOnly(paths: ReadonlySet<string>): void {
    for (const path of this.#sightings.keys()) if (!paths.has(path)) this.#sightings.delete(path);
  }
}
