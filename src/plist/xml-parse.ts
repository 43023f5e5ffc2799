import { SaxesParser } from 'saxes';
import { FormatError } from '../core/errors.js';
import { checkLimit, limits } from '../core/limits.js';
import { PlistUid, type PlistDict, type PlistValue } from './types.js';
import { xmlScalars } from './xml-scalars.js';
import { decodeXml } from './xml-text.js';

/** The one key of a dictionary that stands for a UID, which XML has no element for. */
const uidKey = 'CF$UID';

/**
 * Reads an XML property list into the same model as a binary one: integers exact up to 16 bytes, hexadecimal ones too,
 * integer and real distinct, `CF$UID` dictionaries as {@link PlistUid}. Of equal keys the last value counts.
 *
 * Document types are skipped: entities that they define are unknown, so nothing expands. Control characters, which XML
 * forbids and Apple's writer lets through, are read as they are.
 *
 * @throws {@link FormatError} `FORMAT_INVALID` for anything but one well-formed property list, `FORMAT_LIMIT_EXCEEDED`,
 * `FORMAT_UNSUPPORTED` for unknown text encodings.
 */
export function parseXmlPlist(bytes: Uint8Array): PlistValue {
  checkLimit(bytes.length, limits.plistBytes, { what: 'Length of a property list (plistBytes)', format: 'plist' });
  return new XmlPlistParser(decodeXml(bytes)).parse();
}

/** An element that is open. */
interface OpenElement {
  readonly name: string;
  /** What it holds so far: values of an array or of `plist`, or keys and values in turn. */
  readonly values: PlistValue[];
}

/** Elements that hold others. */
const containers = new Set(['plist', 'dict', 'array']);
const empty = new Set(['true', 'false']);
const mostControls = 10_000;

class XmlPlistParser {
  readonly #text: string;
  readonly #parser = new SaxesParser({ position: false });
  /** Open containers from the top down, below a document that holds the one value. */
  readonly #open: OpenElement[] = [{ name: '', values: [] }];
  /** The element with text that is open. */
  #leaf: string | undefined;
  #leafText = '';
  #controls = 0;

  constructor(text: string) {
    this.#text = text.trimStart();
  }

  parse(): PlistValue {
    const parser = this.#parser;
    parser.on('error', (error) => {
      // Apple writes control characters as they are, and reads them. Each costs an error here, so there is a bound.
      this.#controls += 1;
      if (error.message !== 'disallowed character.' || this.#controls > mostControls)
        throw this.#invalid(error.message);
    });
    parser.on('opentagstart', (tag) => {
      this.#openElement(tag.name);
    });
    parser.on('text', (text) => {
      this.#characters(text);
    });
    parser.on('cdata', (text) => {
      this.#characters(text);
    });
    parser.on('closetag', (tag) => {
      this.#closeElement(tag.name);
    });
    parser.write(this.#text).close();
    const [value] = this.#open[0]?.values ?? [];
    if (value === undefined) throw this.#invalid('it has no value');
    return value;
  }

  #openElement(name: string): void {
    if (this.#leaf !== undefined) throw this.#invalid(`<${this.#leaf}> cannot hold elements`);
    const parent = this.#open.at(-1);
    if (parent === undefined) throw this.#invalid('it has several top elements');
    const wantsKey = parent.name === 'dict' && parent.values.length % 2 === 0;
    if ((name === 'key') !== wantsKey) throw this.#invalid('the keys and values of a dictionary do not alternate');
    if ((parent.name === '' || parent.name === 'plist') && parent.values.length > 0)
      throw this.#invalid('it has several values');
    if (!containers.has(name)) {
      if (name !== 'key' && !empty.has(name) && !xmlScalars.has(name)) throw this.#invalid('it has an unknown element');
      this.#leaf = name;
      this.#leafText = '';
      return;
    }
    if (name === 'plist' && parent.name !== '') throw this.#invalid('<plist> is not the top element');
    // The document and <plist> are no levels of the value.
    checkLimit(this.#open.length - 1, limits.nestingDepth, {
      what: 'Nesting of a property list (nestingDepth)',
      format: 'plist',
    });
    this.#open.push({ name, values: [] });
  }

  #characters(text: string): void {
    if (this.#leaf !== undefined) this.#leafText += text;
    else if (/[^ \t\r\n]/.test(text)) throw this.#invalid('there is text between its elements');
  }

  #closeElement(name: string): void {
    const value = this.#leaf === undefined ? this.#closeContainer() : this.#closeLeaf(name);
    this.#leaf = undefined;
    if (value === undefined) throw this.#invalid(`<${name}> has no valid value`);
    this.#open.at(-1)?.values.push(value);
  }

  #closeLeaf(name: string): PlistValue | undefined {
    const text = this.#leafText;
    if (name === 'key') return text;
    if (empty.has(name)) return text.trim() === '' ? name === 'true' : undefined;
    return xmlScalars.get(name)?.(text);
  }

  #closeContainer(): PlistValue | undefined {
    const element = this.#open.pop();
    if (element?.name === 'array') return element.values;
    return element?.name === 'dict' ? this.#dict(element.values) : element?.values[0];
  }

  #dict(values: readonly PlistValue[]): PlistDict | PlistUid {
    if (values.length % 2 !== 0) throw this.#invalid('a dictionary has a key without a value');
    const [key, uid] = values;
    if (values.length === 2 && key === uidKey && Number.isSafeInteger(uid) && Number(uid) >= 0)
      return new PlistUid(Number(uid));
    const dict: PlistDict = new Map();
    for (let i = 0; i < values.length; i += 2) dict.set(values[i] as string, values[i + 1] as PlistValue);
    return dict;
  }

  #invalid(why: string): FormatError {
    const line = this.#text.slice(0, this.#parser.position).split('\n').length;
    const detail = why.replace(/\.$/, '');
    return new FormatError('FORMAT_INVALID', `An XML property list cannot be read: ${detail} (line ${line})`, {
      format: 'plist',
    });
  }
}
