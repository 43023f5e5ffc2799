/**
 * The BackupKeyBag of Manifest.plist: which class keys there are, and how the key that wraps them follows from the
 * password. Format facts and their sources: docs/format/keybag.md.
 *
 * @packageDocumentation
 */
import { ByteWriter } from '../core/byte-writer.js';
import { ByteReader, latin1Decode, ownBytes } from '../core/bytes.js';
import { FormatError } from '../core/errors.js';
import { checkLimit, limits } from '../core/limits.js';

/** One tag-length-value entry of a keybag. */
export interface KeybagEntry {
  /** Tag: four characters, one for each byte. */
  readonly tag: string;
  /** Value; integers are 4 bytes, big-endian. */
  readonly value: Uint8Array;
}

/** How a class key is wrapped: bits of the tag `WRAP`. */
export const wrapBits = {
  /** Encrypted with a key that never leaves the device. */
  device: 1,
  /** Wrapped with the key that is derived from the backup password. */
  password: 2,
} as const;

/** Key of one protection class, still wrapped. */
export interface KeybagClassKey {
  /** Number of the class: see `protectionClasses`. */
  readonly protectionClass: number;
  /** How it is wrapped: see {@link wrapBits}. */
  readonly wrap: number;
  /** 0 is AES, 1 is Curve25519, which backups do not use. */
  readonly keyType: number;
  /** The wrapped key, 40 bytes. `undefined` where the keybag names the class without a key. */
  readonly wrappedKey: Uint8Array | undefined;
}

/** Salt and rounds of one PBKDF2 stage. */
export interface KeyDerivationStage {
  /** Usually 20 bytes. */
  readonly salt: Uint8Array;
  /** Number of rounds, as stated: hostile until checked. */
  readonly rounds: number;
}

/** A parsed keybag. Immutable; {@link serializeKeybag} gives back the bytes that it came from. */
export interface Keybag {
  /** Every entry in its order, unknown ones too. */
  readonly entries: readonly KeybagEntry[];
  /** `VERS`: 3 up to iOS 10.1, 5 now. `undefined` where the keybag has none. */
  readonly version: number | undefined;
  /** `TYPE` without its mark bits: 0 system, 1 backup, 2 escrow, 3 iCloud. `undefined` where the keybag has none. */
  readonly type: number | undefined;
  /** The SHA-1 stage of the derivation, which every keybag has. `undefined` where salt or rounds are missing. */
  readonly sha1Stage: KeyDerivationStage | undefined;
  /** The SHA-256 stage before it, from iOS 10.2 on; `undefined` in older keybags. */
  readonly sha256Stage: KeyDerivationStage | undefined;
  /** The class keys by number of their class, in their order. */
  readonly classKeys: ReadonlyMap<number, KeybagClassKey>;
  /** What was contradictory but could be read; each a full sentence. */
  readonly warnings: readonly string[];
}

/** Kinds of keybags, in `TYPE`. */
export const backupKeybagType = 1;
/** The two top bits of `TYPE` are marks that are not part of the kind. */
const typeMask = 0x3fff_ffff;
/** Keybags up to this version keep flags in the upper bits of `CLAS`. */
const lastVersionWithClassFlags = 3;
/** Length of the wrapped key of a class: 32 bytes and 8 of the integrity check. */
const wrappedKeyBytes = 40;

/**
 * Reads a keybag: entries in any order within the header and the class blocks.
 *
 * @throws {@link FormatError} with format `keybag`: `FORMAT_INVALID` and the offset where an entry runs over the end or
 * has a length that its tag cannot have; `FORMAT_LIMIT_EXCEEDED` above `limits.keybagBytes`
 */
export function parseKeybag(bytes: Uint8Array): Keybag {
  checkLimit(bytes.length, limits.keybagBytes, { what: 'Size of the keybag in bytes', format: 'keybag' });
  const reader = new ByteReader(ownBytes(bytes), 'keybag');
  const entries: KeybagEntry[] = [];
  while (reader.remaining > 0) {
    const tag = latin1Decode(reader.bytes(4));
    entries.push({ tag, value: reader.bytes(reader.u32()) });
  }
  return keybagFromEntries(entries);
}

/** The bytes of a keybag, exactly those that {@link parseKeybag} read. */
export function serializeKeybag(keybag: Keybag): Uint8Array {
  const writer = new ByteWriter();
  for (const { tag, value } of keybag.entries) {
    writer.latin1(tag);
    writer.uint(value.length, 4);
    writer.bytes(value);
  }
  return writer.finish();
}

