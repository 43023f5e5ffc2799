import { describe, expect, it } from 'vitest';
import type { MessageSpec, ReactionSpec } from '../../../src/testing/backup-builder/stores/messages-spec.js';
import { group, roundTrip, single } from './support.js';

const ada = '+15550101';
const ben = '+15550102';

function reacted(...reactions: ReactionSpec[]): MessageSpec {
  return { text: 'A message', chat: group, from: ada, guid: 'TARGET', reactions };
}

describe('reactions', () => {
  it('are folded into their message and have no row of their own', async () => {
    const { records } = await roundTrip([reacted({ kind: 'love', from: ben }, { kind: 'laugh' })]);
    expect(records).toHaveLength(1);
    expect(records[0]?.reactions).toMatchObject([
      { kind: 'love', rawType: 2000, isFromMe: false, sender: { address: ben }, part: 0 },
      { kind: 'laugh', rawType: 2003, isFromMe: true, sender: undefined, part: 0 },
    ]);
  });

  it.each([
    ['love', 2000],
    ['like', 2001],
    ['dislike', 2002],
    ['laugh', 2003],
    ['emphasize', 2004],
    ['question', 2005],
    ['emoji', 2006],
    ['sticker', 2007],
    ['unknown', 2999],
    ['placed-sticker', 1000],
  ])('are of kind %s with number %i', async (kind, type) => {
    expect((await single(reacted({ kind: type, from: ben }), { ios: '18.0' })).reactions).toMatchObject([{ kind }]);
  });

  it('are one for each person and part: a new one replaces the former', async () => {
    const message = await single(
      reacted({ kind: 'love', from: ben }, { kind: 'like', from: ada }, { kind: 'question', from: ben }),
    );
    expect(message.reactions.map(({ kind, sender }) => [kind, sender?.address])).toEqual([
      ['like', ada],
      ['question', ben],
    ]);
  });

  it('count for each part by itself', async () => {
    const message = await single(reacted({ kind: 'love', from: ben, part: 0 }, { kind: 'like', from: ben, part: 1 }));
    expect(message.reactions.map(({ kind, part }) => [kind, part])).toEqual([
      ['love', 0],
      ['like', 1],
    ]);
  });

  it('are gone after their removal', async () => {
    const removal = { kind: 'love', from: ben, isRemoval: true } as const;
    expect((await single(reacted({ kind: 'love', from: ben }, removal))).reactions).toEqual([]);
  });

  it('stay where the removal is of another kind or of another person', async () => {
    const message = await single(
      reacted(
        { kind: 'love', from: ben },
        { kind: 'like', from: ben, isRemoval: true },
        { kind: 'love', from: ada, isRemoval: true },
      ),
    );
    expect(message.reactions.map(({ kind }) => kind)).toEqual(['love']);
  });

  it('follow their dates, not their rows', async () => {
    const message = await single(
      reacted(
        { kind: 'love', from: ben, isRemoval: true, date: new Date('2024-03-02T10:00:00Z') },
        { kind: 'love', from: ben, date: new Date('2024-03-02T09:00:00Z') },
      ),
    );
    expect(message.reactions).toEqual([]);
  });

  it('replace each other across the addresses of one person', async () => {
    const persons = { ben: [ben, 'ben@example.com'] };
    const message = await single(reacted({ kind: 'love', from: ben }, { kind: 'like', from: 'ben@example.com' }), {
      persons,
    });
    expect(message.reactions.map(({ kind }) => kind)).toEqual(['like']);
  });

  it('have the emoji that was chosen, and its removal takes that one back', async () => {
    const message = await single(
      reacted(
        { kind: 'emoji', emoji: '🦊', from: ben },
        { kind: 'emoji', emoji: '🐙', from: ada },
        { kind: 'emoji', emoji: '🐙', from: ada, isRemoval: true },
      ),
      { ios: '18.0' },
    );
    expect(message.reactions.map(({ emoji }) => emoji)).toEqual(['🦊']);
  });

  it('have the sticker, and several may be placed by one person', async () => {
    const message = await single(
      reacted(
        { kind: 'sticker', sticker: { name: 'tap.heic', sticker: {} }, from: ben },
        { kind: 'placed-sticker', sticker: { name: 'one.heic', sticker: {} }, from: ben },
        { kind: 'placed-sticker', sticker: { name: 'two.heic', sticker: {} }, from: ben },
      ),
    );
    expect(message.reactions.map(({ kind, attachment }) => [kind, attachment?.name])).toEqual([
      ['sticker', 'tap.heic'],
      ['placed-sticker', 'one.heic'],
      ['placed-sticker', 'two.heic'],
    ]);
  });

  it('find their message by all forms of its guid', async () => {
    const message = await single(
      reacted(
        { kind: 'love', from: ben, part: 'bare' },
        { kind: 'like', from: ada, part: 'balloon' },
        { kind: 'laugh', part: 2 },
      ),
    );
    expect(message.reactions.map(({ kind, part }) => [kind, part])).toEqual([
      ['love', undefined],
      ['like', undefined],
      ['laugh', 2],
    ]);
  });

  it('to a message that is not there are given as rows', async () => {
    const orphan = { associated_message_guid: 'p:0/NOWHERE', associated_message_type: 2000 };
    const { records } = await roundTrip([{ text: 'Loved “hm”', from: ada, columns: orphan }]);
    expect(records).toMatchObject([
      {
        kind: 'reaction',
        reactionEvent: { action: 'add', targetGuid: 'NOWHERE', reaction: { kind: 'love', part: 0 } },
      },
    ]);
  });

  it('are rows of their own, removals too, where that is asked for', async () => {
    const spec = reacted({ kind: 'love', from: ben }, { kind: 'love', from: ben, isRemoval: true });
    const { records } = await roundTrip([spec], { read: { reactions: 'separate' } });
    expect(records.map(({ kind, reactionEvent }) => [kind, reactionEvent?.action])).toEqual([
      ['message', undefined],
      ['reaction', 'add'],
      ['reaction', 'remove'],
    ]);
    expect(records[0]?.reactions).toEqual([]);
  });

  it('that came as plain SMS text stay messages', async () => {
    const { records } = await roundTrip([{ text: 'Liked “See you”', from: ada, service: 'SMS' }]);
    expect(records).toMatchObject([{ kind: 'message', text: 'Liked “See you”' }]);
  });
});
