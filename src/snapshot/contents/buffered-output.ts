import type { FileWriter } from '../fs/store-fs.js';

const bufferBytes = 256 * 1024;

/** Gathers small writes into large ones: a pack of small contents would make five system calls for each. */
export class BufferedOutput {
  readonly #file: FileWriter;
  readonly #buffer = Buffer.allocUnsafe(bufferBytes);
  #filled = 0;
  #bytes = 0;
  #failure: { error: unknown } | undefined;

  constructor(file: FileWriter) {
    this.#file = file;
  }

  /** Bytes so far, those that wait included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends bytes, which are the caller's again afterwards. */
  write(bytes: Uint8Array): void {
    if (bytes.length > bufferBytes - this.#filled) this.flush();
    if (bytes.length > bufferBytes) this.#put(bytes);
    else {
      this.#buffer.set(bytes, this.#filled);
      this.#filled += bytes.length;
    }
    this.#bytes += bytes.length;
  }

  /** Hands on what waits. */
  flush(): void {
    this.#put(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }

  /** A failed write may have left a part of the bytes, so that no offset behind it is known: nothing may follow. */
  #put(bytes: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      if (bytes.length > 0) this.#file.write(bytes);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }
}
