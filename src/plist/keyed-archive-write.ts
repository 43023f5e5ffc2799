import { cocoaSecondsFromDate } from '../core/apple-time.js';
import { isBytes } from '../core/bytes.js';
import { limits } from '../core/limits.js';
import { writeBinaryPlist } from './binary-write.js';
import { normalizePlist, plainObject } from './plain-input.js';
import { PlistReal, PlistUid, type PlistDict, type PlistInput, type PlistValue } from './types.js';

/**
 * What can be archived: `undefined` is nil, `null` NSNull, arrays are NSArrays, `Map`s and plain objects NSDictionaries,
 * `Date`s NSDates, bytes NSData; a number is an NSNumber, a real one where it has a fraction or is a {@link PlistReal}.
 */
export type ArchiveInput =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | PlistReal
  | ArchiveObject
  | readonly ArchiveInput[]
  | ReadonlyMap<ArchiveInput, ArchiveInput>
  | { readonly [key: string]: ArchiveInput };

/** A value that stands in a field as it is, not by reference: `NS.data` of an NSMutableData, for example. */
export class ArchiveInline {
  /** Any property list value. */
  readonly value: PlistInput;
  constructor(value: PlistInput) {
    this.value = value;
  }
}

/** An object of any class. Objects may refer to one another in circles. */
export class ArchiveObject {
  /** The class and its ancestors, e.g. `['MBFile', 'NSObject']`. */
  readonly classes: readonly [string, ...string[]];
  /** Fields in their order: booleans and numbers stand inline, as `encodeInteger:forKey:` has it, other values by reference. */
  readonly fields: Readonly<Record<string, ArchiveInput | ArchiveInline>>;

  constructor(classes: readonly [string, ...string[]], fields: Readonly<Record<string, ArchiveInput | ArchiveInline>>) {
    this.classes = classes;
    this.fields = fields;
  }
}

/** An NSMutableData: unlike NSData it is an object of its own. */
export function archiveMutableData(bytes: Uint8Array): ArchiveObject {
  return new ArchiveObject(['NSMutableData', 'NSData', 'NSObject'], { 'NS.data': new ArchiveInline(bytes) });
}

/** An NSURL. */
export function archiveUrl(url: string): ArchiveObject {
  return new ArchiveObject(['NSURL', 'NSObject'], { 'NS.base': undefined, 'NS.relative': url });
}

/**
 * An archive as NSKeyedArchiver lays it out: `$null`, the root object, then each object followed by what it refers to and
 * its class; the same object, and equal strings and numbers, once.
 *
 * @throws TypeError for values that cannot be archived and field names that begin with `$`; RangeError for nesting beyond
 * `limits.nestingDepth`, integers beyond 16 bytes and invalid dates.
 */
export function keyedArchivePlist(root: ArchiveInput): PlistDict {
  const archiver = new Archiver();
  const reference = archiver.refer(root, 0);
  return new Map<string, PlistValue>([
    ['$version', 100_000],
    ['$archiver', 'NSKeyedArchiver'],
    ['$top', new Map([['root', reference]])],
    ['$objects', archiver.objects],
  ]);
}

/** A binary archive. As {@link keyedArchivePlist}, which XML archives can be written from. */
export function writeKeyedArchive(root: ArchiveInput): Uint8Array {
  return writeBinaryPlist(keyedArchivePlist(root));
}

class Archiver {
  readonly objects: PlistValue[] = ['$null'];
  readonly #references = new Map<ArchiveInput, PlistUid>();
  readonly #classes = new Map<string, PlistUid>();

  /** The reference to a value, which is appended unless it is there. */
  refer(value: ArchiveInput, depth: number): PlistUid {
    if (value === undefined) return new PlistUid(0);
    const known = this.#references.get(value);
    if (known !== undefined) return known;
    if (depth > limits.nestingDepth)
      throw new RangeError(`A keyed archive cannot be nested deeper than ${limits.nestingDepth} levels`);
    const reference = new PlistUid(this.objects.length);
    this.#references.set(value, reference);
    // A scalar is its own object; what has fields takes its place before them, so that they can refer to it.
    if (isScalar(value)) {
      this.objects.push(normalizePlist(value));
      return reference;
    }
    const fields: PlistDict = new Map();
    this.objects.push(fields);
    const object = objectFor(value);
    for (const [name, field] of Object.entries(object.fields)) {
      if (name.startsWith('$')) throw new TypeError(`The name of an archived field cannot begin with $: ${name}`);
      fields.set(name, this.#field(field, depth + 1));
    }
    fields.set('$class', this.#class(object.classes));
    return reference;
  }

  #field(value: ArchiveInput | ArchiveInline | Elements, depth: number): PlistValue {
    if (value instanceof ArchiveInline) return normalizePlist(value.value);
    if (value instanceof Elements) return value.values.map((element) => this.refer(element, depth));
    return isNumeric(value) ? normalizePlist(value) : this.refer(value, depth);
  }

  #class(classes: readonly [string, ...string[]]): PlistUid {
    const key = classes.join(' ');
    const known = this.#classes.get(key);
    if (known !== undefined) return known;
    const reference = new PlistUid(this.objects.length);
    this.#classes.set(key, reference);
    this.objects.push(
      new Map<string, PlistValue>([
        ['$classname', classes[0]],
        ['$classes', [...classes]],
      ]),
    );
    return reference;
  }
}

/** The elements of a collection, which stand inline as an array of references. */
class Elements {
  readonly values: readonly ArchiveInput[];
  constructor(values: readonly ArchiveInput[]) {
    this.values = values;
  }
}

type Numeric = boolean | number | bigint | PlistReal;
type Scalar = Numeric | string | Uint8Array;

function isNumeric(value: ArchiveInput): value is Numeric {
  return ['boolean', 'number', 'bigint'].includes(typeof value) || value instanceof PlistReal;
}

function isScalar(value: ArchiveInput): value is Scalar {
  return isNumeric(value) || typeof value === 'string' || isBytes(value);
}

/** The Foundation object that stands for a JavaScript value. */
function objectFor(value: Exclude<ArchiveInput, Scalar | undefined>): {
  readonly classes: readonly [string, ...string[]];
  readonly fields: Readonly<Record<string, ArchiveInput | ArchiveInline | Elements>>;
} {
  if (value instanceof ArchiveObject) return value;
  if (value === null) return { classes: ['NSNull', 'NSObject'], fields: {} };
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new RangeError('A keyed archive cannot hold an invalid date');
    const time = new ArchiveInline(new PlistReal(cocoaSecondsFromDate(value)));
    return { classes: ['NSDate', 'NSObject'], fields: { 'NS.time': time } };
  }
  if (Array.isArray(value))
    return { classes: ['NSArray', 'NSObject'], fields: { 'NS.objects': new Elements(value as ArchiveInput[]) } };
  if (typeof value !== 'object') throw new TypeError(`A value of type ${typeof value} cannot be archived`);
  const entries =
    value instanceof Map ? [...(value as ReadonlyMap<ArchiveInput, ArchiveInput>)] : Object.entries(plainObject(value));
  return {
    classes: ['NSDictionary', 'NSObject'],
    fields: {
      'NS.keys': new Elements(entries.map(([key]) => key)),
      'NS.objects': new Elements(entries.map(([, element]) => element)),
    },
  };
}
