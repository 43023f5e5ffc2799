import { concatBytes } from '../core/bytes.js';
import { windowsTime } from './times.js';

/** One entry of a zip archive, as its headers have it. */
export interface ZipEntry {
  /** UTF-8. */
  readonly name: Uint8Array;
  /** File type and permission bits. */
  readonly mode: number;
  readonly modified: Date | undefined;
  /** The same in whole microseconds since 1970, where it is to be kept exactly. */
  readonly modifiedUs?: number | undefined;
  /** 0 stored, 8 deflated. */
  readonly method: 0 | 8;
  /** CRC and sizes follow the content, because they are not known before it. */
  readonly isStreamed: boolean;
  /** Whether sizes have 8 bytes where they follow the content. */
  readonly isLarge: boolean;
  crc32: number;
  /** Bytes as stored. */
  storedSize: number;
  /** Bytes of content. */
  size: number;
  /** Position of the local header in the archive. */
  offset: number;
}

const max32 = 0xffff_ffff;
const utf8Flag = 0x0800;
const streamedFlag = 0x0008;
const zip64Version = 45;
const unix = 3;
const directoryType = 0o040000;

const joined = (...parts: readonly Uint8Array[]): Uint8Array => concatBytes(parts);

/** Little-endian numbers of 2, 4 and 8 bytes, one after the other. */
function record(...fields: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [bytes]) => sum + bytes, 0)));
  let offset = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(offset, value, true);
    else if (bytes === 4) view.setUint32(offset, value, true);
    else view.setBigUint64(offset, BigInt(value), true);
    offset += bytes;
  }
  return new Uint8Array(view.buffer);
}

/**
 * Date and time of MS-DOS, in UTC: the format has no time zone, and local time would make the archive depend on the computer.
 * Readers prefer the exact time of {@link unixTime}.
 */
function dosDateTime(date: Date | undefined): { date: number; time: number } {
  const year = date?.getUTCFullYear() ?? 0;
  if (date === undefined || year < 1980) return { date: (1 << 5) | 1, time: 0 };
  if (year > 2107) return { date: (127 << 9) | (12 << 5) | 31, time: (23 << 11) | (59 << 5) | 29 };
  return {
    date: ((year - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate(),
    time: (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1),
  };
}

/** The "UT" extra field with whole seconds since 1970, signed 32-bit; nothing for times beyond. @source Info-ZIP appnote, "Extended Timestamp" */
function unixTime(date: Date | undefined): Uint8Array {
  const seconds = Math.floor((date?.getTime() ?? Infinity) / 1000);
  if (seconds < -0x8000_0000 || seconds > 0x7fff_ffff) return new Uint8Array(0);
  return joined(record([2, 0x5455], [2, 5]), Uint8Array.of(1), record([4, seconds >>> 0]));
}

/** The NTFS extra field, in steps of 100 ns, where the exact time is known. @source PKWARE APPNOTE 6.3.10, §4.5.5 */
function exactTime(modifiedUs: number | undefined): Uint8Array {
  const steps = modifiedUs === undefined ? undefined : windowsTime(modifiedUs);
  if (steps === undefined) return new Uint8Array(0);
  const times = new DataView(new ArrayBuffer(24));
  // Written, read and made: only the first is known.
  for (const at of [0, 8, 16]) times.setBigUint64(at, steps, true);
  return joined(record([2, 0x000a], [2, 32], [4, 0], [2, 1], [2, 24]), new Uint8Array(times.buffer));
}

function commonFields(entry: ZipEntry): readonly (readonly [2 | 4, number])[] {
  const { date, time } = dosDateTime(entry.modified);
  return [
    [2, zip64Version],
    [2, utf8Flag | (entry.isStreamed ? streamedFlag : 0)],
    [2, entry.method],
    [2, time],
    [2, date],
  ];
}

/** What stands before the content. @source PKWARE APPNOTE 6.3.10, §4.3.7 */
export function localHeader(entry: ZipEntry): Uint8Array {
  // With a zip64 field in the local header, the sizes after the content have 8 bytes (§4.3.9.2).
  const zip64 = entry.isLarge ? record([2, 1], [2, 16], [8, 0], [8, 0]) : new Uint8Array(0);
  const extra = joined(unixTime(entry.modified), exactTime(entry.modifiedUs), zip64);
  const size = entry.isLarge ? max32 : entry.size;
  const storedSize = entry.isLarge ? max32 : entry.storedSize;
  return joined(
    record([4, 0x0403_4b50], ...commonFields(entry), [4, entry.crc32], [4, storedSize], [4, size]),
    record([2, entry.name.length], [2, extra.length]),
    entry.name,
    extra,
  );
}

/** What stands after the content of a streamed entry. @source PKWARE APPNOTE 6.3.10, §4.3.9 */
export function dataDescriptor(entry: ZipEntry): Uint8Array {
  const bytes = entry.isLarge ? 8 : 4;
  return record([4, 0x0807_4b50], [4, entry.crc32], [bytes, entry.storedSize], [bytes, entry.size]);
}

/** The entry's record in the directory at the end. @source PKWARE APPNOTE 6.3.10, §4.3.12, §4.5.3 */
export function directoryRecord(entry: ZipEntry): Uint8Array {
  const wide = (
    [
      [8, entry.size],
      [8, entry.storedSize],
      [8, entry.offset],
    ] as const
  ).filter(([, value]) => value >= max32);
  const zip64 = wide.length > 0 ? record([2, 1], [2, wide.length * 8], ...wide) : new Uint8Array(0);
  const extra = joined(unixTime(entry.modified), exactTime(entry.modifiedUs), zip64);
  const isDirectory = (entry.mode & 0o170000) === directoryType;
  const attributes = entry.mode * 0x1_0000 + (isDirectory ? 0x10 : 0);
  return joined(
    record([4, 0x0201_4b50], [2, (unix << 8) | zip64Version], ...commonFields(entry), [4, entry.crc32]),
    record([4, Math.min(entry.storedSize, max32)], [4, Math.min(entry.size, max32)], [2, entry.name.length]),
    record([2, extra.length], [2, 0], [2, 0], [2, 0], [4, attributes], [4, Math.min(entry.offset, max32)]),
    entry.name,
    extra,
  );
}

/** What ends the archive. @source PKWARE APPNOTE 6.3.10, §4.3.14 to 4.3.16 */
export function endOfDirectory(directory: { entries: number; size: number; offset: number }): Uint8Array {
  const { entries, size, offset } = directory;
  const needsZip64 = entries >= 0xffff || size >= max32 || offset >= max32;
  const zip64 = needsZip64
    ? joined(
        record([4, 0x0606_4b50], [8, 44], [2, (unix << 8) | zip64Version], [2, zip64Version], [4, 0], [4, 0]),
        record([8, entries], [8, entries], [8, size], [8, offset]),
        record([4, 0x0706_4b50], [4, 0], [8, offset + size], [4, 1]),
      )
    : new Uint8Array(0);
  const few = Math.min(entries, 0xffff);
  return joined(
    zip64,
    record([4, 0x0605_4b50], [2, 0], [2, 0], [2, few], [2, few]),
    record([4, Math.min(size, max32)], [4, Math.min(offset, max32)], [2, 0]),
  );
}
