import { describe, expect, it } from 'vitest';
import { writeBinaryPlist } from '../../../src/plist/binary-write.js';
import { chats } from '../../../src/datasets/messages/chats.js';
import type { DatasetIssue } from '../../../src/datasets/types.js';
import { backupOf, chatsOf, group, roundTrip } from './support.js';

describe('chats', () => {
  it('have their people, kind, name and service', async () => {
    const records = await chatsOf([
      { text: 'Hi', from: '+15550101', service: 'SMS' },
      { text: 'Hi all', chat: group },
    ]);
    expect(records).toMatchObject([
      {
        rowId: 1,
        guid: 'SMS;-;+15550101',
        kind: 'direct',
        style: 45,
        service: 'SMS',
        participants: [{ address: '+15550101', kind: 'phone', country: 'us' }],
        ownerAddress: '+15550100',
      },
      {
        rowId: 2,
        kind: 'group',
        style: 43,
        displayName: 'Hikers',
        groupId: 'GROUP-1',
        participants: [{ address: '+15550101' }, { address: '+15550102' }],
      },
    ]);
  });

  it('with one person on several services are one conversation', async () => {
    const records = await chatsOf([
      { text: 'a', from: '+12025550101', service: 'iMessage' },
      { text: 'b', from: '+1 (202) 555-0101', service: 'SMS' },
      { text: 'c', from: '2025550101', service: 'RCS' },
      { text: 'd', from: '+13035550101' },
    ]);
    const ids = records.map(({ conversationId }) => conversationId);
    expect(new Set(ids.slice(0, 3)).size).toBe(1);
    expect(ids[3]).not.toBe(ids[0]);
  });

  it('with the phone and the mail address of one person are one conversation where the device knew', async () => {
    const specs = [
      { text: 'a', from: '+15550101' },
      { text: 'b', from: 'Ada@Example.com' },
    ];
    const known = await chatsOf(specs, { persons: { ada: ['+15550101', 'Ada@Example.com'] } });
    const unknown = await chatsOf(specs);
    expect(new Set(known.map(({ conversationId }) => conversationId)).size).toBe(1);
    expect(new Set(unknown.map(({ conversationId }) => conversationId)).size).toBe(2);
  });

  it('of the same people with different ids are different conversations', async () => {
    const records = await chatsOf([
      { text: 'a', chat: group },
      { text: 'b', chat: { ...group, groupId: 'GROUP-2' } },
      { text: 'c', chat: { ...group, name: undefined, service: 'SMS' } },
    ]);
    const [first, second, renamed] = records.map(({ conversationId }) => conversationId);
    expect(second).not.toBe(first);
    expect(renamed).toBe(first);
  });

  it('of MMS groups, which have no id, are one conversation by their people', async () => {
    const people = { participants: ['+15550102', '+15550101'], service: 'SMS' };
    const records = await chatsOf([
      { text: 'a', chat: people },
      { text: 'b', chat: { participants: ['+15550101', '+15550102'], service: 'RCS' } },
      { text: 'c', chat: { participants: ['+15550101', '+15550103'], service: 'SMS' } },
    ]);
    const [first, second, other] = records.map(({ conversationId }) => conversationId);
    expect(second).toBe(first);
    expect(other).not.toBe(first);
  });

  it('tell businesses, short codes and mail addresses apart', async () => {
    const records = await chatsOf(
      ['urn:biz:abc', '62442', 'a@example.com', 'AMAZON'].map((from) => ({ text: '', from })),
    );
    expect(records.map(({ participants }) => participants[0]?.kind)).toEqual([
      'business',
      'short-code',
      'email',
      'other',
    ]);
  });

  it('have the guid of the group photo, and damaged properties are reported', async () => {
    const properties = writeBinaryPlist({ groupPhotoGuid: 'at_0_PHOTO' });
    await using backup = await backupOf([
      { text: 'a', chat: { ...group, columns: { properties, is_archived: 1, is_filtered: 1 } } },
      { text: 'b', chat: { ...group, groupId: 'GROUP-2', columns: { properties: new Uint8Array([1]) } } },
    ]);
    const issues: DatasetIssue[] = [];
    const records = [];
    for await (const chat of chats(backup, { onIssue: (issue) => issues.push(issue) })) records.push(chat);
    expect(records).toMatchObject([
      { groupPhotoGuid: 'at_0_PHOTO', isArchived: true, isFiltered: true },
      { groupPhotoGuid: undefined, isArchived: false },
    ]);
    expect(issues).toMatchObject([{ dataset: 'chats', kind: 'chat-properties-undecoded', rowId: 2 }]);
  });

  it('give the ids with which messages of a whole conversation are read', async () => {
    const specs = [
      { text: 'a', from: '+15550101', service: 'iMessage' },
      { text: 'b', from: '+15550101', service: 'SMS' },
      { text: 'c', from: '+15550102' },
    ];
    const all = await chatsOf(specs);
    const ids = all.filter(({ conversationId }) => conversationId === all[0]?.conversationId).map(({ rowId }) => rowId);
    const { records } = await roundTrip(specs, { read: { chatId: ids } });
    expect(records.map(({ text }) => text)).toEqual(['a', 'b']);
  });
});
