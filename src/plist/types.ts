/**
 * The one value model of property lists, binary and XML, reading and writing. It is exact: what is read can be written back.
 *
 * - integers are `number` where they are safe (±(2^53 − 1)) and `bigint` beyond;
 * - floating-point values are {@link PlistReal}, so that 2 and 2.0 differ;
 * - dictionaries are `Map`s: they keep their order, and a hostile key such as `__proto__` is a key like others.
 *
 * Use the guards of `guards.ts` to read such values and `toPlain` to show them.
 */
export type PlistValue =
  boolean | number | bigint | string | Date | Uint8Array | PlistReal | PlistUid | PlistNull | PlistArray | PlistDict;

/** An array of a property list. */
export type PlistArray = PlistValue[];

/** A dictionary of a property list, in its own order. */
export type PlistDict = Map<string, PlistValue>;

/** A floating-point value. */
export class PlistReal {
  /** The value. */
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A UID: a reference within an NSKeyedArchiver archive. */
export class PlistUid {
  /** Index into `$objects`, unsigned. */
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** The null object of the binary format (marker 0x00), which XML cannot express. Use {@link plistNull}. */
export class PlistNull {
  /** Tells it from other values in debuggers. */
  readonly value = null;
}

/** The one {@link PlistNull}. */
export const plistNull: PlistNull = new PlistNull();

/** What the writers accept: the model, and plain objects and `null`-free literals for convenience (a fractional `number` is a real). */
export type PlistInput =
  | PlistValue
  | readonly PlistInput[]
  | { readonly [key: string]: PlistInput | undefined }
  | ReadonlyMap<string, PlistInput>;
