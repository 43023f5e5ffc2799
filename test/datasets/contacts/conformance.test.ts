import { expect, test } from 'vitest';
import { contactGroups } from '../../../src/datasets/contacts/contact-groups.js';
import { contacts } from '../../../src/datasets/contacts/contacts.js';
import { addressBookRef } from '../../../src/datasets/contacts/schema.js';
import { datasetSuite, type DatasetBackups } from '../../../src/testing/suites/dataset.js';
import { backupOf, backupOfFiles } from './backup-of.js';

const people = [
  { givenName: 'Ada', groups: ['A', 'B'], phones: ['1'], fullImage: new Uint8Array([0xff, 0xd8, 0xff]) },
  { organization: 'Works', groups: ['C'], addresses: [{ parts: { City: 'London' } }] },
  { nickname: 'Lexi', birthday: '--12-10' },
];

const backups: DatasetBackups = {
  sound: async () => await backupOf(people),
  unknownColumns: async () =>
    await backupOf(people, {
      sql: [
        'ALTER TABLE ABPerson ADD COLUMN Aura TEXT',
        'ALTER TABLE ABMultiValue ADD COLUMN Aura TEXT',
        'ALTER TABLE ABGroup ADD COLUMN Aura TEXT',
      ],
    }),
  withIssues: async () =>
    await backupOf([{ phones: [{ value: '1', label: 999 }] }], {
      sql: ['INSERT INTO ABGroupMembers VALUES (9, 99, 0, 1)'],
    }),
  empty: async () => await backupOf([]),
  absent: async () => await backupOfFiles(new Map()),
  unknownSchema: async () => await backupOf([], { sql: ['DROP TABLE ABPerson'] }),
  damaged: async () => await backupOfFiles(new Map([[addressBookRef.relativePath, new Uint8Array(8192).fill(7)]])),
};

test.each(datasetSuite(contacts, backups))('contacts, as a dataset, $title', async ({ run }) => {
  await expect(run()).resolves.toBeUndefined();
});

test.each(datasetSuite(contactGroups, backups))('contactGroups, as a dataset, $title', async ({ run }) => {
  await expect(run()).resolves.toBeUndefined();
});
