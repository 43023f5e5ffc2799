import { sha1Hex } from './hash.js';
import type { NameRules } from './types.js';

/** Longest component, in bytes of UTF-8: ext4, APFS and exFAT or NTFS (255 UTF-16 units) all take it. */
export const maxNameBytes = 255;

/** What stands for a component without any characters. */
const emptyName = '%_';

/** Literal text that would be read as an escape. */
const escapeLike = /%(?=[0-9A-F]{2}|u[0-9A-F]{4})/g;
const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const unsafeOnPosix = /[\0/]/g;
/** Windows' reserved characters, and control characters, which terminals obey. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const unsafeAnywhere = /[\u0000-\u001F\u007F-\u009F"*/:<>?\\|]/g;
/** Names of devices, with any extension, superscript digits included. */
const windowsDevice = /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9¹²³])[ .]*(?:\.|$)/i;
/** May be the short alias that Windows gave to another file of the folder. */
const windowsShortName = /^[^.~]{0,6}~[0-9]{1,6}(?:\.[^.]{0,3})?$/;
const plain = /^[A-Za-z0-9_][A-Za-z0-9_ -]*(?:\.[A-Za-z0-9_-]+)?$/;

/** Safe without a closer look: no device has such a name, no dot or space is at its end. */
const surelySafe = /^[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]+)*$/;

const escapeCharacter = (character: string): string => {
  const code = character.charCodeAt(0);
  const hex = code.toString(16).toUpperCase();
  return code < 0x80 ? `%${hex.padStart(2, '0')}` : `%u${hex.padStart(4, '0')}`;
};

/**
 * A file name that is safe under `rules`, from any text; distinct texts give distinct names.
 *
 * ASCII characters that are not safe become `%` and two upper-case hex digits, others `%u` and four; a `%` that would
 * read as such becomes `%25`. Of a reserved name the first letter is escaped (`%43ON`), of a trailing dot or space the
 * last character, of a Windows short name the tilde. No characters at all become `%_`. The length is not limited.
 */
export function escapeName(text: string, rules: NameRules = 'portable'): string {
  if (surelySafe.test(text)) return text;
  if (text === '') return emptyName;
  if (text === emptyName) return '%25_';
  let name = text.replace(escapeLike, '%25').replace(loneSurrogate, escapeCharacter);
  if (rules === 'posix') {
    name = name.replace(unsafeOnPosix, escapeCharacter);
    return name === '.' || name === '..' ? name.replace(/\.$/, '%2E') : name;
  }
  if (windowsDevice.test(text)) name = escapeCharacter(name.charAt(0)) + name.slice(1);
  if (windowsShortName.test(text)) name = name.replace('~', '%7E');
  return name.replace(unsafeAnywhere, escapeCharacter).replace(/[ .]$/, escapeCharacter);
}

/** The text that {@link escapeName} made `name` from, under any rules. */
export function unescapeName(name: string): string {
  if (name === emptyName) return '';
  return name.replace(/%(?:([0-9A-F]{2})|u([0-9A-F]{4}))/g, (_match, short: string | undefined, long?: string) =>
    String.fromCharCode(parseInt(short ?? long ?? '', 16)),
  );
}

/**
 * `name` with `suffix` before its extension, of at most {@link maxNameBytes}: where it is longer, the end of the stem
 * gives way to `~` and ten hex digits of its SHA-1.
 */
export function fitName(name: string, suffix = ''): { name: string; shortened: boolean } {
  if (suffix === '' && (plain.test(name) ? name.length : Buffer.byteLength(name)) <= maxNameBytes)
    return { name, shortened: false };
  const [stem, extension] = splitExtension(name);
  if (Buffer.byteLength(name) + Buffer.byteLength(suffix) <= maxNameBytes)
    return { name: stem + suffix + extension, shortened: false };
  const tail = `~${sha1Hex(name).slice(0, 10)}${suffix}${extension}`;
  return { name: cutToBytes(stem, maxNameBytes - Buffer.byteLength(tail)) + tail, shortened: true };
}

function splitExtension(name: string): [string, string] {
  const dot = name.lastIndexOf('.');
  const usual = dot > 0 && name.length - dot <= 20 && /^\.[A-Za-z0-9_-]+$/.test(name.slice(dot));
  return usual ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
}

function cutToBytes(text: string, limit: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > limit) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/**
 * Equal for names that some file system takes for the same: case (NTFS, APFS, exFAT), Unicode form (APFS) and
 * characters without a shape (HFS+) do not count. It may be equal for more names than any one system confuses.
 */
export function foldName(name: string): string {
  if (plain.test(name)) return name.toLowerCase();
  return name
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .normalize('NFD')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFC');
}
