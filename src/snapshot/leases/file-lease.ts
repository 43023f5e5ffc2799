import { ioError } from '../../core/errors.js';
import { removeQuietly } from '../fs/durable.js';
import type { FileWriter, StoreFs } from '../fs/store-fs.js';
import type { LeaseClock } from './lease-clock.js';
import { readLease } from './lease-file.js';
import type { Lease } from './lease-manager.js';
import { lostError } from './wait-for-lease.js';

const beat = Uint8Array.of(0x2e);

/** A lease file that this process has made and keeps beating. */
export class FileLease implements Lease {
  readonly scope: string;
  readonly token: string;
  readonly #fs: StoreFs;
  readonly #path: string;
  readonly #writer: FileWriter;
  readonly #clock: LeaseClock;
  readonly #beatMs: number;
  readonly #stop: () => void;
  #lastBeatMs: number;
  #released = false;

  constructor(
    file: { scope: string; token: string; path: string; writer: FileWriter },
    by: { fs: StoreFs; clock: LeaseClock; beatMs: number },
  ) {
    this.scope = file.scope;
    this.token = file.token;
    this.#path = file.path;
    this.#writer = file.writer;
    this.#fs = by.fs;
    this.#clock = by.clock;
    this.#beatMs = by.beatMs;
    this.#lastBeatMs = by.clock.now();
    this.#stop = by.clock.every(by.beatMs, () => {
      this.#beat();
    });
  }

  check(): void {
    if (this.#released) throw lostError(this.scope);
    // Long work without a turn of the event loop must not look like death.
    if (this.#clock.now() - this.#lastBeatMs >= this.#beatMs) this.#beat();
    if (!this.#isOurs()) throw lostError(this.scope);
  }

  async release(): Promise<void> {
    this.releaseNow();
  }

  /** As {@link Lease.release}, at once. */
  releaseNow(): void {
    if (this.#released) return;
    this.#released = true;
    this.#stop();
    try {
      this.#writer.close();
      if (this.#isOurs()) removeQuietly(this.#fs, this.#path);
    } catch {
      // It has no beats any more: others take it over in time.
    }
  }

  #beat(): void {
    try {
      this.#writer.write(beat);
      this.#lastBeatMs = this.#clock.now();
    } catch {
      // Others see no beat and take the lease over in time, which `check` then finds.
    }
  }

  #isOurs(): boolean {
    try {
      return readLease(this.#fs, this.#path)?.header?.token === this.token;
    } catch (error) {
      throw ioError(error, this.#path, 'reading');
    }
  }
}
