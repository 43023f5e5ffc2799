import { FormatError } from '../core/errors.js';
import { checkLimit, limits } from '../core/limits.js';
import { foundationClasses, type ArchivedFields, type FoundationClass } from './archive-classes.js';
import { ArchivedObject, ArchivedText, type ArchivedValue } from './archived-value.js';
import { asArray, asDict, asNumber, asString } from './guards.js';
import { parsePlist } from './parse.js';
import { PlistNull, PlistReal, PlistUid, type PlistDict, type PlistValue } from './types.js';

const archiveVersion = 100_000;

/** Being decoded: a reference to it from within is a circle. */
const underWay = Symbol('under way');

/** What a reference to the first object, `$null`, refers to. */
const nil = Symbol('nil');

/** A class of an archive. */
interface ArchivedClass {
  /** The class and its ancestors. */
  readonly names: readonly [string, ...string[]];
  /** How its instances are decoded, where it or an ancestor is known. */
  readonly foundation: FoundationClass | undefined;
}

/**
 * An archive of NSKeyedArchiver: a graph of objects in a property list.
 *
 * Objects are decoded when they are asked for, each once: two references to one object give the same JavaScript value.
 * Circles through {@link ArchivedObject}s are fine, a collection that contains itself is an error.
 *
 * Format facts: docs/format/property-lists.md.
 */
export class KeyedArchive {
  /** Names of the top-level values, in the order of the archive; one named `root` is usual. */
  readonly topNames: readonly string[];
  readonly #top: PlistDict;
  readonly #objects: readonly PlistValue[];
  readonly #decoded = new Map<PlistValue[] | PlistDict, ArchivedValue | typeof underWay>();
  readonly #classes = new Map<PlistDict, ArchivedClass>();
  /** Levels of collections in each one that was decoded, so that sharing cannot nest deeper than the limit. */
  readonly #heights = new WeakMap<object, number>();

  private constructor(top: PlistDict, objects: readonly PlistValue[]) {
    this.#top = top;
    this.#objects = objects;
    this.topNames = [...top.keys()];
  }

  /**
   * Reads an archive, binary or XML.
   *
   * @throws {@link FormatError} `FORMAT_INVALID` where the bytes are no property list or hold no archive,
   * `FORMAT_UNSUPPORTED` for another version of the archive format, `FORMAT_LIMIT_EXCEEDED`.
   */
  static parse(bytes: Uint8Array): KeyedArchive {
    return KeyedArchive.fromPlist(parsePlist(bytes));
  }

  /** The archive that a parsed property list holds. Errors as for {@link KeyedArchive.parse}. */
  static fromPlist(plist: PlistValue): KeyedArchive {
    const archive = asDict(plist);
    const top = asDict(archive?.get('$top'));
    const objects = asArray(archive?.get('$objects'));
    if (top === undefined || objects === undefined) throw invalid('The property list holds no keyed archive');
    const version = archive?.get('$version') ?? archiveVersion;
    if (asNumber(version) !== archiveVersion)
      throw new FormatError('FORMAT_UNSUPPORTED', 'The keyed archive has an unknown version', {
        format: 'keyed-archive',
      });
    return new KeyedArchive(top, objects);
  }

  /**
   * The value named `root`, or the only top-level value where it has another name. `undefined` where it is nil or absent.
   *
   * @throws {@link FormatError} `FORMAT_INVALID` for a reference that leads nowhere or in a circle, a class without a
   * name, and a collection that contains itself; `FORMAT_LIMIT_EXCEEDED` for nesting beyond `limits.nestingDepth`.
   */
  get root(): ArchivedValue {
    const [only, another] = this.topNames;
    return this.top(this.#top.has('root') || only === undefined || another !== undefined ? 'root' : only);
  }

  /** A top-level value; `undefined` where it is nil or absent. Errors as for {@link KeyedArchive.root}. */
  top(name: string): ArchivedValue {
    const value = this.#top.get(name);
    return value === undefined ? undefined : this.#decode(value, 0);
  }

  #decode(value: PlistValue, depth: number): ArchivedValue {
    const target = this.#resolve(value);
    return isContainer(target) ? this.#once(target, depth) : scalar(target);
  }

