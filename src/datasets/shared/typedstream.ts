import { ByteReader, latin1Decode, ownBytes } from '../../core/bytes.js';
import { FormatError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { parseTypeEncoding, type EncodedType } from './type-encoding.js';

// NeXT typedstreams, what NSArchiver writes. FORMAT facts: docs/format/typedstream.md.

/** A class as archived: its name, version and superclass. */
export interface TypedClass {
  readonly name: string;
  readonly version: number;
  readonly superclass: TypedClass | undefined;
}

/** An archived object. Objects may refer to each other in circles. */
export interface TypedObject {
  readonly kind: 'object';
  /** `undefined` for an object of no class. */
  readonly class: TypedClass | undefined;
  /** What the classes of the chain wrote, the root class first. */
  readonly groups: readonly TypedGroup[];
}

/** A C string (`*`), a selector (`:`), an atom (`%`) or a class (`#`) as a value. */
export type TypedToken =
  | { readonly kind: 'c-string' | 'selector' | 'atom'; readonly text: string }
  | { readonly kind: 'class'; readonly class: TypedClass };

/** A struct by value. */
export interface TypedStruct {
  readonly kind: 'struct';
  readonly name: string | undefined;
  readonly fields: readonly TypedValue[];
}

/**
 * An archived value: integers and floats as `number` (`bigint` never occurs, the format ends at 32 bits), `B` as `boolean`,
 * `+` strings and arrays of `char` as bytes of the caller's own, other arrays as arrays, nil as `undefined`.
 */
export type TypedValue =
  number | boolean | Uint8Array | TypedToken | TypedStruct | TypedObject | readonly TypedValue[] | undefined;

/** Values that were archived in one call, with the type encoding of the call, e.g. `iI`. */
export interface TypedGroup {
  readonly encoding: string;
  readonly values: readonly TypedValue[];
}

/** A whole typedstream. */
export interface TypedStream {
  /** 3 or 4; 4 since Mac OS X. */
  readonly streamerVersion: number;
  /** 1000 on all systems since Mac OS X. */
  readonly systemVersion: number;
  readonly littleEndian: boolean;
  readonly groups: readonly TypedGroup[];
}

/** Head bytes with a meaning, as signed bytes. Others are integers or references by themselves. */
const tag = { int16: -127, int32: -126, float: -125, literal: -124, nil: -123, endOfObject: -122 } as const;
/** Stored for reference number 0. The bytes below it, −128 to −111, are reserved for tags. */
const firstReference = -110;

/**
 * Reads a typedstream whole. Reading is strict: a stream that is cut, or that contradicts itself, is refused.
 *
 * @throws {@link FormatError} with code `FORMAT_INVALID`, `FORMAT_UNSUPPORTED` or `FORMAT_LIMIT_EXCEEDED`.
 */
export function readTypedStream(bytes: Uint8Array): TypedStream {
  return new TypedStreamReader(bytes).read();
}

class TypedStreamReader {
  readonly #reader: ByteReader;
  #littleEndian = true;
  /** Literal type encodings, class names, C strings and selectors, in order. */
  readonly #strings: string[] = [];
  /** Objects, classes and C strings, in order: a table of its own. */
  readonly #objects: (TypedObject | TypedClass | string)[] = [];
  readonly #encodings = new Map<string, readonly EncodedType[]>();
  /** Every value takes a byte, but for a few odd encodings, with which a short stream could ask for billions of values. */
  #valuesLeft: number;

  constructor(bytes: Uint8Array) {
    this.#reader = new ByteReader(bytes, 'typedstream');
    this.#valuesLeft = bytes.length;
  }

  read(): TypedStream {
    const streamerVersion = this.#reader.u8();
    const signature = latin1Decode(this.#reader.bytes(this.#reader.u8()));
    if (signature !== 'streamtyped' && signature !== 'typedstream')
      throw this.#reader.invalid('This is no typedstream');
    if (streamerVersion !== 3 && streamerVersion !== 4) {
      throw new FormatError('FORMAT_UNSUPPORTED', `Typedstreams of version ${streamerVersion} are not supported`, {
        format: 'typedstream',
        offset: 0,
      });
    }
    this.#littleEndian = signature === 'streamtyped';
    const systemVersion = this.#unsigned(this.#reader.i8());
    const groups: TypedGroup[] = [];
    while (this.#reader.remaining > 0) groups.push(this.#group(this.#reader.i8(), 0));
    return { streamerVersion, systemVersion, littleEndian: this.#littleEndian, groups };
  }

  #group(head: number, depth: number): TypedGroup {
    const encoding = this.#sharedString(head);
    if (encoding === undefined) throw this.#reader.invalid('A group has no type encoding');
    let types = this.#encodings.get(encoding);
    if (types === undefined) {
      types = parseTypeEncoding(encoding);
      this.#encodings.set(encoding, types);
    }
    return { encoding, values: types.map((type) => this.#value(type, depth)) };
  }

  #value(type: EncodedType, depth: number): TypedValue {
    if (--this.#valuesLeft < 0) throw this.#limit('The stream states more values than it can hold');
    if (type.kind === 'array') return this.#array(type.length, type.element, depth);
    if (type.kind === 'struct') {
      return { kind: 'struct', name: type.name, fields: type.fields.map((field) => this.#value(field, depth)) };
    }
    switch (type.code) {
      case 'c':
        return this.#reader.i8();
      case 'C':
        return this.#reader.u8();
      case 'B':
        return this.#reader.u8() !== 0;
      case 's':
      case 'i':
      case 'l':
      case 'q':
        return this.#signed(this.#reader.i8());
      case 'S':
      case 'I':
      case 'L':
      case 'Q':
        return this.#unsigned(this.#reader.i8());
      case 'f':
        return this.#float(4);
      case 'd':
        return this.#float(8);
      case '*':
        return this.#cString();
      case ':':
        return this.#token('selector');
      case '%':
        return this.#token('atom');
      case '+': {
        const bytes = this.#unsharedString(this.#reader.i8());
        return bytes === undefined ? undefined : ownBytes(bytes);
      }
      case '#': {
        const found = this.#class(this.#reader.i8(), 0);
        return found === undefined ? undefined : { kind: 'class', class: found };
      }
      case '@':
        return this.#object(depth);
      default:
        return undefined;
    }
  }

  #array(length: number, element: EncodedType, depth: number): TypedValue {
    if (element.kind === 'scalar' && (element.code === 'c' || element.code === 'C')) {
      return ownBytes(this.#reader.bytes(length));
    }
    const values: TypedValue[] = [];
    for (let index = 0; index < length; index++) values.push(this.#value(element, depth));
    return values;
  }

  #object(depth: number): TypedObject | undefined {
    const head = this.#reader.i8();
    if (head === tag.nil) return undefined;
    if (head !== tag.literal) {
      const found = this.#reference(head, this.#objects);
      if (typeof found === 'string' || !('kind' in found))
        throw this.#reader.invalid('A reference is not to an object');
      return found;
    }
    if (depth >= limits.nestingDepth) throw this.#limit('Objects are nested too deeply');
    const groups: TypedGroup[] = [];
    const object: { kind: 'object'; class: TypedClass | undefined; groups: TypedGroup[] } = {
      kind: 'object',
      class: undefined,
      groups,
    };
    // An object has its number before its class is read and before what it contains, which may refer to it.
    this.#objects.push(object);
    object.class = this.#class(this.#reader.i8(), 0);
    for (let next = this.#reader.i8(); next !== tag.endOfObject; next = this.#reader.i8()) {
      groups.push(this.#group(next, depth + 1));
    }
    return object;
  }

  #class(head: number, depth: number): TypedClass | undefined {
    if (head === tag.nil) return undefined;
    if (head !== tag.literal) {
      const found = this.#reference(head, this.#objects);
      if (typeof found === 'string' || 'kind' in found) throw this.#reader.invalid('A reference is not to a class');
      return found;
    }
    if (depth >= limits.nestingDepth) throw this.#limit('A class has too many superclasses');
    const name = this.#sharedString(this.#reader.i8());
    if (name === undefined) throw this.#reader.invalid('A class has no name');
    const version = this.#signed(this.#reader.i8());
    const found: { name: string; version: number; superclass: TypedClass | undefined } = {
      name,
      version,
      superclass: undefined,
    };
    this.#objects.push(found);
    found.superclass = this.#class(this.#reader.i8(), depth + 1);
    return found;
  }

  #cString(): TypedValue {
    const head = this.#reader.i8();
    if (head === tag.nil) return undefined;
    if (head !== tag.literal) {
      const found = this.#reference(head, this.#objects);
      if (typeof found !== 'string') throw this.#reader.invalid('A reference is not to a C string');
      return { kind: 'c-string', text: found };
    }
    const text = this.#sharedString(this.#reader.i8());
    if (text === undefined) throw this.#reader.invalid('A C string has no content');
    this.#objects.push(text);
    return { kind: 'c-string', text };
  }

  #token(kind: 'selector' | 'atom'): TypedValue {
    const text = this.#sharedString(this.#reader.i8());
    return text === undefined ? undefined : { kind, text };
  }

  #sharedString(head: number): string | undefined {
    if (head === tag.nil) return undefined;
    if (head !== tag.literal) return this.#reference(head, this.#strings);
    const bytes = this.#unsharedString(this.#reader.i8());
    if (bytes === undefined) throw this.#reader.invalid('A shared string has no content');
    const text = latin1Decode(bytes);
    this.#strings.push(text);
    return text;
  }

  #unsharedString(head: number): Uint8Array | undefined {
    return head === tag.nil ? undefined : this.#reader.bytes(this.#unsigned(head));
  }

  #reference<T>(head: number, table: readonly T[]): T {
    const found = table[this.#signed(head) - firstReference];
    if (found === undefined) throw this.#reader.invalid('A reference is to something that was not read yet');
    return found;
  }

  #signed(head: number): number {
    if (head === tag.int16) return this.#reader.i16(this.#littleEndian);
    if (head === tag.int32) return this.#reader.i32(this.#littleEndian);
    return this.#small(head);
  }

  #unsigned(head: number): number {
    if (head === tag.int16) return this.#reader.u16(this.#littleEndian);
    if (head === tag.int32) return this.#reader.u32(this.#littleEndian);
    return this.#small(head) & 0xff;
  }

  #small(head: number): number {
    if (head < firstReference) {
      throw this.#reader.invalid(`Byte 0x${(head & 0xff).toString(16)} is no number`);
    }
    return head;
  }

  #float(size: 4 | 8): number {
    const head = this.#reader.i8();
    if (head !== tag.float) return this.#signed(head);
    return size === 4 ? this.#reader.f32(this.#littleEndian) : this.#reader.f64(this.#littleEndian);
  }

  #limit(message: string): FormatError {
    return new FormatError('FORMAT_LIMIT_EXCEEDED', message, {
      format: 'typedstream',
      offset: this.#reader.offset,
    });
  }
}
