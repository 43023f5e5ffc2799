import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { contactGroups } from '../../../src/datasets/contacts/contact-groups.js';
import { contacts } from '../../../src/datasets/contacts/contacts.js';
import type { Contact, ContactGroup } from '../../../src/datasets/contacts/types.js';
import type { DatasetIssue } from '../../../src/datasets/types.js';
import { describeWithFixtures } from '../../support/shared-fixtures.js';
import { backupOfFiles } from './backup-of.js';

async function readDatabase(path: string): Promise<{
  records: Contact[];
  groups: ContactGroup[];
  issues: DatasetIssue[];
}> {
  await using backup = await backupOfFiles(
    new Map([['Library/AddressBook/AddressBook.sqlitedb', await readFile(path)]]),
  );
  const records: Contact[] = [];
  const groups: ContactGroup[] = [];
  const issues: DatasetIssue[] = [];
  for await (const record of contacts(backup, { onIssue: (issue) => issues.push(issue) })) records.push(record);
  for await (const group of contactGroups(backup)) groups.push(group);
  return { records, groups, issues };
}

describeWithFixtures('address books that others made', (fixtures) => {
  test('every row of the modern one comes out as stated, and the one bad row is an issue', async () => {
    const path = join(fixtures, 'datasets/ios-backup-parser/contacts.1.AddressBook.sqlitedb');
    const { records, groups, issues } = await readDatabase(path);
    const store = { rowId: 1, name: 'Fixture Store', accountId: 'fixture-account-1' };
    expect(records).toMatchObject([
      {
        rowId: 1,
        guid: 'fx-person-1',
        kind: 'person',
        displayName: 'Dr. Alex Quinn Fixture Jr.',
        namePrefix: 'Dr.',
        givenName: 'Alex',
        middleName: 'Quinn',
        familyName: 'Fixture',
        nameSuffix: 'Jr.',
        nickname: 'Lexi',
        organization: 'Fixture Works',
        department: 'Synthesis',
        jobTitle: 'Fabricator',
        note: 'Entirely invented.',
        birthday: '1990-04-01',
        created: new Date('2023-03-08T20:26:40.000Z'),
        modified: new Date('2023-03-09T20:26:40.000Z'),
        phones: [
          { label: 'home', rawLabel: '_$!<Home>!$_', value: '+1 555 0100' },
          { label: 'work', rawLabel: '_$!<Work>!$_', value: '+1 555 0101' },
          { label: undefined, rawLabel: undefined, value: '+1 555 0102' },
        ],
        emails: [{ label: 'home', value: 'alex@example.com' }],
        urls: [{ label: 'fixture custom', rawLabel: 'fixture custom', value: 'https://alex.example.com' }],
        addresses: [
          {
            label: 'home',
            street: '1 Synthetic Way',
            city: 'Faketown',
            state: 'FX',
            postalCode: '00001',
            country: 'Fixtureland',
            otherParts: [],
          },
        ],
        instantMessages: [{ label: undefined, username: 'fixture-im' }],
        store,
        groups: [{ rowId: 1, name: 'Fixture Friends' }],
        link: undefined,
        isMe: false,
        hasImage: false,
      },
      { rowId: 2, displayName: 'Broken Label', phones: [{ label: undefined, value: '+1 555 0199' }], store: undefined },
      {
        rowId: 3,
        kind: 'organization',
        displayName: 'Acme Synthetics',
        phones: [{ label: 'work', value: '+1 555 0142' }],
        store: { rowId: 2, name: 'Local Fixture', accountId: undefined },
      },
      { rowId: 4, displayName: 'Solo', phones: [], store: undefined, groups: [{ rowId: 1 }] },
    ]);
    expect(groups).toMatchObject([
      { rowId: 1, name: 'Fixture Friends', contactRowIds: [1, 4] },
      { rowId: 2, name: 'Empty Fixture', contactRowIds: [] },
    ]);
    expect(issues).toMatchObject([{ kind: 'label-dangling', table: 'ABMultiValue', rowId: 201, field: 'label' }]);
  });

  test('one with few tables and columns is read without an issue', async () => {
    const path = join(fixtures, 'datasets/traceloupe-synthetic/HomeDomain/Library/AddressBook/AddressBook.sqlitedb');
    const { records, groups, issues } = await readDatabase(path);
    expect(issues).toEqual([]);
    expect(groups).toEqual([]);
    expect(records).toMatchObject([
      {
        displayName: 'Alex Rivera',
        phones: [{ label: 'mobile', value: '+15551234567' }],
        emails: [{ label: 'home', value: 'alex@example.com' }],
        created: new Date('2023-01-01T00:00:00.000Z'),
        isMe: undefined,
        guid: undefined,
      },
      { displayName: 'Jordan Kim', organization: 'Acme Corp', phones: [{ label: 'work', value: '+15559876543' }] },
      { displayName: 'Bella Vista Pizza', phones: [{ label: 'mobile', value: '+15550001111' }] },
      { displayName: 'Sam Taylor', emails: [{ label: 'home', value: 'sam.taylor@example.com' }] },
    ]);
  });
});
