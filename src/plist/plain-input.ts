import { isBytes } from '../core/bytes.js';
import { limits } from '../core/limits.js';
import { PlistNull, PlistReal, PlistUid, type PlistInput, type PlistValue } from './types.js';

/** Smallest and largest integer that 16 bytes hold. */
const smallestInteger = -(2n ** 127n);
const largestInteger = 2n ** 127n - 1n;

/** Whether an integer fits into the 16 bytes that property lists have for the largest ones. */
export function isPlistInteger(value: bigint): boolean {
  return value >= smallestInteger && value <= largestInteger;
}

/**
 * Turns what the writers accept into the exact model: plain objects become dictionaries, fractional numbers reals.
 * What was shared stays shared. The input is not changed.
 *
 * @throws TypeError for values that a property list cannot hold, and for values that contain themselves; RangeError for
 * integers beyond 16 bytes, invalid dates and UIDs, and nesting beyond `limits.nestingDepth`.
 */
export function normalizePlist(input: PlistInput): PlistValue {
  return new Normalizer().value(input, 0);
}

class Normalizer {
  /** Containers that were turned, with their levels; `undefined` while they are being turned. */
  readonly #done = new Map<object, { value: PlistValue; height: number } | undefined>();

  value(input: PlistInput, depth: number): PlistValue {
    switch (typeof input) {
      case 'boolean':
      case 'string':
        return input;
      case 'number':
        return fromNumber(input);
      case 'bigint':
        return fromBigint(input);
      case 'object':
        return this.#object(input, depth);
      default:
        throw new TypeError(`A property list cannot hold a value of type ${typeof input}`);
    }
  }

  #object(input: Exclude<PlistInput, boolean | string | number | bigint>, depth: number): PlistValue {
    if (input === null) throw new TypeError('A property list cannot hold null; use plistNull in a binary one');
    if (isBytes(input) || input instanceof PlistReal || input instanceof PlistNull) return input;
    if (input instanceof Date) {
      if (Number.isNaN(input.getTime())) throw new RangeError('A property list cannot hold an invalid date');
      return input;
    }
    if (input instanceof PlistUid) {
      if (!Number.isSafeInteger(input.value) || input.value < 0)
        throw new RangeError(`A UID must be a non-negative integer, not ${input.value}`);
      return input;
    }
    return this.#container(input, depth + 1);
  }

  #container(input: PlistContainer, depth: number): PlistValue {
    const done = this.#done.get(input);
    if (done === undefined && this.#done.has(input)) throw new TypeError('A property list cannot contain itself');
    if (depth + (done?.height ?? 1) - 1 > limits.nestingDepth)
      throw new RangeError(`A property list cannot be nested deeper than ${limits.nestingDepth} levels`);
    if (done !== undefined) return done.value;
    this.#done.set(input, undefined);
    let height = 1;
    const turn = (child: PlistInput): PlistValue => {
      const value = this.value(child, depth);
      if (typeof child === 'object') height = Math.max(height, 1 + (this.#done.get(child)?.height ?? 0));
      return value;
    };
    const value = isList(input) ? Array.from(input, turn) : new Map(entriesOf(input, turn));
    this.#done.set(input, { value, height });
    return value;
  }
}

type PlistContainer =
  readonly PlistInput[] | ReadonlyMap<string, PlistInput> | { readonly [key: string]: PlistInput | undefined };

function isList(input: PlistContainer): input is readonly PlistInput[] {
  return Array.isArray(input);
}

function* entriesOf(
  input: Exclude<PlistContainer, readonly PlistInput[]>,
  turn: (child: PlistInput) => PlistValue,
): Generator<[string, PlistValue]> {
  const entries = input instanceof Map ? input : Object.entries(plainObject(input));
  for (const [key, child] of entries as Iterable<[unknown, PlistInput | undefined]>) {
    if (typeof key !== 'string') throw new TypeError('A dictionary of a property list has string keys only');
    if (child !== undefined) yield [key, turn(child)];
  }
}

/** The object where it has no class of its own. @throws TypeError for instances of a class. */
export function plainObject<T extends object>(input: T): T {
  const prototype: unknown = Object.getPrototypeOf(input);
  if (prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null) return input;
  throw new TypeError(`An object of class ${input.constructor.name} cannot be written to a property list`);
}

function fromNumber(value: number): PlistValue {
  if (!Number.isInteger(value)) return new PlistReal(value);
  return Number.isSafeInteger(value) ? value + 0 : fromBigint(BigInt(value));
}

function fromBigint(value: bigint): PlistValue {
  if (!isPlistInteger(value)) throw new RangeError('An integer of a property list has at most 16 bytes');
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
