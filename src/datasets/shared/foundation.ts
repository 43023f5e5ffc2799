import { dateFromCocoaSeconds } from '../../core/apple-time.js';
import { utf8DecodeStrict } from '../../core/bytes.js';
import { FormatError } from '../../core/errors.js';
import { checkLimit, limits } from '../../core/limits.js';
import type { TypedGroup, TypedObject, TypedValue } from './typedstream.js';

// What Foundation's classes write into a typedstream. FORMAT facts: docs/format/typedstream.md.

/** An attributed string: the text, and runs that cover it one after the other. */
export interface AttributedString {
  readonly text: string;
  readonly runs: readonly AttributeRun[];
}

/** A stretch of text with its attributes. */
export interface AttributeRun {
  /** Start in UTF-16 units, as JavaScript strings count. */
  readonly start: number;
  /** Length in UTF-16 units. */
  readonly length: number;
  readonly attributes: ReadonlyMap<string, FoundationValue>;
}

/** A Foundation object as a JavaScript value; objects of other classes are kept as they were archived. */
export type FoundationValue =
  | string
  | number
  | boolean
  | Date
  | URL
  | Uint8Array
  | AttributedString
  | readonly FoundationValue[]
  | ReadonlyMap<string, FoundationValue>
  | TypedObject
  | undefined;

/** Longest chain of superclasses that is looked at; Foundation's have four. A damaged one may be a circle. */
const longestChain = 32;

/** Whether `object` is of the class `name` or one derived from it. */
export function isKindOf(object: TypedObject, name: string): boolean {
  let step = object.class;
  for (let left = longestChain; left > 0 && step !== undefined; left--) {
    if (step.name === name) return true;
    step = step.superclass;
  }
  return false;
}

/** The text of an NSString or NSMutableString. @throws {@link FormatError} `FORMAT_INVALID` */
export function decodeString(object: TypedObject): string {
  const [value] = object.groups.find(({ encoding }) => encoding === '+')?.values ?? [];
  const text = value instanceof Uint8Array ? utf8DecodeStrict(value) : undefined;
  if (text === undefined) throw invalid('A string has no text');
  return text;
}

/**
 * An NSAttributedString or NSMutableAttributedString. Runs must cover the text and nothing else; a text without any run is allowed.
 *
 * @throws {@link FormatError} with code `FORMAT_INVALID`.
 */
export function decodeAttributedString(object: TypedObject): AttributedString {
  return new FoundationDecoder().attributedString(object);
}

/** Any archived value as a {@link FoundationValue}. @throws {@link FormatError} `FORMAT_INVALID` */
export function decodeFoundation(value: TypedValue): FoundationValue {
  return new FoundationDecoder().decode(value);
}

class FoundationDecoder {
  /** Shared objects are decoded once; one that is asked for while it is being decoded contains itself. */
  readonly #decoded = new Map<TypedObject, FoundationValue>();
  readonly #open = new Set<TypedObject>();

