import { FormatError } from '../core/errors.js';
import { utf8DecodeStrict } from '../core/bytes.js';

const invalidText = (encoding: string): FormatError =>
  new FormatError('FORMAT_INVALID', `An XML property list is not valid ${encoding}`, { format: 'plist' });

/**
 * The text of an XML property list. The encoding comes from the byte order mark, else from the position of zero bytes,
 * else from the XML declaration, else it is UTF-8.
 *
 * @throws {@link FormatError} `FORMAT_INVALID` for bytes that the encoding does not have, `FORMAT_UNSUPPORTED` for unknown encodings.
 */
export function decodeXml(bytes: Uint8Array): string {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return decodeUtf8(bytes.subarray(3));
  if (first === 0xff && second === 0xfe) return decodeAs('utf-16le', bytes.subarray(2));
  if (first === 0xfe && second === 0xff) return decodeAs('utf-16be', bytes.subarray(2));
  if (first === 0x3c && second === 0x00) return decodeAs('utf-16le', bytes);
  if (first === 0x00 && second === 0x3c) return decodeAs('utf-16be', bytes);
  const declared = declaredEncoding(bytes);
  // A declaration that can be read byte by byte is not in UTF-16, whatever it says.
  if (declared === undefined || /^utf-?(8|16)/.test(declared)) return decodeUtf8(bytes);
  return decodeAs(declared, bytes);
}

function declaredEncoding(bytes: Uint8Array): string | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 200));
  return /^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']/.exec(start)?.[1]?.toLowerCase();
}

function decodeUtf8(bytes: Uint8Array): string {
  const text = utf8DecodeStrict(bytes);
  if (text === undefined) throw invalidText('UTF-8');
  return text;
}

function decodeAs(encoding: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    // A label that no decoder has is a RangeError, bytes that the encoding does not have a TypeError.
    if (cause instanceof TypeError) throw invalidText(encoding.toUpperCase());
    throw new FormatError('FORMAT_UNSUPPORTED', `An XML property list has the unknown encoding ${encoding}`, {
      format: 'plist',
      cause,
    });
  }
}
