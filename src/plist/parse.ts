import { latin1Decode } from '../core/bytes.js';
import { FormatError } from '../core/errors.js';
import { parseBinaryPlist } from './binary-parse.js';
import { isBinaryPlist } from './binary-reader.js';
import { parseXmlPlist } from './xml-parse.js';
import type { PlistValue } from './types.js';

/**
 * Reads a property list, binary or XML, told apart by content.
 *
 * @throws {@link FormatError} `FORMAT_INVALID` for what is neither, also for empty data; `FORMAT_UNSUPPORTED` for the old
 * text form (NeXT, OpenStep, `.strings`) and unknown versions; `FORMAT_LIMIT_EXCEEDED`.
 */
export function parsePlist(bytes: Uint8Array): PlistValue {
  if (isBinaryPlist(bytes)) return parseBinaryPlist(bytes);
  const start = startOfText(bytes);
  if (textForm.test(start))
    throw new FormatError('FORMAT_UNSUPPORTED', 'Property lists in a text form other than XML are not read', {
      format: 'plist',
      offset: 0,
    });
  if (start.startsWith('<')) return parseXmlPlist(bytes);
  throw new FormatError('FORMAT_INVALID', 'Data is no property list', { format: 'plist', offset: 0 });
}

/** Beginnings of the old form: `{`, `(`, a quoted string, a comment, `<` with hexadecimal digits, or `name =` of `.strings`. */
const textForm = /^(?:[{("]|\/[/*]|<[0-9a-f\s]*>|[\w.-]+\s*=)/i;

/** The first characters, one byte each, without byte order mark, white space and the zero bytes of UTF-16. */
function startOfText(bytes: Uint8Array): string {
  const skipped = new Set([0xef, 0xbb, 0xbf, 0xfe, 0xff, 0x00, 0x09, 0x0a, 0x0d, 0x20]);
  const start = bytes.findIndex((byte) => !skipped.has(byte));
  return start < 0 ? '' : latin1Decode(bytes.subarray(start, start + 256)).replaceAll('\0', '');
}
