import { writeBinaryPlist } from '../../plist/binary-write.js';
import {
  archiveMutableData,
  ArchiveObject,
  keyedArchivePlist,
  type ArchiveInput,
} from '../../plist/keyed-archive-write.js';
import { PlistUid, type PlistDict, type PlistValue } from '../../plist/types.js';
import type { EntryRecord } from './entry-record.js';

/**
 * The NSKeyedArchiver archive of one MBFile, as the column `file` of Manifest.db holds it, with the objects in the order of
 * real ones: numbers inline, everything else by reference. FORMAT facts: docs/format/manifest-db.md.
 */
export function fileArchive(record: EntryRecord): PlistDict {
  const attributes = Object.entries(record.extendedAttributes);
  const fields: Record<string, ArchiveInput> = {
    LastModified: record.modified,
    Flags: record.flags,
    GroupID: record.groupId,
    LastStatusChange: record.statusChanged,
    Birth: record.created,
  };
  // A field that a record lacks is left out; one without a value would be archived as nil.
  if (record.size !== undefined) fields['Size'] = record.size;
  fields['InodeNumber'] = record.inode;
  fields['Mode'] = record.mode;
  fields['UserID'] = record.userId;
  fields['ProtectionClass'] = record.protectionClass;
  fields['RelativePath'] = record.relativePath;
  if (record.linkTarget !== undefined) fields['Target'] = record.linkTarget;
  if (record.digest !== undefined) fields['Digest'] = record.digest;
  if (record.key !== undefined) fields['EncryptionKey'] = archiveMutableData(record.key);
  if (attributes.length > 0) fields['ExtendedAttributes'] = writeBinaryPlist(new Map(attributes));
  return keyedArchivePlist(new ArchiveObject(['MBFile', 'NSObject'], fields));
}

/** An archive whose root object is a reference to itself. */
export function cyclicArchive(): PlistDict {
  const root = new PlistUid(1);
  return new Map<string, PlistValue>([
    ['$version', 100_000],
    ['$archiver', 'NSKeyedArchiver'],
    ['$top', new Map([['root', root]])],
    ['$objects', ['$null', root]],
  ]);
}
