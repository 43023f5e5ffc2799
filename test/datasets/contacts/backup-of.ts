import { memorySource } from '../../../src/core/byte-source.js';
import type { BackupFile, BackupReader } from '../../../src/manifest/types.js';
import { pagedDriver } from '../../../src/sqlite/paged/paged-driver.js';
import { databaseFiles } from '../../../src/testing/backup-builder/databases.js';
import {
  contactsStore,
  type ContactSpec,
  type ContactsStoreOptions,
} from '../../../src/testing/backup-builder/stores/contacts.js';

/** A backup that holds an address book and nothing else. */
export async function backupOf(
  contacts: readonly ContactSpec[],
  options?: ContactsStoreOptions,
): Promise<BackupReader & AsyncDisposable> {
  return readerOfFiles(await filesOf(contacts, options));
}

/** The files of an address book by path. */
export async function filesOf(
  contacts: readonly ContactSpec[],
  options?: ContactsStoreOptions,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const spec of contactsStore(contacts, options).databases) {
    for (const file of await databaseFiles(spec)) files.set(file.relativePath, file.content as Uint8Array);
  }
  return files;
}

/** A backup of these files. */
export function readerOfFiles(files: ReadonlyMap<string, Uint8Array>): BackupReader & AsyncDisposable {
  return {
    summary: { isEncrypted: false } as BackupReader['summary'],
    files: {
      get: async ({ relativePath }: { relativePath: string }) =>
        files.has(relativePath) ? ({ problems: [] } as unknown as BackupFile) : undefined,
    } as unknown as BackupReader['files'],
    async openDatabase({ relativePath }) {
      const db = memorySource(files.get(relativePath) as Uint8Array);
      const wal = files.get(`${relativePath}-wal`);
      return await pagedDriver().open({ db, wal: wal && memorySource(wal) });
    },
    async [Symbol.asyncDispose]() {},
  };
}
