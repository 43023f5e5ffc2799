import type { EntryRecord } from './entry-record.js';
import type { FileDamage } from './types.js';

interface SizeRequirement {
  readonly test: (size: number) => boolean;
  readonly text: string;
}

/** What a backup and an entry must be for one kind of damage to be possible. */
interface Requirement {
  /** Blobs are encrypted. */
  readonly encrypted?: true;
  /** Records have keys. */
  readonly keyed?: true;
  readonly database?: true;
  /** A regular file. */
  readonly file?: true;
  /** Sizes of the content in bytes that it works for. */
  readonly size?: SizeRequirement;
}

const atLeast = (bytes: number): SizeRequirement => ({
  test: (size) => size >= bytes,
  text: `has at least ${bytes} bytes`,
});

/** What each kind of damage needs. */
const requirements: Readonly<Record<FileDamage, Requirement>> = {
  'content-missing': { file: true },
  'content-empty': { file: true, size: atLeast(1) },
  'content-truncated': { file: true, size: atLeast(2) },
  'content-truncated-block': { file: true, encrypted: true },
  'padding-missing': {
    file: true,
    encrypted: true,
    size: { test: (size) => size > 0 && size % 16 === 0, text: 'has a multiple of 16 bytes' },
  },
  'padding-zeros': {
    file: true,
    encrypted: true,
    size: { test: (size) => size % 16 !== 0, text: 'does not have a multiple of 16 bytes' },
  },
  'size-larger': { file: true },
  'size-smaller': { file: true, size: atLeast(1) },
  'size-absurd': { file: true },
  'size-absent': { file: true, database: true },
  'key-missing': { file: true, keyed: true },
  'key-short': { file: true, keyed: true },
  'key-corrupt': { file: true, keyed: true },
  'class-unknown': { file: true, keyed: true },
  'record-null': { database: true },
  'record-empty': { database: true },
  'record-truncated': { database: true },
  'record-xml': { database: true },
  'record-cyclic': { database: true },
  'file-id-blob': { database: true },
  'file-id-upper-case': { database: true },
  'file-id-traversal': { database: true },
  'flags-zero': { database: true },
  'digest-wrong': { file: true },
};

/** Every kind of damage. */
export const fileDamages = Object.keys(requirements) as readonly FileDamage[];

/** The backup and the entry that damage is done to. */
export interface DamageContext {
  /** Whether blobs are encrypted. */
  readonly encrypted: boolean;
  /** Whether records have keys: also those of a decrypted copy. */
  readonly keyed: boolean;
  readonly database: boolean;
  readonly kind: EntryRecord['kind'];
  /** Size of the content in bytes. */
  readonly size: number;
}

/** Why an entry cannot have this damage; `undefined` where it can. */
export function damageRefusal(damage: FileDamage, context: DamageContext): string | undefined {
  if (!Object.hasOwn(requirements, damage)) return `${JSON.stringify(damage)} is not a kind of damage`;
  const needs = requirements[damage];
  if (needs.file === true && context.kind !== 'file') return `${damage} needs a regular file`;
  if (needs.encrypted === true && !context.encrypted) return `${damage} needs encrypted blobs`;
  if (needs.keyed === true && !context.keyed) return `${damage} needs an encrypted backup`;
  if (needs.database === true && !context.database) return `${damage} needs a backup of iOS 10 or later`;
  if (needs.size !== undefined && !needs.size.test(context.size)) {
    return `${damage} needs content that ${needs.size.text}, not ${context.size}`;
  }
  // 16 bytes are stored as one block and one of padding: without the latter the content would still be whole.
  if (damage === 'content-truncated' && context.encrypted && context.size < 17) {
    return `${damage} needs content of at least 17 bytes in an encrypted backup, not ${context.size}`;
  }
  return undefined;
}

/** Whether a damage concerns the bytes of the blob, so that the content must be in memory as a whole. */
export function damagesContent(damage: FileDamage): boolean {
  return damage.startsWith('content-') || damage.startsWith('padding-');
}

/** Bytes that are missing at the end of `content-truncated-block`; not a multiple of 16. */
export const truncatedBlockBytes = 5;

/** Damages the members of a sound record: size, key, class, digest. */
export function damageRecord(record: EntryRecord, damage: readonly FileDamage[]): EntryRecord {
  let damaged = record;
  for (const kind of damage) damaged = { ...damaged, ...recordChange(kind, damaged) };
  return damaged;
}

function recordChange(damage: FileDamage, record: EntryRecord): Partial<EntryRecord> {
  const size = Number(record.size ?? 0);
  switch (damage) {
    case 'size-larger':
      return { size: size + 1000 };
    case 'size-smaller':
      return { size: Math.floor(size / 2) };
    case 'size-absurd':
      return { size: 2n ** 62n };
    case 'size-absent':
      return { size: undefined };
    case 'key-missing':
      return { key: undefined };
    case 'key-short':
      return { key: record.key?.slice(0, 20) };
    case 'key-corrupt':
      return { key: record.key?.map((byte, index) => (index === 20 ? byte ^ 1 : byte)) };
    case 'class-unknown':
      return {
        protectionClass: 15,
        key: record.key?.map((byte, index) => (index === 0 ? 15 : byte)),
      };
    case 'digest-wrong':
      return { digest: (record.digest ?? new Uint8Array(20)).map((byte) => byte ^ 0xff) };
    default:
      return {};
  }
}
