// Without bigints, which would be garbage by the hundred thousand.

/** Writes an unsigned 64-bit number, little-endian; exact up to 2^53. */
export function putU64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % 2 ** 32, at);
  bytes.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}

/** Reads an unsigned 64-bit number, little-endian. Not exact beyond 2^53, where every limit refuses it. */
export function getU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}

/** Reads a signed 64-bit number, little-endian, as exact as {@link getU64}. */
export function getI64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readInt32LE(at + 4) * 2 ** 32;
}
