import { crc32 } from 'node:zlib';
import { concatBytes, utf8Encode } from '../../core/bytes.js';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Modulus of Adler-32 (RFC 1950 §8.2). */
const adlerModulus = 65_521;
/** Most bytes of a stored block (RFC 1951 §3.2.4). */
const storedBlockBytes = 65_535;

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = concatBytes([utf8Encode(type), data]);
  return concatBytes([uint32(data.length), body, uint32(crc32(body))]);
}

function adler32(data: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (const byte of data) {
    low = (low + byte) % adlerModulus;
    high = (high + low) % adlerModulus;
  }
  return high * 65_536 + low;
}

/** A zlib stream without compression: its bytes are the same whatever version of zlib is at hand. */
function storedZlib(data: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  for (let offset = 0; offset < data.length; offset += storedBlockBytes) {
    const block = data.subarray(offset, offset + storedBlockBytes);
    const isLast = offset + storedBlockBytes >= data.length ? 1 : 0;
    const { length } = block;
    parts.push(Uint8Array.of(isLast, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff), block);
  }
  return concatBytes([...parts, uint32(adler32(data))]);
}

/** A square picture that fades from one colour to another: a valid PNG of RGB pixels. Colours are red, green and blue, 0 to 255. */
export function gradientPng(pixels: number, from: Uint8Array, to: Uint8Array): Uint8Array {
  const row = 1 + pixels * 3;
  const data = new Uint8Array(row * pixels);
  for (let y = 0; y < pixels; y += 1) {
    for (let x = 0; x < pixels; x += 1) {
      const share = (x + y) / (2 * pixels);
      for (let c = 0; c < 3; c += 1) {
        data[y * row + 1 + x * 3 + c] = Math.round((from[c] ?? 0) * (1 - share) + (to[c] ?? 0) * share);
      }
    }
  }
  const header = concatBytes([uint32(pixels), uint32(pixels), Uint8Array.of(8, 2, 0, 0, 0)]);
  return concatBytes([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', storedZlib(data)),
    chunk('IEND', new Uint8Array()),
  ]);
}
