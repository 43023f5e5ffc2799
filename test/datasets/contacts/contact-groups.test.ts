import { expect, test } from 'vitest';
import { contactGroups } from '../../../src/datasets/contacts/contact-groups.js';
import type { ContactGroup } from '../../../src/datasets/contacts/types.js';
import type { DatasetIssue } from '../../../src/datasets/types.js';
import { backupOf } from './backup-of.js';

test('groups come with their members, empty ones too', async () => {
  await using backup = await backupOf([{ groups: ['Friends'] }, {}, { groups: ['Friends', 'Work'] }], {
    emptyGroups: ['Nobody'],
    sql: ['INSERT INTO ABGroupMembers VALUES (50, 1, 1, 2)', 'INSERT INTO ABGroupMembers VALUES (51, 77, 0, 1)'],
  });
  const groups: ContactGroup[] = [];
  const issues: DatasetIssue[] = [];
  for await (const group of contactGroups(backup, { onIssue: (issue) => issues.push(issue) })) groups.push(group);
  expect(groups).toMatchObject([
    { rowId: 1, name: 'Friends', contactRowIds: [1, 3], groupRowIds: [2], store: { kind: 'local' } },
    { rowId: 2, name: 'Work', contactRowIds: [3], groupRowIds: [] },
    { rowId: 3, name: 'Nobody', contactRowIds: [], groupRowIds: [] },
  ]);
  expect(issues).toMatchObject([{ kind: 'group-dangling', table: 'ABGroupMembers', rowId: 51 }]);
});

test('an address book without tables of groups has none', async () => {
  await using backup = await backupOf([{}], { sql: ['DROP TABLE ABGroup', 'DROP TABLE ABGroupMembers'] });
  await expect(contactGroups(backup).next()).resolves.toEqual({ done: true, value: undefined });
});
