import type { BackupFile } from '../../../manifest/types.js';
import type { EntryRecord } from '../../backup-builder/entry-record.js';

const seconds = (date: Date | undefined): number => Math.floor((date?.getTime() ?? 0) / 1000);

/** The entry that a backup tells of, without key and digest, which belong to that backup. */
export function recordOf(file: BackupFile): EntryRecord {
  return {
    domain: file.domain,
    relativePath: file.relativePath,
    kind: file.kind,
    mode: file.mode,
    inode: file.inode,
    userId: file.userId,
    groupId: file.groupId,
    modified: seconds(file.modified),
    statusChanged: seconds(file.statusChanged),
    created: seconds(file.created),
    flags: file.flags,
    linkTarget: file.linkTarget,
    extendedAttributes: Object.fromEntries(file.extendedAttributes),
    protectionClass: file.protectionClass,
    size: file.size,
    key: undefined,
    digest: undefined,
  };
}
