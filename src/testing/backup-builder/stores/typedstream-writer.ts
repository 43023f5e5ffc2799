import { cocoaSecondsFromDate } from '../../../core/apple-time.js';
import { concatBytes, isBytes, utf8Encode } from '../../../core/bytes.js';

// FORMAT facts: docs/format/typedstream.md.

/** An attributed string to archive. Runs follow each other and cover the text. */
export interface AttributedStringSpec {
  text: string;
  /** Runs with equal attribute objects share one dictionary, as in real archives. */
  runs: readonly { length: number; attributes: Readonly<Record<string, ArchivableValue>> }[];
}

/** What {@link writeTypedStream} archives: strings, numbers and so on become the Foundation objects of that meaning. */
export type ArchivableValue =
  | string
  | number
  | boolean
  | Date
  | URL
  | Uint8Array
  | AttributedStringSpec
  | readonly ArchivableValue[]
  | ReadonlyMap<string, ArchivableValue>;

/** Options of {@link writeTypedStream}. */
export interface TypedStreamOptions {
  /** Big-endian streams are what PowerPC Macs wrote; `true` by default. */
  littleEndian?: boolean | undefined;
}

/** Class chains with their versions, the class itself first. */
const classes = {
  string: [
    ['NSString', 1],
    ['NSObject', 0],
  ],
  attributedString: [
    ['NSAttributedString', 0],
    ['NSObject', 0],
  ],
  dictionary: [
    ['NSDictionary', 0],
    ['NSObject', 0],
  ],
  array: [
    ['NSArray', 0],
    ['NSObject', 0],
  ],
  number: [
    ['NSNumber', 0],
    ['NSValue', 0],
    ['NSObject', 0],
  ],
  data: [
    ['NSData', 0],
    ['NSObject', 0],
  ],
  date: [
    ['NSDate', 0],
    ['NSObject', 0],
  ],
  url: [
    ['NSURL', 0],
    ['NSObject', 0],
  ],
} as const satisfies Record<string, readonly (readonly [name: string, version: number])[]>;

const tag = { int16: 0x81, int32: 0x82, float: 0x83, literal: 0x84, nil: 0x85, endOfObject: 0x86 } as const;
const firstReference = -110;

/** Archives one object as NSArchiver does. */
export function writeTypedStream(value: ArchivableValue, options: TypedStreamOptions = {}): Uint8Array {
  const writer = new TypedStreamWriter(options.littleEndian ?? true);
  writer.root(value);
  return writer.bytes();
}

