import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ByteMeter } from './faults.js';

type Done = (error?: Error | null) => void;

/** A stream over another one whose bytes pass a meter: slowly, or only up to the byte at which the cable is pulled. */
export class MeteredStream extends Duplex {
  readonly #inner: Duplex;
  readonly #meter: ByteMeter;
  readonly #closed = new AbortController();

  constructor(inner: Duplex, meter: ByteMeter) {
    super();
    this.#inner = inner;
    this.#meter = meter;
    inner.on('data', (bytes: Uint8Array) => {
      inner.pause();
      void this.#receive(bytes);
    });
    inner.on('end', () => this.push(null));
    inner.on('error', (error) => this.destroy(error));
    inner.on('close', () => this.destroy());
    inner.pause();
  }

  override _read(): void {
    this.#inner.resume();
  }

  override _write(bytes: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    void this.#send(bytes, done);
  }

  override _final(done: Done): void {
    this.#inner.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#closed.abort();
    this.#inner.destroy();
    done(error);
  }

  async #receive(bytes: Uint8Array): Promise<void> {
    await this.#pass(bytes, async (part) => {
      this.push(part);
    });
    // The next read resumes the stream, unless what was pushed has filled the buffer.
    if (!this.destroyed && this.readableLength < this.readableHighWaterMark) this.#inner.resume();
  }

  async #send(bytes: Uint8Array, done: Done): Promise<void> {
    await this.#pass(bytes, async (part) => {
      await new Promise<void>((resolve) => this.#inner.write(part, () => resolve()));
    });
    done();
  }

  /** Lets through what the meter allows, and ends everything where that was the last. */
  async #pass(bytes: Uint8Array, forward: (part: Uint8Array) => Promise<void>): Promise<void> {
    const { bytesPerSecond } = this.#meter;
    const step = Math.max(1, Math.min(bytes.length, Math.ceil(bytesPerSecond / 20)));
    for (let at = 0; at < bytes.length && !this.destroyed; at += step) {
      const part = bytes.subarray(at, at + step);
      const allowed = this.#meter.take(part.length);
      if (Number.isFinite(bytesPerSecond)) await this.#wait((1000 * allowed) / bytesPerSecond);
      if (allowed > 0 && !this.destroyed) await forward(part.subarray(0, allowed));
      if (this.#meter.isSpent()) {
        // The reader sees what was pushed before the stream is destroyed.
        setImmediate(() => this.#meter.pullCable());
        return;
      }
    }
  }

  async #wait(ms: number): Promise<void> {
    try {
      await delay(ms, undefined, { signal: this.#closed.signal });
    } catch {
      // Destroyed meanwhile.
    }
  }
}
