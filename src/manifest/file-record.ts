import { FormatError, isBackupKitError } from '../core/errors.js';
import { binaryKind, BinaryPlistReader, isBinaryPlist, KeyTable } from '../plist/binary-reader.js';
import { asData, asDict } from '../plist/guards.js';
import { parsePlist } from '../plist/parse.js';
import { writeBinaryPlist } from '../plist/binary-write.js';

/** Numbers of a file's record. Times are seconds since 1970-01-01 UTC. */
export type RecordNumber =
  | 'Mode'
  | 'InodeNumber'
  | 'UserID'
  | 'GroupID'
  | 'LastModified'
  | 'LastStatusChange'
  | 'Birth'
  | 'Size'
  | 'ProtectionClass'
  | 'Flags';

/**
 * What a manifest says of one file, of either era. Fields are read when they are asked for, and not before.
 * Every method gives `undefined` for what the record does not have, and throws {@link FormatError} where it is damaged there.
 */
export interface FileRecord {
  number(field: RecordNumber): number | bigint | undefined;
  text(field: 'RelativePath' | 'Target'): string | undefined;
  /** Bytes as a view of the record: copy them before they leave the package. */
  data(field: 'EncryptionKey' | 'Digest'): Uint8Array | undefined;
  extendedAttributes(): ReadonlyMap<string, Uint8Array>;
}

/** All fields that are read. */
const fields = [
  'Mode',
  'InodeNumber',
  'UserID',
  'GroupID',
  'LastModified',
  'LastStatusChange',
  'Birth',
  'Size',
  'ProtectionClass',
  'Flags',
  'RelativePath',
  'Target',
  'EncryptionKey',
  'Digest',
  'ExtendedAttributes',
] as const;
type Field = (typeof fields)[number];
const fieldTable = new KeyTable(fields);
const places = Object.fromEntries(fields.map((field, place) => [field, place])) as Readonly<Record<Field, number>>;

/** Most references that are followed from one value to the next; real ones need one. */
const maxHops = 8;

/**
 * The record of the database era: an NSKeyedArchiver archive of one MBFile object. It is read in place, since there are as
 * many as files: building the whole archive takes twenty times as long. Format facts: docs/format/manifest-db.md.
 *
 * @throws {@link FormatError} where it is no such archive
 */
export function readArchivedRecord(bytes: Uint8Array): FileRecord {
  // The XML form occurs only in files of other tools; as a binary one it takes the same way.
  return new ArchivedRecord(new BinaryPlistReader(isBinaryPlist(bytes) ? bytes : writeBinaryPlist(parsePlist(bytes))));
}

class ArchivedRecord implements FileRecord {
  readonly #reader: BinaryPlistReader;
  /** Object of `$objects`. */
  readonly #objects: number;
  /** Object of the MBFile dictionary. */
  readonly #root: number;
  /** Objects of the fields, by their places in {@link fields}; none where damage is in the way of finding all at once. */
  #values: readonly number[] | undefined;
  #lookups = 0;

  constructor(reader: BinaryPlistReader) {
    this.#reader = reader;
    const top = reader.find(reader.topObject, '$top');
    const objects = reader.find(reader.topObject, '$objects');
    const root = top === undefined ? undefined : reader.find(top, 'root');
    if (objects === undefined || root === undefined) throw invalid('it has no $objects or no root');
    this.#objects = objects;
    const file = this.#follow(root);
    if (file === undefined || reader.length(file) === undefined) throw invalid('its root is no object');
    this.#root = file;
  }

  number(field: RecordNumber): number | bigint | undefined {
    const value = this.#value(field);
    if (value === undefined) return undefined;
    const number = this.#reader.integer(value) ?? this.#reader.real(value);
    if (number === undefined) throw invalid(`${field} is no number`);
    return number;
  }

  text(field: 'RelativePath' | 'Target'): string | undefined {
    const value = this.#value(field);
    if (value === undefined) return undefined;
    const text = this.#reader.string(value);
    if (text === undefined) throw invalid(`${field} is no string`);
    return text;
  }

  data(field: 'EncryptionKey' | 'Digest' | 'ExtendedAttributes'): Uint8Array | undefined {
    const value = this.#value(field);
    if (value === undefined) return undefined;
    // Keys are NSMutableData objects, the others plain data; either way is taken for all.
    const inner = this.#reader.kindOf(value) === binaryKind.dict ? this.#reader.find(value, 'NS.data') : undefined;
    const data = this.#reader.data(inner === undefined ? value : (this.#follow(inner) ?? value));
    if (data === undefined) throw invalid(`${field} is no data`);
    return data;
  }

  extendedAttributes(): ReadonlyMap<string, Uint8Array> {
    const attributes = new Map<string, Uint8Array>();
    const data = this.data('ExtendedAttributes');
    if (data === undefined || data.length === 0) return attributes;
    const dict = asDict(parsePlist(data));
    if (dict === undefined) throw invalid('ExtendedAttributes is no dictionary');
    for (const [name, value] of dict) {
      const bytes = asData(value);
      if (bytes === undefined) throw invalid('an extended attribute is no data');
      attributes.set(name, bytes);
    }
    return attributes;
  }

  /** The object under `field`, whether it is there directly or by reference; `undefined` for absent and for nil. */
  #value(field: Field): number | undefined {
    // A list asks for one field, which is sooner found alone; whoever asks for another one mostly wants them all.
    if (this.#lookups === 1) this.#values = this.#findAll();
    this.#lookups += 1;
    const value = this.#values?.[places[field]] ?? this.#reader.find(this.#root, field) ?? -1;
    return value < 0 ? undefined : this.#follow(value);
  }

  #findAll(): readonly number[] {
    try {
      return this.#reader.findAll(this.#root, fieldTable) ?? [];
    } catch (error) {
      if (isBackupKitError(error)) return [];
      throw error;
    }
  }

  /** Follows references until something else comes; `undefined` for a reference to `$objects[0]`, which is nil. */
  #follow(from: number): number | undefined {
    let object = from;
    for (let hops = 0; hops < maxHops; hops++) {
      const uid = this.#reader.uid(object);
      if (uid === undefined) return object;
      if (uid === 0) return undefined;
      const next = this.#reader.element(this.#objects, uid);
      if (next === undefined) throw invalid(`it refers to object ${uid}, which it does not have`);
      object = next;
    }
    throw invalid('its references lead in a circle');
  }
}

function invalid(reason: string): FormatError {
  return new FormatError('FORMAT_INVALID', `The record of a file is damaged: ${reason}`, { format: 'mbfile' });
}
