import { describe, expect, it } from 'vitest';
import { messages } from '../../../src/datasets/messages/messages.js';
import { backupOf, group, readAll, roundTrip, single } from './support.js';

const texts = (records: readonly { text: string | undefined }[]): (string | undefined)[] =>
  records.map(({ text }) => text);

const eras = [
  '6.1.6',
  '7.0',
  '8.4',
  '9.3.5',
  '10.2',
  '11.2',
  '12.0',
  '13.0',
  '14.3',
  '15.0',
  '16.0',
  '17.4',
  '18.0',
  '26.0',
];

describe('schemas', () => {
  it.each(eras)('of iOS %s are read', async (ios) => {
    await using backup = await backupOf(
      [
        {
          text: 'Hello',
          from: '+15550101',
          date: new Date('2015-06-01T10:00:00Z'),
          dateRead: new Date('2015-06-01T10:05:00Z'),
        },
        { text: 'Hi', chat: '+15550101', attachments: [{ name: 'a.jpg', content: 'x' }] },
      ],
      { ios },
    );
    const { records, issues } = await readAll(backup);
    expect(issues).toEqual([]);
    expect(records).toMatchObject([
      { text: 'Hello', sender: { address: '+15550101' }, date: new Date('2015-06-01T10:00:00Z'), chatIds: [1] },
      { text: 'Hi', isFromMe: true, chatIds: [1], attachments: [{ isPresent: true }] },
    ]);
    expect(records[0]?.dateRead).toEqual(new Date('2015-06-01T10:05:00Z'));
  });

  it.each([
    ['6.1.6', 'messages: iOS 6 or 7'],
    ['9.3', 'messages: iOS 8 or 9'],
    ['11.2', 'messages: iOS 11'],
    ['16.0', 'messages: iOS 16'],
    ['26.0', 'messages: iOS 26'],
  ])('of iOS %s are named %s by probe', async (ios, schema) => {
    await using backup = await backupOf([], { ios });
    expect((await messages.probe(backup)).schema).toBe(schema);
  });

  it('tell which features they lack', async () => {
    await using old = await backupOf([], { ios: '10.2' });
    await using current = await backupOf([], { ios: '26.0' });
    expect((await messages.probe(old)).missingUnits).toEqual(
      expect.arrayContaining(['replies', 'edits', 'recently-deleted', 'emoji-reactions', 'send-later']),
    );
    expect((await messages.probe(current)).missingUnits).toEqual([]);
  });

  it('of iOS 5 and older are refused as unknown', async () => {
    const sql = ['DROP TABLE message', 'CREATE TABLE message (ROWID INTEGER PRIMARY KEY, address TEXT, text TEXT)'];
    await using backup = await backupOf([], { sql });
    expect(await messages.probe(backup)).toMatchObject({ available: false, reason: 'schema-unknown' });
  });
});

describe('times', () => {
  it('in seconds and in nanoseconds are in one order within one database', async () => {
    const seconds = Math.trunc(Date.parse('2016-05-01T00:00:00Z') / 1000) - 978_307_200;
    const { records } = await roundTrip([
      { text: 'new', date: new Date('2018-05-01T00:00:00Z') },
      { text: 'old', columns: { date: seconds } },
      { text: 'oldest', columns: { date: seconds - 10 } },
    ]);
    expect(texts(records)).toEqual(['oldest', 'old', 'new']);
    expect(records[1]?.date).toEqual(new Date('2016-05-01T00:00:00Z'));
    expect(records[1]?.dateNs).toBe(BigInt(seconds) * 1_000_000_000n);
  });

  it('are exact to the nanosecond', async () => {
    const message = await single({ text: 'x', columns: { date: 790_000_000_123_456_789n } });
    expect(message.dateNs).toBe(790_000_000_123_456_789n);
    expect(message.date?.getMilliseconds()).toBe(123);
  });

  it.each([0, -1, null])('%s are no time', async (value) => {
    const message = await single({ text: 'x', columns: { date: value, date_read: value } });
    expect(message).toMatchObject({ date: undefined, dateNs: undefined, dateRead: undefined });
  });

  it('beyond what a Date holds are no time', async () => {
    expect((await single({ text: 'x', columns: { date: 9_223_372_036_854_775_807n } })).date).toBeInstanceOf(Date);
    expect((await single({ text: 'x', columns: { date: 1e300 } })).date).toBeUndefined();
  });
});

