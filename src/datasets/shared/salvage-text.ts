import { utf8DecodeStrict } from '../../core/bytes.js';

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
  const whole = start + length <= bytes.length ? utf8DecodeStrict(bytes.subarray(start, start + length)) : undefined;
  return whole ?? untilEndOfObject(bytes.subarray(start));
}

/** `86 84` ends the string and begins the next group; neither byte can stand there in UTF-8. */
function untilEndOfObject(bytes: Uint8Array): string | undefined {
  const end = bytes.findIndex((byte, index) => byte === 0x86 && (bytes[index + 1] ?? 0x84) === 0x84);
  const text = utf8DecodeStrict(end === -1 ? bytes : bytes.subarray(0, end));
  return text === '' ? undefined : text;
}

function indexOf(bytes: Uint8Array, name: string): number | undefined {
  const codes = [...name].map((character) => character.charCodeAt(0));
  for (let start = 0; start + codes.length <= bytes.length; start++) {
    if (codes.every((code, index) => bytes[start + index] === code)) return start + codes.length;
  }
  return undefined;
}
