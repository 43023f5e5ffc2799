import { build } from 'plist';
import { isBytes, utf8Encode } from '../core/bytes.js';
import { Expansion } from './expansion.js';
import { normalizePlist } from './plain-input.js';
import { PlistNull, PlistReal, PlistUid, type PlistInput, type PlistValue } from './types.js';

/**
 * Writes an XML property list in UTF-8, keys in their order. XML has no fractions of seconds: dates are cut to whole ones.
 * A dictionary with the one key `CF$UID` and an integer is read back as a UID.
 *
 * @throws TypeError for values that an XML property list cannot hold, {@link PlistNull} too, and for values that contain
 * themselves; RangeError for integers beyond 16 bytes, invalid dates and UIDs, unpaired surrogates, nesting beyond
 * `limits.nestingDepth`, and more values or text than `limits.plistExpandedValues` and `limits.plistExpandedBytes` allow.
 */
export function writeXmlPlist(value: PlistInput): Uint8Array {
  const input = new BuilderInput();
  const text = build(input.value(normalizePlist(value)), { indent: '\t' });
  return utf8Encode(`${input.restore(text)}\n`);
}

/** What `build` takes. */
type Buildable = Parameters<typeof build>[0];

/** First character of a placeholder: private use, allowed in XML. */
const mark = '\u{E000}';

// oxlint-disable-next-line no-control-regex -- the characters that XML 1.0 allows.
const beyondXml = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/**
 * Prepares values for the `plist` package. It writes reals without a fraction as integers, reorders keys that look like
 * array indexes, knows no infinities and no years beyond 9999, and refuses control characters, which Apple writes as they
 * are. Each such value or key goes in as a numbered placeholder, and its exact element takes the placeholder's place.
 */
class BuilderInput {
  readonly #elements: string[] = [];
  readonly #expansion = new Expansion();

  value(value: PlistValue): Buildable {
    if (!this.#expansion.add(value)) throw new RangeError('The value is too large for an XML property list');
    if (typeof value === 'string') return isBuildable(value) ? value : this.#place('string', escape(value));
    if (Array.isArray(value)) return value.map((element) => this.value(element));
    if (value instanceof Map) return this.#dict(value);
    if (value instanceof PlistReal) {
      const isFraction = Number.isFinite(value.value) && !Number.isInteger(value.value);
      return isFraction ? value.value : this.#place('real', realText(value.value));
    }
    if (value instanceof PlistUid) return { CF$UID: value.value };
    if (value instanceof Date) {
      const year = value.getUTCFullYear();
      return year >= 0 && year <= 9999 ? value : this.#place('date', dateText(value));
    }
    if (value instanceof PlistNull) throw new TypeError('An XML property list cannot hold null');
    return isBytes(value) ? value : (value as Buildable);
  }

  /** Puts the exact elements in the places of their placeholders. */
  restore(text: string): string {
    return this.#elements.length === 0
      ? text
      : text.replaceAll(
          /<(string|key)>\u{E000}(\d+)<\/\1>/gu,
          (_all, _name, index) => this.#elements[Number(index)] ?? '',
        );
  }

  #dict(dict: ReadonlyMap<string, PlistValue>): Buildable {
    const object = Object.create(null) as Record<string, Buildable>;
    for (const [key, value] of dict) {
      const isIndex = /^\d+$/.test(key);
      object[isBuildable(key) && !isIndex ? key : this.#place('key', escape(key))] = this.value(value);
    }
    return object;
  }

  #place(name: string, content: string): string {
    this.#elements.push(`<${name}>${content}</${name}>`);
    return `${mark}${this.#elements.length - 1}`;
  }
}

/** Whether the package writes this text as it is. What looks like a placeholder becomes one. */
function isBuildable(text: string): boolean {
  return !text.startsWith(mark) && !beyondXml.test(text);
}

function escape(text: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new RangeError('An XML property list cannot hold unpaired surrogates');
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#xD;');
}

function realText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-infinity' : '+infinity';
  return Object.is(value, -0) ? '-0' : String(value);
}

/** ISO 8601 with years in as many digits as they need, at least four. */
function dateText(date: Date): string {
  return date
    .toISOString()
    .replace(/^\+?(-?)0{0,2}/, '$1')
    .replace(/\.\d+Z$/, 'Z');
}