class TypedStreamWriter {
  readonly #parts: Uint8Array[] = [];
  readonly #littleEndian: boolean;
  readonly #strings = new Map<string, number>();
  /** Numbers of objects, by what they are: texts by `text:…`, classes by `class:…`, C strings by `c:…`, others by identity. */
  readonly #objects = new Map<unknown, number>();
  #objectCount = 0;

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
    this.#byte(4);
    this.#unsharedString(utf8Encode(littleEndian ? 'streamtyped' : 'typedstream'));
    this.#integer(1000);
  }

  bytes(): Uint8Array {
    return concatBytes(this.#parts);
  }

  root(value: ArchivableValue): void {
    this.#group('@');
    this.#value(value);
  }

  #value(value: ArchivableValue): void {
    const identity = typeof value === 'string' ? `text:${value}` : typeof value === 'object' ? value : undefined;
    const known = identity === undefined ? undefined : this.#objects.get(identity);
    if (known !== undefined) {
      this.#integer(known + firstReference);
      return;
    }
    this.#byte(tag.literal);
    this.#number(identity);
    this.#content(value);
    this.#byte(tag.endOfObject);
  }

  #content(value: ArchivableValue): void {
    if (typeof value === 'string') {
      this.#class(classes.string);
      this.#group('+');
      this.#unsharedString(utf8Encode(value));
    } else if (typeof value === 'number' || typeof value === 'boolean') {
      this.#class(classes.number);
      this.#numberContent(value);
    } else if (value instanceof Date) {
      this.#class(classes.date);
      this.#group('d');
      this.#double(cocoaSecondsFromDate(value));
    } else if (value instanceof URL) {
      this.#class(classes.url);
      this.#group('c');
      this.#byte(0);
      this.#object(value.href);
    } else if (isBytes(value)) {
      this.#class(classes.data);
      this.#group('i');
      this.#integer(value.length);
      this.#group(`[${value.length}c]`);
      this.#parts.push(value);
    } else if (value instanceof Map) {
      this.#dictionary(value as ReadonlyMap<string, ArchivableValue>);
    } else if (Array.isArray(value)) {
      this.#class(classes.array);
      this.#group('i');
      this.#integer(value.length);
      for (const element of value as readonly ArchivableValue[]) this.#object(element);
    } else {
      this.#attributedString(value as AttributedStringSpec);
    }
  }

  #attributedString({ text, runs }: AttributedStringSpec): void {
    this.#class(classes.attributedString);
    this.#object(text);
    const indexes = new Map<object, number>();
    for (const { length, attributes } of runs) {
      const known = indexes.get(attributes);
      const index = known ?? indexes.size + 1;
      indexes.set(attributes, index);
      this.#group('iI');
      this.#integer(index);
      this.#unsigned(length);
      if (known === undefined) this.#object(new Map(Object.entries(attributes)));
    }
  }

  #dictionary(entries: ReadonlyMap<string, ArchivableValue>): void {
    this.#class(classes.dictionary);
    this.#group('i');
    this.#integer(entries.size);
    for (const [key, value] of entries) {
      this.#object(key);
      this.#object(value);
    }
  }

  #numberContent(value: number | boolean): void {
    const encoding = typeof value === 'boolean' ? 'c' : value === (value | 0) ? 'i' : 'd';
    this.#group('*');
    const known = this.#objects.get(`c:${encoding}`);
    if (known === undefined) {
      this.#byte(tag.literal);
      this.#sharedString(encoding);
      this.#number(`c:${encoding}`);
    } else {
      this.#integer(known + firstReference);
    }
    this.#group(encoding);
    if (encoding === 'c') this.#byte(Number(value));
    else if (encoding === 'i') this.#integer(Number(value));
    else this.#double(Number(value));
  }

  #object(value: ArchivableValue): void {
    this.#group('@');
    this.#value(value);
  }

  #class(chain: readonly (readonly [name: string, version: number])[]): void {
    for (const [name, version] of chain) {
      const known = this.#objects.get(`class:${name}`);
      if (known !== undefined) {
        this.#integer(known + firstReference);
        return;
      }
      this.#byte(tag.literal);
      this.#sharedString(name);
      this.#integer(version);
      this.#number(`class:${name}`);
    }
    this.#byte(tag.nil);
  }

  #number(identity: unknown): void {
    const number = this.#objectCount++;
    if (identity !== undefined) this.#objects.set(identity, number);
  }

  #group(encoding: string): void {
    this.#sharedString(encoding);
  }

  #sharedString(text: string): void {
    const known = this.#strings.get(text);
    if (known !== undefined) {
      this.#integer(known + firstReference);
      return;
    }
    this.#strings.set(text, this.#strings.size);
    this.#byte(tag.literal);
    this.#unsharedString(utf8Encode(text));
  }

  #unsharedString(bytes: Uint8Array): void {
    this.#unsigned(bytes.length);
    this.#parts.push(bytes);
  }

  #integer(value: number): void {
    if (value >= firstReference && value <= 127) this.#byte(value & 0xff);
    else if (value >= -0x8000 && value <= 0x7fff)
      this.#tagged(tag.int16, 2, (view) => view.setInt16(0, value, this.#littleEndian));
    else this.#tagged(tag.int32, 4, (view) => view.setInt32(0, value, this.#littleEndian));
  }

  #unsigned(value: number): void {
    if (value <= 127) this.#byte(value);
    else if (value <= 0xffff) this.#tagged(tag.int16, 2, (view) => view.setUint16(0, value, this.#littleEndian));
    else this.#tagged(tag.int32, 4, (view) => view.setUint32(0, value, this.#littleEndian));
  }

  #double(value: number): void {
    if (Number.isInteger(value) && Math.abs(value) <= 0x7fffffff) this.#integer(value);
    else this.#tagged(tag.float, 8, (view) => view.setFloat64(0, value, this.#littleEndian));
  }

  #tagged(head: number, size: number, write: (view: DataView) => void): void {
    const bytes = new Uint8Array(size);
    write(new DataView(bytes.buffer));
    this.#byte(head);
    this.#parts.push(bytes);
  }

  #byte(value: number): void {
    this.#parts.push(Uint8Array.of(value));
  }
}
