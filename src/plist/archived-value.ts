/**
 * What an object of an NSKeyedArchiver archive becomes.
 *
 * `undefined` is nil, `null` is NSNull; NSArray, NSSet and NSOrderedSet and their kin are arrays, NSDictionary is a `Map`
 * whose keys may be of any type; NSString, NSURL (resolved against its base) and NSUUID (upper-case) are strings; NSNumber
 * is a number, `bigint` beyond ±(2^53 − 1), or a boolean; an NSDate that no `Date` holds is `undefined`. Every other class is an {@link ArchivedObject}.
 */
export type ArchivedValue =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | ArchivedText
  | ArchivedObject
  | readonly ArchivedValue[]
  | ReadonlyMap<ArchivedValue, ArchivedValue>;

/** A dictionary of an archive. */
export type ArchivedMap = ReadonlyMap<ArchivedValue, ArchivedValue>;

/** An NSAttributedString. */
export class ArchivedText {
  /** The characters. */
  readonly text: string;
  /** The runs in order; none where the attributes cannot be read. */
  readonly runs: readonly ArchivedTextRun[];

  constructor(text: string, runs: readonly ArchivedTextRun[]) {
    this.text = text;
    this.runs = runs;
  }
}

/** Characters of an {@link ArchivedText} that have the same attributes. */
export interface ArchivedTextRun {
  /** First character, in UTF-16 code units from 0. */
  readonly start: number;
  /** Number of UTF-16 code units. */
  readonly length: number;
  /** Attributes by name. */
  readonly attributes: ArchivedMap;
}

/** An object of a class that has no JavaScript counterpart. Its fields are decoded when they are asked for. */
export class ArchivedObject {
  /** Name of the class, e.g. `LPLinkMetadata`. */
  readonly className: string;
  /** The class and its ancestors. */
  readonly classes: readonly string[];
  /** Names of the fields, in the order of the archive. */
  readonly fieldNames: readonly string[];
  readonly #decode: (name: string) => ArchivedValue;

  constructor(
    classes: readonly [string, ...string[]],
    fieldNames: readonly string[],
    decode: (name: string) => ArchivedValue,
  ) {
    [this.className] = classes;
    this.classes = classes;
    this.fieldNames = fieldNames;
    this.#decode = decode;
  }

  /**
   * A field; `undefined` where it is nil or absent. The same object is given each time, also along circles of references.
   *
   * @throws {@link FormatError} for a reference that leads nowhere or in a circle, and for nesting beyond the limit.
   */
  get(name: string): ArchivedValue {
    return this.#decode(name);
  }

  /** All fields by name. Errors as for {@link ArchivedObject.get}. */
  get fields(): ReadonlyMap<string, ArchivedValue> {
    return new Map(this.fieldNames.map((name) => [name, this.get(name)]));
  }
}

/**
 * What lies at the end of a path of names, through dictionaries and objects alike: writers differ in which they use.
 * `undefined` where a step is missing. Errors as for {@link ArchivedObject.get}.
 */
export function archivedField(value: ArchivedValue, ...path: readonly string[]): ArchivedValue {
  let at = value;
  for (const name of path) {
    if (at instanceof ArchivedObject) at = at.get(name);
    else at = at instanceof Map ? (at as ArchivedMap).get(name) : undefined;
  }
  return at;
}
