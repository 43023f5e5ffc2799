import { utf8Decode } from '../../core/bytes.js';

/* FORMAT facts: docs/format/afc.md. */

/** What is known of a file, folder or link of a device. */
export interface AfcStat {
  /** From the type bits of its mode; `other` is a pipe, a socket, a device, or what the device does not name. */
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  /** Size in bytes. */
  readonly size: number;
  /** Number of names that it has. */
  readonly links: number;
  /** Last change of the content, cut to milliseconds. `undefined` where the device does not tell. */
  readonly modified: Date | undefined;
  /** Creation, cut to milliseconds. `undefined` where the device does not tell. */
  readonly created: Date | undefined;
  /** Where a symbolic link leads, as it was made: relative to its folder, or absolute. */
  readonly linkTarget: string | undefined;
}

/** What is known of the file system behind an AFC connection. */
export interface AfcDeviceInfo {
  /** Model, e.g. `iPhone14,5`. */
  readonly model: string | undefined;
  /** Size of the disk in bytes. */
  readonly totalBytes: number | undefined;
  /** Free space in bytes. */
  readonly freeBytes: number | undefined;
  /** Size of a block in bytes. */
  readonly blockBytes: number | undefined;
}

const kinds = new Map<string | undefined, AfcStat['kind']>([
  ['S_IFREG', 'file'],
  ['S_IFDIR', 'directory'],
  ['S_IFLNK', 'symlink'],
]);

/** Texts of a reply, each of which ends with a NUL. */
export function splitTexts(bytes: Uint8Array): string[] {
  const texts = utf8Decode(bytes).split('\0');
  if (texts.at(-1) === '') texts.pop();
  return texts;
}

/** Keys and values that alternate. */
function readPairs(bytes: Uint8Array): Map<string, string> {
  const texts = splitTexts(bytes);
  const pairs = new Map<string, string>();
  for (let at = 0; at + 1 < texts.length; at += 2) pairs.set(texts[at] ?? '', texts[at + 1] ?? '');
  return pairs;
}

/** Out of the reply to GET_FILE_INFO. */
export function readFileInfo(bytes: Uint8Array): AfcStat {
  const pairs = readPairs(bytes);
  return {
    kind: kinds.get(pairs.get('st_ifmt')) ?? 'other',
    size: count(pairs.get('st_size')) ?? 0,
    links: count(pairs.get('st_nlink')) ?? 1,
    modified: time(pairs.get('st_mtime')),
    created: time(pairs.get('st_birthtime')),
    linkTarget: pairs.get('LinkTarget'),
  };
}

/** Out of the reply to GET_DEVINFO. */
export function readDeviceInfo(bytes: Uint8Array): AfcDeviceInfo {
  const pairs = readPairs(bytes);
  return {
    model: pairs.get('Model'),
    totalBytes: count(pairs.get('FSTotalBytes')),
    freeBytes: count(pairs.get('FSFreeBytes')),
    blockBytes: count(pairs.get('FSBlockSize')),
  };
}

function count(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** From nanoseconds since 1970. */
function time(text: string | undefined): Date | undefined {
  if (text === undefined || !/^-?\d{1,20}$/.test(text)) return undefined;
  const date = new Date(Number(BigInt(text) / 1_000_000n));
  return Number.isNaN(date.getTime()) ? undefined : date;
}
