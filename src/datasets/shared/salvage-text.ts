import { utf8DecodeStrict, utf8Encode } from '../../core/bytes.js';

/**
 * The text of the first string in a damaged typedstream, found by pattern and not by structure: what is left of a message whose
 * body cannot be decoded. `undefined` where nothing that is certainly text is found. FORMAT facts: docs/format/typedstream.md.
 */
export function salvageText(bytes: Uint8Array): string | undefined {
  const name = indexOf(bytes, 'NSString') ?? indexOf(bytes, 'NSMutableString');
  if (name === undefined) return undefined;
  // Between the class name and the text there are the version, the superclass and the type encoding: a few bytes.
  const plus = bytes.indexOf(0x2b, name);
  if (plus === -1 || plus - name > 48) return undefined;
  const head = bytes[plus + 1];
  if (head === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = plus + 2 + (head === 0x81 ? 2 : head === 0x82 ? 4 : 0);
  if (start > bytes.length) return undefined;
  const length = head === 0x81 ? view.getUint16(plus + 2, true) : head === 0x82 ? view.getUint32(plus + 2, true) : head;
  const stated = bytes.subarray(start, start + length);
  const text = utf8DecodeStrict(stated.subarray(0, validUtf8Length(stated)));
  return text === '' ? undefined : text;
}

/**
 * Bytes at the start that are whole characters. Where the stated length is wrong, they end with the string itself, because
 * the tag `86` after it cannot begin a character.
 */
function validUtf8Length(bytes: Uint8Array): number {
  let end = 0;
  while (end < bytes.length) {
    const length = characterLength(bytes[end] ?? 0);
    if (length === 0 || end + length > bytes.length) break;
    if (utf8DecodeStrict(bytes.subarray(end, end + length)) === undefined) break;
    end += length;
  }
  return end;
}

/** Bytes of a character by its first one; 0 where none begins so. */
function characterLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

function indexOf(bytes: Uint8Array, name: string): number | undefined {
  const codes = utf8Encode(name);
  for (let start = 0; start + codes.length <= bytes.length; start++) {
    if (codes.every((code, index) => bytes[start + index] === code)) return start + codes.length;
  }
  return undefined;
}
