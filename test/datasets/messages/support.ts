import { readFile } from 'node:fs/promises';
import { memorySource } from '../../../src/core/byte-source.js';
import type {
  ChatSpec,
  MessageSpec,
  MessagesStoreOptions,
} from '../../../src/testing/backup-builder/stores/messages-spec.js';
import { messagesStore } from '../../../src/testing/backup-builder/stores/messages.js';
import { buildBackup } from '../../../src/testing/backup-builder/build-backup.js';
import { chats } from '../../../src/datasets/messages/chats.js';
import { messages, type MessagesOptions } from '../../../src/datasets/messages/messages.js';
import type { Chat, Message } from '../../../src/datasets/messages/types.js';
import type { DatasetIssue } from '../../../src/datasets/types.js';
import { Backup } from '../../../src/manifest/backup.js';
import type { BackupFile, BackupReader } from '../../../src/manifest/types.js';
import { pagedDriver } from '../../../src/sqlite/paged/paged-driver.js';

/** A backup with these messages, built and opened. */
export async function backupOf(specs: readonly MessageSpec[], options: MessagesStoreOptions = {}): Promise<Backup> {
  const built = await buildBackup({ ios: options.ios, ...messagesStore(specs, options) });
  return await Backup.open(built.tree);
}

/** What is read of these messages, with the issues. */
export async function roundTrip(
  specs: readonly MessageSpec[],
  { read, ...options }: MessagesStoreOptions & { read?: MessagesOptions } = {},
): Promise<{ records: Message[]; issues: DatasetIssue[] }> {
  await using backup = await backupOf(specs, options);
  return await readAll(backup, read);
}

/** The only message that is read of these, which must raise no issue. */
export async function single(spec: MessageSpec, options?: MessagesStoreOptions): Promise<Message> {
  const { records, issues } = await roundTrip([spec], options);
  const [only, more] = records;
  if (only === undefined || more !== undefined || issues.length > 0) {
    throw new Error(`${records.length} records, issues ${issues.map(({ kind }) => kind).join(', ')}`);
  }
  return only;
}

/** All messages of a backup, with the issues. */
export async function readAll(
  backup: BackupReader,
  options?: MessagesOptions,
): Promise<{ records: Message[]; issues: DatasetIssue[] }> {
  const issues: DatasetIssue[] = [];
  const records: Message[] = [];
  for await (const record of messages(backup, { ...options, onIssue: (issue) => issues.push(issue) })) {
    records.push(record);
  }
  return { records, issues };
}

/** The chats of these messages. */
export async function chatsOf(specs: readonly MessageSpec[], options?: MessagesStoreOptions): Promise<Chat[]> {
  await using backup = await backupOf(specs, options);
  const records: Chat[] = [];
  for await (const chat of chats(backup)) records.push(chat);
  return records;
}

/** A backup that holds one file as sms.db and nothing else. */
export function readerOf(sms: Uint8Array): BackupReader {
  const isSms = (path: string): boolean => path === 'Library/SMS/sms.db';
  return {
    summary: { isEncrypted: false } as BackupReader['summary'],
    files: {
      get: async ({ domain, relativePath }: { domain: string; relativePath: string }) =>
        isSms(relativePath)
          ? ({ domain, relativePath, kind: 'file', problems: [] } as unknown as BackupFile)
          : undefined,
    } as unknown as BackupReader['files'],
    openDatabase: async () => await pagedDriver().open({ db: memorySource(sms) }),
  };
}

/** A backup that holds a file of this machine as sms.db. */
export async function readerOfFile(path: string): Promise<BackupReader> {
  return readerOf(new Uint8Array(await readFile(path)));
}

/** A group of two. */
export const group: ChatSpec = { participants: ['+15550101', '+15550102'], name: 'Hikers', groupId: 'GROUP-1' };