  decode(value: TypedValue): FoundationValue {
    if (!isObject(value)) return plainValue(value);
    if (this.#decoded.has(value)) return this.#decoded.get(value);
    if (this.#open.has(value)) throw invalid('An object contains itself');
    this.#open.add(value);
    checkLimit(this.#open.size, limits.nestingDepth, { what: 'Nesting of objects', format: 'typedstream' });
    const decoded = this.#object(value);
    this.#open.delete(value);
    this.#decoded.set(value, decoded);
    return decoded;
  }

  attributedString(object: TypedObject): AttributedString {
    const values = new Cursor(object.groups);
    const content = values.take('@');
    if (!isObject(content) || !isKindOf(content, 'NSString')) throw invalid('An attributed string has no text');
    const text = decodeString(content);
    const sets = new Map<number, ReadonlyMap<string, FoundationValue>>();
    const runs: AttributeRun[] = [];
    let start = 0;
    while (!values.atEnd) {
      const [index, length] = values.takePair('iI');
      let attributes = sets.get(index);
      if (attributes === undefined) {
        const decoded = this.decode(values.take('@'));
        if (!(decoded instanceof Map)) throw invalid('A run has no dictionary of attributes');
        attributes = decoded as ReadonlyMap<string, FoundationValue>;
        sets.set(index, attributes);
      }
      if (length > text.length - start) throw invalid('The runs are longer than the text');
      runs.push({ start, length, attributes });
      start += length;
    }
    if (runs.length > 0 && start !== text.length) throw invalid('The runs are shorter than the text');
    return { text, runs };
  }

  #object(object: TypedObject): FoundationValue {
    if (isKindOf(object, 'NSString')) return decodeString(object);
    if (isKindOf(object, 'NSAttributedString')) return this.attributedString(object);
    const values = new Cursor(object.groups);
    if (isKindOf(object, 'NSDictionary')) {
      const dictionary = new Map<string, FoundationValue>();
      for (let left = values.takeCount(); left > 0; left--) {
        const key = this.decode(values.take('@'));
        if (typeof key !== 'string') throw invalid('A dictionary has a key that is no string');
        dictionary.set(key, this.decode(values.take('@')));
      }
      return dictionary;
    }
    if (isKindOf(object, 'NSArray') || isKindOf(object, 'NSSet')) {
      const list: FoundationValue[] = [];
      for (let left = values.takeCount(); left > 0; left--) list.push(this.decode(values.take('@')));
      return list;
    }
    if (isKindOf(object, 'NSNumber')) {
      values.take('*');
      const number = values.take();
      if (typeof number !== 'number' && typeof number !== 'boolean') throw invalid('A number has no value');
      return number;
    }
    if (isKindOf(object, 'NSData')) {
      const length = values.takeCount();
      const bytes = length === 0 && values.atEnd ? new Uint8Array() : values.take();
      if (!(bytes instanceof Uint8Array) || bytes.length !== length) throw invalid('Data has not the length it states');
      return bytes;
    }
    if (isKindOf(object, 'NSDate')) {
      const seconds = values.take('d');
      return typeof seconds === 'number' ? dateFromCocoaSeconds(seconds) : undefined;
    }
    if (isKindOf(object, 'NSURL')) return this.#url(values);
    return object;
  }

  #url(values: Cursor): URL | string {
    const isRelative = values.take('c') !== 0;
    const base = isRelative ? this.decode(values.take('@')) : undefined;
    const text = this.decode(values.take('@'));
    if (typeof text !== 'string') throw invalid('A URL has no text');
    try {
      return base instanceof URL || typeof base === 'string' ? new URL(text, base) : new URL(text);
    } catch {
      return text;
    }
  }
}

/** Takes the values of an object's groups in order; what a class writes in several calls or in one is the same to it. */
class Cursor {
  readonly #values: { readonly encoding: string; readonly value: TypedValue }[];
  #next = 0;

  constructor(groups: readonly TypedGroup[]) {
    this.#values = groups.flatMap(({ encoding, values }) => values.map((value) => ({ encoding, value })));
  }

  get atEnd(): boolean {
    return this.#next >= this.#values.length;
  }

  take(encoding?: string): TypedValue {
    const entry = this.#values[this.#next];
    if (entry === undefined) throw invalid('An object lacks a value');
    if (encoding !== undefined && !entry.encoding.includes(encoding)) {
      throw invalid(`An object has a value of another type where ${encoding} was expected`);
    }
    this.#next++;
    return entry.value;
  }

  takeCount(): number {
    const count = this.take();
    if (typeof count !== 'number' || count < 0) throw invalid('A collection has no valid count');
    return count;
  }

  takePair(encoding: string): [number, number] {
    const first = this.take(encoding);
    const second = this.take(encoding);
    if (typeof first !== 'number' || typeof second !== 'number') throw invalid('A run has no index and length');
    return [first, second];
  }
}

function isObject(value: TypedValue): value is TypedObject {
  return typeof value === 'object' && 'kind' in value && value.kind === 'object';
}

function plainValue(value: TypedValue): FoundationValue {
  if (typeof value !== 'object' || value instanceof Uint8Array) return value;
  if ('text' in value) return value.text;
  throw invalid('An archive has a value where an object was expected');
}

function invalid(message: string): FormatError {
  return new FormatError('FORMAT_INVALID', message, { format: 'typedstream' });
}
