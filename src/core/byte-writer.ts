/** Builds bytes in order in one growing buffer. Numbers are big-endian. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Number of bytes written. */
  get length(): number {
    return this.#length;
  }

  /** Appends an 8-bit integer. */
  u8(value: number): void {
    const at = this.#grow(1);
    this.#bytes[at] = value;
  }

  /** Appends an unsigned integer of 1 to 8 bytes. */
  uint(value: number | bigint, size: number): void {
    const at = this.#grow(size);
    if (size === 1) this.#view.setUint8(at, Number(value));
    else if (size === 2) this.#view.setUint16(at, Number(value));
    else if (size === 4) this.#view.setUint32(at, Number(value));
    else this.#bigint(at, BigInt(value), size);
  }

  /** Appends a 64-bit float. */
  f64(value: number): void {
    const at = this.#grow(8);
    this.#view.setFloat64(at, value);
  }

  /** Appends bytes. */
  bytes(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Appends text of characters up to U+00FF, one byte each. */
  latin1(text: string): void {
    const at = this.#grow(text.length);
    for (let i = 0; i < text.length; i += 1) this.#bytes[at + i] = text.charCodeAt(i);
  }

  /** Appends the UTF-16 code units of text, also unpaired surrogates. */
  utf16(text: string): void {
    const at = this.#grow(2 * text.length);
    for (let i = 0; i < text.length; i += 1) this.#view.setUint16(at + 2 * i, text.charCodeAt(i));
  }

  /** What was written, the caller's own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #bigint(at: number, value: bigint, size: number): void {
    let rest = value;
    for (let i = at + size - 1; i >= at; i -= 1) {
      this.#bytes[i] = Number(rest & 0xffn);
      rest >>= 8n;
    }
  }

  /** Makes room and returns where it begins. Buffer and view may be new afterwards. */
  #grow(size: number): number {
    const at = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      bytes.set(this.#bytes.subarray(0, at));
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    return at;
  }
}