/** The keybag that `entries` make. Errors as for {@link parseKeybag}. */
export function keybagFromEntries(entries: readonly KeybagEntry[]): Keybag {
  const warnings: string[] = [];
  const [header = [], ...blocks] = splitAtUuids(entries);
  const fields = collectFields(header, 'The header of the keybag', warnings);
  const misplaced = fields.get('CLAS');
  if (misplaced !== undefined) throw invalid('The keybag has a class key before its first class block', misplaced);
  const version = integer(fields, 'VERS');
  const type = integer(fields, 'TYPE');
  const dpic = integer(fields, 'DPIC');
  const dpsl = fields.get('DPSL')?.value;
  if ((dpic === undefined) !== (dpsl === undefined)) {
    warnings.push('The keybag has only one of DPIC and DPSL, so the password is derived in one stage');
  }
  return {
    entries,
    version,
    // `& typeMask` keeps the number unsigned.
    type: type === undefined ? undefined : type & typeMask,
    sha1Stage: stage(fields.get('SALT')?.value, integer(fields, 'ITER')),
    sha256Stage: stage(dpsl, dpic),
    classKeys: collectClassKeys(blocks, version, warnings),
    warnings,
  };
}

interface PlacedEntry extends KeybagEntry {
  /** Offset of the entry in bytes. */
  readonly offset: number;
}

/** The header, which ends before the second UUID, and the class blocks, each of which begins with one. */
function splitAtUuids(entries: readonly KeybagEntry[]): PlacedEntry[][] {
  const parts: PlacedEntry[][] = [[]];
  let uuids = 0;
  let offset = 0;
  for (const { tag, value } of entries) {
    if (tag === 'UUID' && ++uuids > 1) parts.push([]);
    parts.at(-1)?.push({ tag, value, offset });
    offset += 8 + value.length;
  }
  return parts;
}

function collectFields(
  entries: readonly PlacedEntry[],
  where: string,
  warnings: string[],
): ReadonlyMap<string, PlacedEntry> {
  const fields = new Map<string, PlacedEntry>();
  for (const entry of entries) {
    if (!fields.has(entry.tag)) fields.set(entry.tag, entry);
    else if (knownTags.has(entry.tag)) warnings.push(`${where} has ${entry.tag} more than once; the first one counts`);
  }
  return fields;
}

const knownTags: ReadonlySet<string> = new Set('VERS TYPE SALT ITER DPIC DPSL CLAS WRAP KTYP WPKY'.split(' '));

function collectClassKeys(
  blocks: readonly PlacedEntry[][],
  version: number | undefined,
  warnings: string[],
): ReadonlyMap<number, KeybagClassKey> {
  const classKeys = new Map<number, KeybagClassKey>();
  for (const [index, block] of blocks.entries()) {
    const where = `Class block ${index + 1} of the keybag`;
    const fields = collectFields(block, where, warnings);
    const stated = integer(fields, 'CLAS');
    if (stated === undefined) {
      warnings.push(`${where} does not say its class and is left out`);
      continue;
    }
    const protectionClass = protectionClassOf(stated, version);
    const wrapped = fields.get('WPKY');
    if (wrapped !== undefined && wrapped.value.length !== wrappedKeyBytes) {
      throw invalid(`WPKY of the keybag has ${wrapped.value.length} bytes instead of ${wrappedKeyBytes}`, wrapped);
    }
    if (classKeys.has(protectionClass)) {
      warnings.push(`The keybag has class ${protectionClass} more than once; the first one counts`);
      continue;
    }
    classKeys.set(protectionClass, {
      protectionClass,
      wrap: integer(fields, 'WRAP') ?? wrapBits.password,
      keyType: integer(fields, 'KTYP') ?? 0,
      wrappedKey: wrapped?.value,
    });
  }
  return classKeys;
}

/** The class that a number in a keybag or before a wrapped key means; old keybags have flags above the low four bits. */
export function protectionClassOf(stated: number, version: number | undefined): number {
  return version !== undefined && version <= lastVersionWithClassFlags ? stated & 0xf : stated;
}

function stage(salt: Uint8Array | undefined, rounds: number | undefined): KeyDerivationStage | undefined {
  return salt === undefined || rounds === undefined ? undefined : { salt, rounds };
}

function integer(fields: ReadonlyMap<string, PlacedEntry>, tag: string): number | undefined {
  const field = fields.get(tag);
  if (field === undefined) return undefined;
  if (field.value.length !== 4)
    throw invalid(`${tag} of the keybag has ${field.value.length} bytes instead of 4`, field);
  return new ByteReader(field.value, 'keybag').u32();
}

function invalid(message: string, at: PlacedEntry): FormatError {
  return new FormatError('FORMAT_INVALID', message, { format: 'keybag', offset: at.offset });
}
