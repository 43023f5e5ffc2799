import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../../../src/core/bytes.js';
import { chats } from '../../../src/datasets/messages/chats.js';
import { messages } from '../../../src/datasets/messages/messages.js';
import { Backup } from '../../../src/manifest/backup.js';
import { buildBackup } from '../../../src/testing/backup-builder/build-backup.js';
import type { FileSpec } from '../../../src/testing/backup-builder/types.js';
import { datasetSuite, type DatasetBackups } from '../../../src/testing/suites/dataset.js';
import { backupOf, group } from './support.js';

const sound = [
  { text: 'one', from: '+15550101' },
  { text: 'two', from: '+15550102', attachments: [{ name: 'a.jpg' }] },
  { text: 'three', chat: group, reactions: [{ kind: 'love', from: '+15550102' }] as const },
];

const newColumns = ['message', 'chat', 'handle', 'attachment', 'chat_message_join'].map(
  (table) => `ALTER TABLE ${table} ADD COLUMN is_from_the_future TEXT DEFAULT 'x'`,
);

const smsFile = (file: Partial<FileSpec>): FileSpec => ({
  domain: 'HomeDomain',
  relativePath: 'Library/SMS/sms.db',
  ...file,
});

async function openBuilt(spec: Parameters<typeof buildBackup>[0]): Promise<Backup> {
  return await Backup.open((await buildBackup(spec)).tree);
}

const backups: DatasetBackups = {
  sound: async () => await backupOf(sound),
  unknownColumns: async () => await backupOf(sound, { sql: newColumns }),
  withIssues: async () =>
    await backupOf([...sound, { text: 'lost', from: '+15550101', body: 'truncated' }], {
      sql: ["UPDATE chat SET properties = x'01' WHERE ROWID = 1"],
    }),
  empty: async () => await backupOf([]),
  absent: async () => await openBuilt({}),
  unknownSchema: async () =>
    await openBuilt({ databases: [{ ...smsFile({}), sql: 'CREATE TABLE notes (id INTEGER PRIMARY KEY)' }] }),
  damaged: async () => await openBuilt({ files: [smsFile({ content: utf8Encode('no database'.repeat(500)) })] }),
};

describe.each([
  ['messages', datasetSuite(messages, backups)],
  ['chats', datasetSuite(chats, backups)],
] as const)('%s, as a dataset,', (_name, suite) => {
  it.each(suite)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe('absence of messages', () => {
  it('is because of missing content where the backup lists sms.db without its content', async () => {
    await using backup = await openBuilt({ files: [smsFile({ content: 'x', damage: ['content-missing'] })] });
    const probe = await messages.probe(backup);
    expect(probe).toMatchObject({ available: false, reason: 'content-missing' });
    expect(probe.missing).toEqual([{ domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' }]);
    await expect(messages(backup).next()).rejects.toMatchObject({ code: 'DATASET_ABSENT', reason: 'content-missing' });
  });

  it('is because of missing content where a placeholder of 0 bytes stands for it', async () => {
    await using backup = await openBuilt({ files: [smsFile({ content: 'some', damage: ['content-empty'] })] });
    expect(await messages.probe(backup)).toMatchObject({ available: false, reason: 'content-missing' });
  });
});
