import { writeBinaryPlist } from '../../plist/binary-write.js';
import { PlistUid, type PlistDict, type PlistValue } from '../../plist/types.js';
import type { EntryRecord } from './entry-record.js';

const classOf = (name: string, ...ancestors: string[]): PlistDict =>
  new Map<string, PlistValue>([
    ['$classname', name],
    ['$classes', [name, ...ancestors, 'NSObject']],
  ]);

const fileClass = classOf('MBFile');
const dataClass = classOf('NSMutableData', 'NSData');

/**
 * The NSKeyedArchiver archive of one MBFile, as the column `file` of Manifest.db holds it, with objects and members in the
 * order of real ones: numbers inline, everything else by reference. FORMAT facts: docs/format/manifest-db.md.
 */
export function fileArchive(record: EntryRecord): PlistDict {
  const file: PlistDict = new Map();
  const objects: PlistValue[] = ['$null', file];
  const refer = (value: PlistValue): PlistUid => new PlistUid(objects.push(value) - 1);

  const path = refer(record.relativePath);
  const target = record.linkTarget === undefined ? undefined : refer(record.linkTarget);
  const digest = record.digest === undefined ? undefined : refer(record.digest);
  const key = record.key === undefined ? undefined : referData(record.key, refer);
  const attributes = Object.entries(record.extendedAttributes);
  const extended = attributes.length === 0 ? undefined : refer(writeBinaryPlist(new Map(attributes)));
  const fileClassRef = refer(fileClass);

  const members: readonly (readonly [string, PlistValue | undefined])[] = [
    ['LastModified', record.modified],
    ['Flags', record.flags],
    ['ExtendedAttributes', extended],
    ['GroupID', record.groupId],
    ['Target', target],
    ['$class', fileClassRef],
    ['LastStatusChange', record.statusChanged],
    ['RelativePath', path],
    ['Birth', record.created],
    ['EncryptionKey', key],
    ['Size', record.size],
    ['Mode', record.mode],
    ['UserID', record.userId],
    ['Digest', digest],
    ['InodeNumber', record.inode],
    ['ProtectionClass', record.protectionClass],
  ];
  for (const [name, value] of members) if (value !== undefined) file.set(name, value);
  return archiveOf(objects);
}

function referData(bytes: Uint8Array, refer: (value: PlistValue) => PlistUid): PlistUid {
  const data: PlistDict = new Map([['NS.data', bytes]]);
  const reference = refer(data);
  data.set('$class', refer(dataClass));
  return reference;
}

/** An archive whose root object is a reference to itself. */
export function cyclicArchive(): PlistDict {
  return archiveOf(['$null', new PlistUid(1)]);
}

function archiveOf(objects: PlistValue[]): PlistDict {
  return new Map<string, PlistValue>([
    ['$version', 100_000],
    ['$archiver', 'NSKeyedArchiver'],
    ['$top', new Map([['root', new PlistUid(1)]])],
    ['$objects', objects],
  ]);
}
