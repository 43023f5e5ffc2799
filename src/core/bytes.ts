import { FormatError, type FormatName } from './errors.js';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const strictDecoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
const encoder = new TextEncoder();

/** UTF-8 to text; bytes that are not UTF-8 become U+FFFD. */
export function utf8Decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** UTF-8 to text; `undefined` where the bytes are not UTF-8. */
export function utf8DecodeStrict(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Text to UTF-8. */
export function utf8Encode(text: string): Uint8Array {
  return encoder.encode(text);
}

/** One byte a character (ISO 8859-1), for tags and magic numbers. */
export function latin1Decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Decodes many short parts of one memory, which costs less than a view for each. */
export class Latin1Decoder {
  readonly #buffer: Buffer;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The bytes from `start` to before `end`, one a character. */
  decode(start: number, end: number): string {
    return this.#buffer.toString('latin1', start, end);
  }
}

/** Lower-case hexadecimal. */
export function hexEncode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** From hexadecimal of either case; `undefined` where the text is anything else. */
export function hexDecode(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  return ownBytes(Buffer.from(text, 'hex'));
}

/** Standard base64 with padding. */
export function base64Encode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** From base64; white space and missing padding are allowed, other characters are skipped as Node.js does. */
export function base64Decode(text: string): Uint8Array {
  return ownBytes(Buffer.from(text, 'base64'));
}

/** A copy that no pool shares and that is a plain `Uint8Array`, not a `Buffer`. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** The same memory as a plain `Uint8Array`: for a `Buffer` that was allocated for the caller alone. */
export function plainView(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An array whose content is anything, for callers that fill all of it or cut off the rest with a copy. */
export function uninitialisedBytes(length: number): Uint8Array {
  return plainView(Buffer.allocUnsafeSlow(length));
}

/** One array with all parts in order. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Whether both have the same bytes. Not constant-time: never for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** Whether `value` is a `Uint8Array`, also one of another realm or a `Buffer`. */
export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || (ArrayBuffer.isView(value) && value.constructor.name === 'Uint8Array');
}

/** Reads numbers and byte ranges in order; every read is checked against the end of the data. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #format: FormatName;
  #offset = 0;

  /** `format` names the data in errors. */
  constructor(bytes: Uint8Array, format: FormatName) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#format = format;
  }

  /** Offset of the next read, in bytes. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes that are left. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Moves to an offset within the data. */
  seek(offset: number): void {
    if (!Number.isInteger(offset) || offset < 0 || offset > this.#bytes.length)
      throw this.invalid(`Offset ${offset} is outside of the data`);
    this.#offset = offset;
  }

  /** Moves on by `length` bytes. */
  skip(length: number): void {
    this.#take(length);
  }

  /** The next `length` bytes, as a view of the data. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Unsigned 8-bit integer. */
  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  /** Signed 8-bit integer. */
  i8(): number {
    return this.#view.getInt8(this.#take(1));
  }

  /** Unsigned 16-bit integer, big-endian unless `littleEndian`. */
  u16(littleEndian = false): number {
    return this.#view.getUint16(this.#take(2), littleEndian);
  }

  /** Signed 16-bit integer, big-endian unless `littleEndian`. */
  i16(littleEndian = false): number {
    return this.#view.getInt16(this.#take(2), littleEndian);
  }

  /** Unsigned 32-bit integer, big-endian unless `littleEndian`. */
  u32(littleEndian = false): number {
    return this.#view.getUint32(this.#take(4), littleEndian);
  }

  /** Signed 32-bit integer, big-endian unless `littleEndian`. */
  i32(littleEndian = false): number {
    return this.#view.getInt32(this.#take(4), littleEndian);
  }

  /** Unsigned 64-bit integer, big-endian unless `littleEndian`. */
  u64(littleEndian = false): bigint {
    return this.#view.getBigUint64(this.#take(8), littleEndian);
  }

  /** Signed 64-bit integer, big-endian unless `littleEndian`. */
  i64(littleEndian = false): bigint {
    return this.#view.getBigInt64(this.#take(8), littleEndian);
  }

  /** 32-bit float, big-endian unless `littleEndian`. */
  f32(littleEndian = false): number {
    return this.#view.getFloat32(this.#take(4), littleEndian);
  }

  /** 64-bit float, big-endian unless `littleEndian`. */
  f64(littleEndian = false): number {
    return this.#view.getFloat64(this.#take(8), littleEndian);
  }

  /** An error of this format at the current offset. */
  invalid(message: string): FormatError {
    return new FormatError('FORMAT_INVALID', message, { format: this.#format, offset: this.#offset });
  }

  #take(length: number): number {
    const start = this.#offset;
    if (!Number.isInteger(length) || length < 0 || length > this.#bytes.length - start) {
      throw this.invalid(`${length} bytes were expected at offset ${start}, ${this.#bytes.length - start} are left`);
    }
    this.#offset = start + length;
    return start;
  }
}
