import type { VersionInfo } from '../../entry/snapshot.js';
import { UsageError } from '../failures.js';

/** How a version is named on the command line. */
export type VersionName =
  | {
      /** So many versions before the newest. */
      readonly kind: 'newest';
      readonly back: number;
    }
  | {
      /** The newest one that was made by a time. */
      readonly kind: 'by';
      readonly when: Date;
    }
  | {
      /** The beginning of its identity, or of the last part of that. */
      readonly kind: 'id';
      readonly prefix: string;
    };

/** What a version may be named by, for messages. */
export const versionNames =
  'newest, newest~1 for the one before it, a date such as 2026-11-01 or "2026-11-01 18:30", or the beginning of its id';

const datePattern = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Reads the name of a version. A date means its end, also where it has a time: what was made at 18:30:12 is what a list shows as
 * 18:30.
 *
 * @throws {@link UsageError}
 */
export function parseVersionName(text: string): VersionName {
  const newest = /^(?:newest)?(?:~(\d{1,9})?)?$/.exec(text);
  if (text !== '' && newest !== null) {
    const back = text.includes('~') ? Number(newest[1] ?? 1) : 0;
    return { kind: 'newest', back };
  }
  const date = datePattern.exec(text);
  if (date !== null) return { kind: 'by', when: endOf(date, text) };
  if (/^\d{8}T?\d*Z?(?:-[a-z0-9]*)?$|^[a-z0-9]{1,8}$/i.test(text)) return { kind: 'id', prefix: text.toLowerCase() };
  throw new UsageError(`"${text}" names no version; name it by ${versionNames}`);
}

function endOf(parts: RegExpExecArray, text: string): Date {
  const [, year, month, day, hour, minute, second, fraction, zone = ''] = parts;
  const time =
    hour === undefined
      ? '23:59:59.999'
      : `${hour}:${minute}:${second ?? '59'}.${(fraction ?? '').padEnd(3, fraction === undefined ? '9' : '0')}`;
  const date = new Date(`${year}-${month}-${day}T${time}${zone}`);
  // `2026-02-30` is a day for Date, but not the one that was meant.
  const midnight = new Date(`${year}-${month}-${day}T00:00:00Z`);
  if (Number.isNaN(date.getTime()) || midnight.getUTCDate() !== Number(day))
    throw new UsageError(`"${text}" is no date`);
  return date;
}

/** The short form of an identity: its last part. */
export function shortId(id: string): string {
  return id.slice(id.lastIndexOf('-') + 1);
}

/**
 * The version of a name among those of one device, newest first. Edits are never the newest, nor are deleted ones, which only
 * their identity names. `undefined` where there is none.
 *
 * @throws {@link UsageError} where several have the beginning of an identity
 */
export function findVersion(versions: readonly VersionInfo[], name: VersionName): VersionInfo | undefined {
  if (name.kind === 'id') {
    const found = versions.filter(({ id }) => isNamedBy(id, name.prefix));
    if (found.length <= 1) return found[0];
    throw new UsageError(`"${name.prefix}" begins the ids of ${found.length} versions; give more of the one you mean`);
  }
  const usual = versions.filter(({ kind, deleted }) => kind !== 'edit' && !deleted);
  if (name.kind === 'newest') return usual[name.back];
  return usual.find(({ created }) => created <= name.when);
}

function isNamedBy(id: string, prefix: string): boolean {
  return id.toLowerCase().startsWith(prefix) || shortId(id).startsWith(prefix);
}