  /** What a value refers to, also by way of references to references, which some writers make; nil is {@link nil}. */
  #resolve(value: PlistValue): PlistValue | typeof nil {
    let target = value;
    for (let steps = 0; steps <= limits.nestingDepth; steps += 1) {
      const index = referenceOf(target);
      if (index === undefined) return target;
      const next = this.#objects[index];
      if (next === undefined) throw invalid(`Object ${index} is not in the archive`);
      if (index === 0 && next === '$null') return nil;
      target = next;
    }
    throw invalid('A reference leads in a circle');
  }

  #once(value: PlistValue[] | PlistDict, depth: number): ArchivedValue {
    const known = this.#decoded.get(value);
    if (known === underWay) throw invalid('A collection contains itself');
    if (known !== undefined || this.#decoded.has(value)) {
      checkDepth(depth + this.#heightOf(known));
      return known;
    }
    checkDepth(depth + 1);
    this.#decoded.set(value, underWay);
    const decoded = this.#container(value, depth + 1);
    this.#decoded.set(value, decoded);
    return decoded;
  }

  #container(value: PlistValue[] | PlistDict, depth: number): ArchivedValue {
    if (Array.isArray(value)) return this.#measured(value.map((element) => this.#decode(element, depth)));
    const classReference = value.get('$class');
    if (classReference !== undefined) return this.#instance(value, this.#classOf(classReference), depth);
    const entries = Array.from(value, ([name, element]) => [name, this.#decode(element, depth)] as const);
    return this.#measured(new Map<ArchivedValue, ArchivedValue>(entries));
  }

  #classOf(reference: PlistValue): ArchivedClass {
    const description = this.#resolve(reference);
    if (!(description instanceof Map)) throw invalid('An object has a class without a name');
    const known = this.#classes.get(description) ?? classFrom(description);
    this.#classes.set(description, known);
    return known;
  }

  #instance(object: PlistDict, { names, foundation }: ArchivedClass, depth: number): ArchivedValue {
    const fieldNames = [...object.keys()].filter((name) => name !== '$class');
    if (
      foundation !== undefined &&
      (foundationClasses.has(names[0]) || fieldNames.every((name) => foundation.fields.test(name)))
    )
      return this.#measured(foundation.decode(this.#fields(object, depth)));
    return new ArchivedObject(names, fieldNames, (name) => {
      const value = name === '$class' ? undefined : object.get(name);
      return value === undefined ? undefined : this.#decode(value, 0);
    });
  }

  #fields(object: PlistDict, depth: number): ArchivedFields {
    const get = (name: string): ArchivedValue => {
      const value = object.get(name);
      return value === undefined ? undefined : this.#decode(value, depth);
    };
    return {
      get,
      list(name, numbered) {
        const value = get(name);
        if (Array.isArray(value)) return value as readonly ArchivedValue[];
        const elements: ArchivedValue[] = [];
        while (object.has(`${numbered}${elements.length}`)) elements.push(get(`${numbered}${elements.length}`));
        return elements;
      },
    };
  }

  /** Notes the height of a new collection. */
  #measured<T extends ArchivedValue>(value: T): T {
    if (typeof value !== 'object' || value === null || this.#heights.has(value)) return value;
    let height = 0;
    for (const child of childrenOf(value)) height = Math.max(height, this.#heightOf(child));
    this.#heights.set(value, height + 1);
    return value;
  }

  #heightOf(value: ArchivedValue): number {
    return typeof value === 'object' && value !== null ? (this.#heights.get(value) ?? 0) : 0;
  }
}

function* childrenOf(value: ArchivedValue): Iterable<ArchivedValue> {
  if (Array.isArray(value)) yield* value as readonly ArchivedValue[];
  else if (value instanceof ArchivedText) for (const run of value.runs) yield run.attributes;
  else if (value instanceof Map) {
    yield* value.keys() as Iterable<ArchivedValue>;
    yield* value.values() as Iterable<ArchivedValue>;
  }
}

/** The index that a value refers to. Besides UIDs, the dictionary that stands for one in XML is taken anywhere. */
function referenceOf(value: PlistValue): number | undefined {
  if (value instanceof PlistUid) return value.value;
  if (!(value instanceof Map) || value.size !== 1) return undefined;
  return asNumber(value.get('CF$UID'));
}

function isContainer(value: PlistValue | typeof nil): value is PlistValue[] | PlistDict {
  return Array.isArray(value) || value instanceof Map;
}

function scalar(value: Exclude<PlistValue, PlistValue[] | PlistDict> | typeof nil): ArchivedValue {
  if (value instanceof PlistReal) return value.value;
  if (value instanceof PlistNull) return null;
  return value === nil || value instanceof PlistUid ? undefined : value;
}

function classFrom(description: PlistDict): ArchivedClass {
  const name = asString(description.get('$classname'));
  if (name === undefined) throw invalid('An object has a class without a name');
  const chain = (asArray(description.get('$classes')) ?? []).filter((name): name is string => typeof name === 'string');
  const names: readonly [string, ...string[]] = [name, ...(chain[0] === name ? chain.slice(1) : chain)];
  const known = names.find((name) => foundationClasses.has(name));
  return { names, foundation: known === undefined ? undefined : foundationClasses.get(known) };
}

function checkDepth(depth: number): void {
  if (depth <= limits.nestingDepth) return;
  checkLimit(depth, limits.nestingDepth, {
    what: 'Nesting of a keyed archive (nestingDepth)',
    format: 'keyed-archive',
  });
}

function invalid(message: string): FormatError {
  return new FormatError('FORMAT_INVALID', message, { format: 'keyed-archive' });
}
