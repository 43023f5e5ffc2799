import { isBytes } from '../core/bytes.js';
import { limits } from '../core/limits.js';
import type { PlistValue } from './types.js';

/**
 * Counts what a property list becomes where it is written out value by value: a part that is shared counts, and costs,
 * each time, and a few hundred bytes of file can mean billions of values.
 */
export class Expansion {
  #values = 0;
  #bytes = 0;

  /** Counts one value with its keys, without the values it holds; `false` beyond `limits.plistExpandedValues` or `limits.plistExpandedBytes`. */
  add(value: PlistValue): boolean {
    this.#values += 1;
    if (typeof value === 'string' || isBytes(value)) this.#bytes += value.length;
    if (value instanceof Map) for (const key of value.keys()) this.#bytes += key.length;
    return this.#values <= limits.plistExpandedValues && this.#bytes <= limits.plistExpandedBytes;
  }
}
