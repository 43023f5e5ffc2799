import { describe, expect, it } from 'vitest';
import { writeBinaryPlist } from '../../../src/plist/binary-write.js';
import { roundTrip, single } from './support.js';

describe('edits', () => {
  it('give every version with its date, oldest first, and the current text', async () => {
    const message = await single({
      text: 'See you at 9',
      edits: [
        { text: 'See you at 7', date: new Date('2024-03-01T10:00:00.250Z') },
        { text: 'See you at 8', date: new Date('2024-03-01T10:01:00Z') },
      ],
    });
    expect(message.text).toBe('See you at 9');
    expect(message.dateEdited).toBeInstanceOf(Date);
    expect(message.edits).toMatchObject([
      { part: 0, versions: [{ text: 'See you at 7' }, { text: 'See you at 8' }, { text: 'See you at 9' }] },
    ]);
    expect(message.edits[0]?.versions[0]?.date?.toISOString()).toBe('2024-03-01T10:00:00.250Z');
  });

  it('keep the runs of every version', async () => {
    const message = await single({ text: 'new', edits: [{ text: 'old' }] });
    expect(message.edits[0]?.versions[0]?.runs).toMatchObject([{ start: 0, length: 3, part: 0 }]);
  });

  it('give the current text where the row itself has none any more', async () => {
    const columns = { text: null, attributedBody: null };
    const message = await single({ text: 'shown now', edits: [{ text: 'before' }], columns });
    expect(message).toMatchObject({ text: 'shown now', bodyState: 'attributed' });
  });

  it('are unknown and reported where the summary is damaged', async () => {
    const { records, issues } = await roundTrip([
      { text: 'sound', columns: { message_summary_info: new Uint8Array([1, 2, 3]) } },
    ]);
    expect(records).toMatchObject([{ text: 'sound', edits: [], unsentParts: [] }]);
    expect(issues).toMatchObject([{ kind: 'summary-undecoded', field: 'message_summary_info' }]);
  });

  it('with a damaged version keep the others', async () => {
    const ec = { '0': [{ d: 700_000_000, t: new Uint8Array([9]) }, 'nonsense'] };
    const { records, issues } = await roundTrip([
      { text: 'now', columns: { message_summary_info: writeBinaryPlist({ ec }) } },
    ]);
    expect(records[0]?.edits).toMatchObject([{ part: 0, versions: [{ bodyState: 'undecoded' }] }]);
    expect(issues.map(({ kind }) => kind)).toEqual(['body-undecoded']);
  });
});

describe('unsent messages', () => {
  it('have no text and say so', async () => {
    const message = await single({ text: 'regretted', unsent: true });
    expect(message).toMatchObject({ text: undefined, bodyState: 'unsent', unsentParts: [0] });
    expect(message.parts).toEqual([{ kind: 'unsent', index: 0 }]);
    expect(message.dateRetracted).toBeInstanceOf(Date);
  });

  it('are recognised by the summary alone', async () => {
    const message = await single({ unsent: true, columns: { date_retracted: 0 } });
    expect(message.bodyState).toBe('unsent');
  });

  it('in part keep the other parts', async () => {
    const message = await single({ text: 'this stays', unsent: [1] });
    expect(message).toMatchObject({ text: 'this stays', bodyState: 'attributed', unsentParts: [1] });
    expect(message.parts).toEqual([
      { kind: 'text', index: 0, text: 'this stays', start: 0 },
      { kind: 'unsent', index: 1 },
    ]);
  });
});

describe('recently deleted messages', () => {
  it('are among the others, with the date and the chat that they were deleted from', async () => {
    const { records } = await roundTrip([
      { text: 'kept', from: '+15550101' },
      { text: 'deleted', from: '+15550101', deleted: new Date('2024-03-05T12:00:00Z') },
    ]);
    expect(records.map(({ text, chatIds, deletion }) => [text, chatIds, deletion])).toEqual([
      ['kept', [1], undefined],
      ['deleted', [], { date: new Date('2024-03-05T12:00:00Z'), chatIds: [1] }],
    ]);
  });

  it('belong to their chat when only that one is asked for', async () => {
    const specs = [
      { text: 'a', from: '+15550101', deleted: new Date('2024-03-05T12:00:00Z') },
      { text: 'b', from: '+15550102' },
    ];
    const { records } = await roundTrip(specs, { read: { chatId: 1 } });
    expect(records.map(({ text }) => text)).toEqual(['a']);
  });

  it('may be single parts of a message that stays', async () => {
    const deletedParts = [{ part: 1, text: 'this part is gone', date: new Date('2024-03-05T12:00:00Z') }];
    const message = await single({ text: 'this part stays', deletedParts });
    expect(message.text).toBe('this part stays');
    expect(message.deletedParts).toMatchObject([
      { part: 1, text: 'this part is gone', bodyState: 'attributed', date: new Date('2024-03-05T12:00:00Z') },
    ]);
  });
});

describe('scheduled messages', () => {
  it('are pending and not deleted, with the date on which they are to be sent', async () => {
    const date = new Date('2031-01-01T00:00:00Z');
    const message = await single({ text: 'Happy new year', date, schedule: { type: 2, state: 2 } }, { ios: '18.0' });
    expect(message).toMatchObject({ date, isSent: false, schedule: { type: 2, state: 2, isPending: true } });
    expect(message.deletion).toBeUndefined();
  });
});

describe('replies', () => {
  it('name the message that the thread began with, and the stretch of it', async () => {
    const message = await single({ text: 'Yes', replyTo: { guid: 'ROOT', part: '2:4:11' } });
    expect(message.replyTo).toEqual({ guid: 'ROOT', part: 2, start: 4, length: 11 });
  });

  it('without a stretch are to the first part', async () => {
    const message = await single({ text: 'Yes', replyTo: { guid: 'ROOT', part: '' } });
    expect(message.replyTo).toEqual({ guid: 'ROOT', part: 0, start: undefined, length: undefined });
  });

  it('are not made of reply_to_guid, which names the previous message', async () => {
    expect((await single({ text: 'Yes', columns: { reply_to_guid: 'PREVIOUS' } })).replyTo).toBeUndefined();
  });
});