describe('order and filters', () => {
  const at = (day: number): Date => new Date(Date.UTC(2024, 0, day));
  const specs = [
    { text: 'third', from: '+15550101', date: at(3) },
    { text: 'first', from: '+15550101', date: at(1) },
    { text: 'second', from: '+15550102', date: at(2) },
    { text: 'second too', from: '+15550101', date: at(2) },
  ];

  it('is by date, then by ROWID', async () => {
    expect(texts((await roundTrip(specs)).records)).toEqual(['first', 'second', 'second too', 'third']);
  });

  it('is the other way round on request', async () => {
    const { records } = await roundTrip(specs, { read: { order: 'newest-first' } });
    expect(texts(records)).toEqual(['third', 'second too', 'second', 'first']);
  });

  it('since includes and until excludes its moment', async () => {
    const { records } = await roundTrip(specs, { read: { since: at(2), until: at(3) } });
    expect(texts(records)).toEqual(['second', 'second too']);
  });

  it('can be for one chat', async () => {
    const { records } = await roundTrip(specs, { read: { chatId: 2 } });
    expect(texts(records)).toEqual(['second']);
  });

  it('crosses batches without loss', async () => {
    const many = Array.from({ length: 300 }, (_, index) => ({ text: `message ${index}`, from: '+15550101' }));
    const { records } = await roundTrip(many, { ios: '15.0' });
    expect(texts(records)).toEqual(many.map(({ text }) => text));
  });

  it.each([
    [{ since: new Date(Number.NaN) }, TypeError],
    [{ until: '2024' as unknown as Date }, TypeError],
    [{ chatId: 1.5 }, RangeError],
    [{ order: 'random' as 'oldest-first' }, RangeError],
    [{ reactions: 'none' as 'fold' }, RangeError],
  ])('%j is refused', async (read, error) => {
    await using backup = await backupOf([]);
    await expect(messages(backup, read).next()).rejects.toThrow(error);
  });
});

describe('chats and senders of a message', () => {
  it('are given once, with all chats, where it is in several', async () => {
    const message = await single({ text: 'twice', from: '+15550101', alsoIn: [group] });
    expect(message.chatIds).toEqual([1, 2]);
  });

  it('are none for an orphan', async () => {
    expect(await single({ text: 'orphan', chat: 'none' })).toMatchObject({ text: 'orphan', chatIds: [] });
  });

  it('name nobody where a received row has handle 0', async () => {
    expect(await single({ text: 'old group', chat: group, columns: { is_from_me: 0 } })).toMatchObject({
      isFromMe: false,
      sender: undefined,
      handleId: 0,
    });
  });

  it('are reported where the handle does not exist', async () => {
    const { records, issues } = await roundTrip([{ text: 'x', from: '+15550101', columns: { handle_id: 999 } }]);
    expect(records).toMatchObject([{ text: 'x', sender: undefined, handleId: 999 }]);
    expect(issues).toMatchObject([{ kind: 'handle-missing', rowId: 1, field: 'handle_id' }]);
  });

  it('tell the address of the owner, from the newer column or from the account', async () => {
    expect((await single({ text: 'x', ownerAddress: 'me@example.com' })).ownerAddress).toBe('me@example.com');
    expect((await single({ text: 'x' }, { ios: '9.0', owner: '+15550177' })).ownerAddress).toBe('+15550177');
  });

  it('take the service of the handle where the row has none', async () => {
    const message = await single({ text: 'x', from: '+15550101', service: 'SMS', columns: { service: null } });
    expect(message.service).toBe('SMS');
  });
});

describe('flags', () => {
  it('are read as they are stored', async () => {
    const flags = {
      is_auto_reply: 1,
      is_forward: 1,
      is_system_message: 1,
      is_spam: 1,
      is_expirable: 1,
      was_downgraded: 1,
    };
    const message = await single({ text: 'x', isAudio: true, datePlayed: new Date(), error: 22, columns: flags });
    expect(message).toMatchObject({
      isAudio: true,
      isPlayed: true,
      isSent: true,
      isAutoReply: true,
      isForward: true,
      isSystem: true,
      isSpam: true,
      isExpirable: true,
      wasDowngraded: true,
      error: 22,
    });
  });
});
