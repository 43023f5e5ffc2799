import { Backup } from '../../../src/manifest/backup.js';
import { buildBackup } from '../../../src/testing/backup-builder/build-backup.js';
import { databaseFiles } from '../../../src/testing/backup-builder/databases.js';
import {
  contactsStore,
  type ContactSpec,
  type ContactsStoreOptions,
} from '../../../src/testing/backup-builder/stores/contacts.js';

/** A backup that holds an address book and nothing else. */
export async function backupOf(contacts: readonly ContactSpec[], options: ContactsStoreOptions = {}): Promise<Backup> {
  const { tree } = await buildBackup({ ios: options.ios, ...contactsStore(contacts, options) });
  return await Backup.open(tree);
}

/** The files of an address book by path. */
export async function filesOf(contacts: readonly ContactSpec[]): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const spec of contactsStore(contacts).databases) {
    for (const file of await databaseFiles(spec)) files.set(file.relativePath, file.content as Uint8Array);
  }
  return files;
}

/** A backup with these files in its home domain. */
export async function backupOfFiles(contents: ReadonlyMap<string, Uint8Array>): Promise<Backup> {
  const files = Array.from(contents, ([relativePath, content]) => ({ domain: 'HomeDomain', relativePath, content }));
  const { tree } = await buildBackup({ files });
  return await Backup.open(tree);
}
