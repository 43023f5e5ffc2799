import { FormatError, type FormatName } from './errors.js';

/** Bounds on what is believed of lengths, counts and depths that a backup or a device states. */
export const limits = {
  /** Nesting of arrays and dictionaries in property lists and archives. */
  nestingDepth: 512,
  /** Objects in one property list or archive. */
  plistObjects: 10_000_000,
  /** Values of a property list that is written out one by one, as XML or JSON: what was shared multiplies there. */
  plistExpandedValues: 1_000_000,
  /** Characters of text and bytes of data in them. */
  plistExpandedBytes: 256 * 1024 * 1024,
  /** Bytes of one property list that is read whole: Info.plist with icons is below 10 MB, lockdown answers far below. */
  plistBytes: 512 * 1024 * 1024,
  /** Rounds of one PBKDF2 stage; Apple uses 10,000,000. @see docs/format/keybag.md */
  keyDerivationRounds: 50_000_000,
  /** Bytes of one message of usbmuxd; pair records, the largest, have below 16 KiB. */
  muxMessageBytes: 1024 * 1024,
  /** Bytes of one property list of lockdownd or a service; lists of apps with icons are the largest. */
  deviceMessageBytes: 64 * 1024 * 1024,
  /** Bytes of one message of Device Link; the list of all moves of a million files has below 200 MB. */
  deviceLinkMessageBytes: 256 * 1024 * 1024,
  /** Bytes of one AFC packet; known clients send at most 4 MiB of data in one. */
  afcPacketBytes: 16 * 1024 * 1024,
  /** Bytes of a keybag; real ones have 1,336 to 1,712. */
  keybagBytes: 1024 * 1024,
  /** Bytes of a relative path; iOS allows about 1,000. */
  pathBytes: 16 * 1024,
  /** Bytes of a Manifest.mbdb, which is held in memory; real ones have about 200 an entry. */
  mbdbBytes: 1024 * 1024 * 1024,
  /** Bytes of a file that `read()` puts in memory as a whole. */
  wholeFileBytes: 2 ** 31 - 1,
} as const;

/** Throws `FORMAT_LIMIT_EXCEEDED` where `value` is beyond `limit` (or not a number at all). */
export function checkLimit(
  value: number | bigint,
  limit: number,
  at: { what: string; format: FormatName; offset?: number | undefined },
): void {
  if (value >= 0 && value <= limit) return;
  throw new FormatError('FORMAT_LIMIT_EXCEEDED', `${at.what} is ${value}, more than the limit of ${limit}`, at);
}
