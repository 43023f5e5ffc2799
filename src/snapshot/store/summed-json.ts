import { hexEncode, utf8DecodeStrict, utf8Encode } from '../../core/bytes.js';
import { sha256 } from '../format/framed.js';

/** The bytes of a JSON file that says of itself what it must hash to. @see docs/format/snapshot-store.md#sums */
export function encodeSummed(value: object): Uint8Array {
  const plain = withoutUndefined(value);
  return utf8Encode(`${JSON.stringify({ ...plain, sum: sumOf(plain) }, undefined, 2)}\n`);
}

/** Whether the bytes are as they were written; `undefined` where they do not say. */
export function isIntact(bytes: Uint8Array): boolean | undefined {
  try {
    const { sum, ...rest } = JSON.parse(utf8DecodeStrict(bytes) ?? '') as Readonly<Record<string, unknown>>;
    if (sum === undefined) return undefined;
    return sum === sumOf(rest) && Buffer.from(encodeSummed(rest)).equals(bytes);
  } catch {
    return false;
  }
}

function sumOf(value: object): string {
  return hexEncode(sha256(utf8Encode(JSON.stringify(value))));
}

function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}
