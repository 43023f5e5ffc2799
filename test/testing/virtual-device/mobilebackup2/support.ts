import { createHash } from 'node:crypto';
import { hexEncode } from '../../../../src/core/bytes.js';
import type { Backup } from '../../../../src/entry/index.js';
import type { FileSpec, VirtualFileEntry } from '../../../../src/entry/testing.js';

/** A few files of all kinds. */
export function someFiles(): FileSpec[] {
  return [
    { domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db', content: { size: 100_000 }, mode: 0o600 },
    { domain: 'HomeDomain', relativePath: 'Library/Preferences/a.plist', content: 'settings' },
    { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE/IMG_0001.JPG', content: { size: 70_000 } },
    { domain: 'AppDomain-com.example.notes', relativePath: 'Documents/empty.txt' },
    { domain: 'AppDomain-com.example.notes', relativePath: 'Documents/Ideen/Käse.txt', content: 'Käse\n' },
    { domain: 'AppDomain-com.example.notes', relativePath: 'Documents/Empty', kind: 'directory' },
    { domain: 'DatabaseDomain', relativePath: 'timezone/localtime', kind: 'symlink', linkTarget: '/var/db/x' },
    {
      domain: 'RootDomain',
      relativePath: 'Library/x.bin',
      content: new Uint8Array(32_768),
      extendedAttributes: { 'com.example.mark': Uint8Array.of(1, 2) },
      protectionClass: 4,
    },
  ];
}

/** Every entry of a backup with the hash of its content, as a device lists its own. */
export async function contentsOf(backup: Backup): Promise<VirtualFileEntry[]> {
  const entries: VirtualFileEntry[] = [];
  for await (const file of backup.files.list()) {
    if (file.problems.length > 0) throw new Error(`${file.relativePath}: ${file.problems.join(', ')}`);
    const hash = createHash('sha256');
    if (file.kind === 'file') for await (const chunk of file.stream()) hash.update(chunk);
    entries.push({
      fileId: file.fileId,
      domain: file.domain,
      relativePath: file.relativePath,
      kind: file.kind,
      size: file.size,
      sha256: file.kind === 'file' ? hexEncode(hash.digest()) : undefined,
      mode: file.mode,
      userId: file.userId,
      groupId: file.groupId,
      inode: file.inode,
      flags: file.flags,
      modified: file.modified ?? new Date(Number.NaN),
      statusChanged: file.statusChanged ?? new Date(Number.NaN),
      created: file.created ?? new Date(Number.NaN),
      protectionClass: file.protectionClass,
      linkTarget: file.linkTarget,
      extendedAttributes: Object.fromEntries(file.extendedAttributes),
    });
  }
  return entries;
}
