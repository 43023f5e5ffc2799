import type { BackupFile } from '../../entry/index.js';

const fields = [
  'domain',
  'relativePath',
  'fileId',
  'kind',
  'size',
  'mode',
  'userId',
  'groupId',
  'inode',
  'modified',
  'statusChanged',
  'created',
  'protectionClass',
  'flags',
  'linkTarget',
  'digest',
  'isEncrypted',
  'extendedAttributes',
  'problems',
] as const satisfies readonly (keyof BackupFile)[];

/** The data of a {@link BackupFile}, which computes them from its record when they are asked for. */
export function toFileRecord(file: BackupFile): Pick<BackupFile, (typeof fields)[number]> {
  return Object.fromEntries(fields.map((field) => [field, file[field]])) as ReturnType<typeof toFileRecord>;
}
