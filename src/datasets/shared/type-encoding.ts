import { FormatError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';

// Objective-C type encodings, as typedstreams use them. FORMAT facts: docs/format/typedstream.md.

/** One type of a type encoding, parsed. */
export type EncodedType =
  /** A type of one letter: numbers, strings, objects, classes, selectors; `!` stands for a value that is left out. */
  | { readonly kind: 'scalar'; readonly code: string }
  /** `[12i]` */
  | { readonly kind: 'array'; readonly length: number; readonly element: EncodedType }
  /** `{point=ff}` */
  | { readonly kind: 'struct'; readonly name: string | undefined; readonly fields: readonly EncodedType[] };

const scalars = new Set('cCsSiIlLqQfdB*%:@#+!');

/** Method qualifiers (const, in, inout, out, bycopy, oneway), which say nothing about the value. */
const qualifiers = new Set('rnNoOVR');

/** Splits an encoding such as `iI` or `@[4c]` into its types. @throws {@link FormatError} `FORMAT_INVALID`, `FORMAT_UNSUPPORTED` */
export function parseTypeEncoding(encoding: string): readonly EncodedType[] {
  const parser = new EncodingParser(encoding);
  const types: EncodedType[] = [];
  while (!parser.atEnd) types.push(parser.next(0));
  return types;
}

class EncodingParser {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#position >= this.#text.length;
  }

  next(depth: number): EncodedType {
    if (depth > limits.nestingDepth) {
      throw new FormatError('FORMAT_LIMIT_EXCEEDED', 'A type encoding is nested too deeply', { format: 'typedstream' });
    }
    while (qualifiers.has(this.#peek())) this.#position++;
    const code = this.#peek();
    this.#position++;
    if (scalars.has(code)) return { kind: 'scalar', code };
    if (code === '[') return this.#array(depth);
    if (code === '{') return this.#struct(depth);
    throw code === ''
      ? this.#error('FORMAT_INVALID', 'A type encoding ends early')
      : this.#error('FORMAT_UNSUPPORTED', 'A type encoding has a type that archives do not hold');
  }

  #array(depth: number): EncodedType {
    const digits = /^\d{1,10}/.exec(this.#text.slice(this.#position, this.#position + 10))?.[0] ?? '';
    if (digits === '') throw this.#error('FORMAT_INVALID', 'An array type has no length');
    this.#position += digits.length;
    const element = this.next(depth + 1);
    this.#expect(']');
    return { kind: 'array', length: Number(digits), element };
  }

  #struct(depth: number): EncodedType {
    const named = /^[^={}[\]]*=/.exec(this.#text.slice(this.#position))?.[0];
    this.#position += named?.length ?? 0;
    const fields: EncodedType[] = [];
    while (this.#peek() !== '}') fields.push(this.next(depth + 1));
    this.#position++;
    return { kind: 'struct', name: named?.slice(0, -1), fields };
  }

  #peek(): string {
    return this.#text.charAt(this.#position);
  }

  #expect(character: string): void {
    if (this.#peek() !== character) throw this.#error('FORMAT_INVALID', `A type encoding lacks its ${character}`);
    this.#position++;
  }

  #error(code: 'FORMAT_INVALID' | 'FORMAT_UNSUPPORTED', message: string): FormatError {
    return new FormatError(code, message, { format: 'typedstream' });
  }
}
