import { createHash } from 'node:crypto';
import { utf8Encode } from '../../core/bytes.js';
import type { SeededRandom } from './seeded-random.js';
import type { FileSpec } from './types.js';

/** One entry as a manifest states it, well or damaged. Times are whole seconds since 1970 UTC. */
export interface EntryRecord {
  readonly domain: string;
  readonly relativePath: string;
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly inode: number | bigint;
  readonly userId: number;
  readonly groupId: number;
  readonly modified: number;
  readonly statusChanged: number;
  readonly created: number;
  readonly flags: number;
  readonly linkTarget: string | undefined;
  readonly extendedAttributes: Readonly<Record<string, Uint8Array>>;
  readonly protectionClass: number;
  /** `undefined` leaves it out. */
  readonly size: number | bigint | undefined;
  /** Class (u32 LE) and wrapped key, 44 bytes where it is sound. */
  readonly key: Uint8Array | undefined;
  readonly digest: Uint8Array | undefined;
}

const kinds = {
  file: { typeBits: 0o100000, permissions: 0o644, protectionClass: 3 },
  directory: { typeBits: 0o040000, permissions: 0o755, protectionClass: 0 },
  symlink: { typeBits: 0o120000, permissions: 0o755, protectionClass: 0 },
} as const;

const mobileUser = 501;
const firstInode = 10_000;
const yearSeconds = 365 * 86_400;

/** `Files.flags` of Manifest.db. */
export const kindFlags = { file: 1, directory: 2, symlink: 4 } as const;

/** Name of an entry in a backup: lower-case hex SHA-1 of domain, dash and path. */
export function fileIdOf(domain: string, relativePath: string): string {
  return createHash('sha1')
    .update(utf8Encode(`${domain}-${relativePath}`))
    .digest('hex');
}

const wholeSeconds = (date: Date): number => {
  const seconds = Math.floor(date.getTime() / 1000);
  if (!Number.isFinite(seconds)) throw new RangeError('A time of a file is not a valid date');
  return seconds;
};

function numberWhereSafe(value: number | bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** An hour earlier, but not before 1970 where the time itself is not: Manifest.mbdb cannot say that. */
function hourBefore(seconds: number): number {
  return seconds < 0 ? seconds - 3600 : Math.max(0, seconds - 3600);
}

/** Fills in what a {@link FileSpec} leaves out; inodes count up and times lie in the year before the backup. */
export class EntryFactory {
  readonly #random: SeededRandom;
  readonly #backupSeconds: number;
  #nextInode = firstInode;

  constructor(random: SeededRandom, date: Date) {
    this.#random = random;
    this.#backupSeconds = wholeSeconds(date);
  }

  /** The entry without what depends on its content: size 0, no key, no digest. */
  create(spec: FileSpec): EntryRecord {
    const kind = spec.kind ?? 'file';
    if (!Object.hasOwn(kinds, kind)) throw new RangeError(`Unknown kind of entry: ${String(kind)}`);
    if (kind !== 'file' && spec.content !== undefined) {
      throw new RangeError(`${spec.domain}/${spec.relativePath} is a ${kind} and cannot have content`);
    }
    if (kind === 'symlink' && spec.linkTarget === undefined) {
      throw new RangeError(`${spec.domain}/${spec.relativePath} is a link without linkTarget`);
    }
    const defaults = kinds[kind];
    const age = this.#random.between(86_400, yearSeconds);
    const modified = spec.modified === undefined ? this.#backupSeconds - age : wholeSeconds(spec.modified);
    return {
      domain: spec.domain,
      relativePath: spec.relativePath,
      kind,
      mode: defaults.typeBits | (spec.mode ?? defaults.permissions),
      inode: spec.inode === undefined ? this.#nextInode++ : numberWhereSafe(spec.inode),
      userId: spec.userId ?? mobileUser,
      groupId: spec.groupId ?? mobileUser,
      modified,
      statusChanged: spec.statusChanged === undefined ? modified : wholeSeconds(spec.statusChanged),
      created: spec.created === undefined ? hourBefore(modified) : wholeSeconds(spec.created),
      flags: spec.flags ?? 0,
      linkTarget: kind === 'symlink' ? spec.linkTarget : undefined,
      extendedAttributes: spec.extendedAttributes ?? {},
      protectionClass: spec.protectionClass ?? defaults.protectionClass,
      size: 0,
      key: undefined,
      digest: undefined,
    };
  }
}
