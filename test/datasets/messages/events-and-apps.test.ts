import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../../../src/core/bytes.js';
import { archiveUrl, writeKeyedArchive } from '../../../src/plist/keyed-archive-write.js';
import { group, roundTrip, single } from './support.js';

describe('group events', () => {
  const ben = '+15550102';
  it.each([
    [[1, 0], { other: ben }, { kind: 'participant-added', participant: { address: ben } }],
    [[1, 1], { other: ben }, { kind: 'participant-removed', participant: { address: ben } }],
    [[1, 0], { other: '+15550101' }, { kind: 'number-changed', participant: { address: '+15550101' } }],
    [[1, 7], {}, { kind: 'unknown', rawItemType: 1, rawActionType: 7 }],
    [[2, 0], { title: 'New name' }, { kind: 'renamed', name: 'New name' }],
    [[3, 0], {}, { kind: 'participant-left' }],
    [[3, 1], {}, { kind: 'photo-changed' }],
    [[3, 2], {}, { kind: 'photo-removed' }],
    [[3, 4], {}, { kind: 'background-set' }],
    [[3, 6], {}, { kind: 'background-removed' }],
    [[3, 5], {}, { kind: 'unknown', rawItemType: 3, rawActionType: 5 }],
    [[4, 0], { shareStatus: 0 }, { kind: 'location-sharing-started' }],
    [[4, 0], { shareStatus: 1 }, { kind: 'location-sharing-stopped' }],
    [[5, 0], {}, { kind: 'audio-kept' }],
    [[6, 0], {}, { kind: 'shared-activity' }],
    [[9, 3], {}, { kind: 'unknown', rawItemType: 9, rawActionType: 3 }],
  ])('%j %j are %j', async (type, more, event) => {
    const groupEvent = { type: type as [number, number], ...more };
    const message = await single({ chat: group, from: '+15550101', groupEvent });
    expect(message).toMatchObject({ kind: 'group-event', bodyState: 'empty', groupEvent: event });
  });

  it('about a handle that does not exist are reported', async () => {
    const { records, issues } = await roundTrip([
      { chat: group, from: '+15550101', groupEvent: { type: [1, 0] }, columns: { other_handle: 99 } },
    ]);
    expect(records).toMatchObject([{ groupEvent: { kind: 'participant-added', participant: undefined } }]);
    expect(issues).toMatchObject([{ kind: 'handle-missing', field: 'other_handle' }]);
  });
});

describe('effects and services', () => {
  it.each([
    ['com.apple.MobileSMS.expressivesend.impact', { kind: 'bubble', name: 'slam' }],
    ['com.apple.MobileSMS.expressivesend.invisibleink', { kind: 'bubble', name: 'invisible-ink' }],
    ['com.apple.messages.effect.CKHappyBirthdayEffect', { kind: 'screen', name: 'balloons' }],
    ['com.apple.messages.effect.CKNewEffect', { kind: 'unknown', name: 'unknown' }],
  ])('%s is %j', async (effect, expected) => {
    expect((await single({ text: 'Hi', effect })).effect).toEqual({ ...expected, id: effect });
  });

  it.each([
    ['iMessage', 'iMessage'],
    ['SMS', 'SMS'],
    ['RCS', 'RCS'],
    ['rcs', 'RCS'],
    ['iMessageLite', 'satellite'],
    ['Telegraph', 'Telegraph'],
  ])('service %s is %s', async (service, expected) => {
    expect((await single({ text: 'Hi', from: '+15550101', service })).service).toBe(expected);
  });

  it('are off the grid where any of the three marks is set', async () => {
    expect((await single({ text: 'SOS', columns: { is_stewie: 1 } })).isOffGrid).toBe(true);
    const options = { ios: '18.0' };
    expect((await single({ text: 'Hi', columns: { sent_or_received_off_grid: 1 } }, options)).isOffGrid).toBe(true);
    expect((await single({ text: 'Hi' }, options)).isOffGrid).toBe(false);
  });

  it.each([
    [0, undefined],
    [2, 'junk'],
    [4, 'transaction'],
    [9, 'unknown'],
  ])('filter action %i of iOS 26 is %s', async (filter_action, expected) => {
    expect((await single({ text: 'Hi', columns: { filter_action } }, { ios: '26.0' })).filter).toBe(expected);
  });
});

describe('app messages', () => {
  it('of links have the preview', async () => {
    const link = {
      url: 'https://example.com/article',
      originalUrl: 'https://example.com/a',
      title: 'An article',
      summary: 'What it says',
      siteName: 'Example',
    };
    const message = await single({ text: link.originalUrl, app: { link } });
    expect(message.kind).toBe('app');
    expect(message.app).toEqual({
      kind: 'link',
      bundleId: 'com.apple.messages.URLBalloonProvider',
      rawBundleId: 'com.apple.messages.URLBalloonProvider',
      updatesGuid: undefined,
      ...link,
    });
  });

  it('of links without a bundle id are recognised by their payload', async () => {
    const payload_data = writeKeyedArchive({
      richLinkMetadata: { title: 'Page', URL: archiveUrl('https://example.com/') },
    });
    const message = await single({ text: 'https://example.com/', columns: { payload_data } });
    expect(message.app).toMatchObject({ kind: 'link', title: 'Page', url: 'https://example.com/' });
  });

  it('of other apps have their captions, and the bundle id without the wrapper', async () => {
    const payload = writeKeyedArchive({
      an: 'Chess',
      ldtext: 'Your move',
      URL: archiveUrl('https://chess.example/?game=1'),
      userInfo: { caption: 'Ada vs. Ben', subcaption: 'Move 3', 'image-title': 'Board' },
    });
    const bundleId = 'com.apple.messages.MSMessageExtensionBalloonPlugin:ABCDE12345:com.example.chess.ext';
    expect((await single({ app: { bundleId, payload } })).app).toMatchObject({
      kind: 'third-party',
      bundleId: 'com.example.chess.ext',
      rawBundleId: bundleId,
      appName: 'Chess',
      fallbackText: 'Your move',
      url: 'https://chess.example/?game=1',
      caption: 'Ada vs. Ben',
      subcaption: 'Move 3',
      imageTitle: 'Board',
    });
  });

  it.each([
    ['com.apple.Handwriting.HandwritingProvider', 'handwriting'],
    ['com.apple.DigitalTouchBalloonProvider', 'digital-touch'],
    [
      'com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.PassbookUIService.PeerPaymentMessagesExtension',
      'apple-cash',
    ],
    ['com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.findmy.FindMyMessagesApp', 'find-my'],
  ])('%s are of kind %s', async (bundleId, kind) => {
    expect((await single({ app: { bundleId } })).app).toMatchObject({ kind });
  });

  it('with a damaged payload give what the bundle id tells, and are reported', async () => {
    const app = { bundleId: 'com.apple.messages.URLBalloonProvider', payload: utf8Encode('damaged') };
    const { records, issues } = await roundTrip([{ app }]);
    expect(records).toMatchObject([{ kind: 'app', app: { kind: 'link', url: undefined } }]);
    expect(issues).toMatchObject([{ kind: 'app-payload-undecoded', field: 'payload_data' }]);
  });

  it('that bring another one up to date say which', async () => {
    const bundleId = 'com.example.chess';
    const message = await single({
      app: { bundleId },
      columns: { associated_message_guid: 'FIRST', associated_message_type: 3 },
    });
    expect(message).toMatchObject({ kind: 'app', app: { updatesGuid: 'FIRST' } });
  });
});

describe('polls', () => {
  const options = { pizza: 'Pizza', sushi: 'Sushi' };
  const [ada, ben] = ['+15550101', '+15550102'];

  it('have their options and who is for each: the last vote of a person counts', async () => {
    const votes = [
      { from: ada, options: ['pizza', 'sushi'] },
      { from: ben, options: ['pizza'] },
      { from: ben, options: ['sushi'] },
    ];
    const { records } = await roundTrip([{ chat: group, app: { poll: { title: 'Lunch?', options, votes } } }], {
      ios: '26.0',
    });
    expect(records).toHaveLength(1);
    expect(records[0]?.app).toMatchObject({
      kind: 'poll',
      bundleId: 'com.apple.messages.Polls',
      title: 'Lunch?',
      options: [
        { id: 'pizza', text: 'Pizza', creator: '+15550100', voters: [ada] },
        { id: 'sushi', text: 'Sushi', voters: [ada, ben] },
      ],
    });
  });

  it('lose the votes of a person who takes them all back', async () => {
    const votes = [
      { from: ada, options: ['pizza'] },
      { from: ada, options: [] },
    ];
    const message = await single({ chat: group, app: { poll: { title: 'Lunch?', options, votes } } }, { ios: '26.0' });
    expect(message.app).toMatchObject({ options: [{ voters: [] }, { voters: [] }] });
  });

  it('have the options that were added later', async () => {
    const poll = { title: 'Lunch?', options, added: { soup: 'Soup' }, votes: [{ options: ['soup'] }] };
    const message = await single({ chat: group, app: { poll } }, { ios: '26.0' });
    expect(message.app).toMatchObject({
      options: [{ id: 'pizza' }, { id: 'sushi' }, { id: 'soup', text: 'Soup', voters: ['+15550100'] }],
    });
  });

  it('with votes that name no option are polls without voters', async () => {
    const poll = { title: 'Lunch?', options, votes: [{ from: ada, options: ['nothing'] }] };
    const message = await single({ chat: group, app: { poll } }, { ios: '26.0' });
    expect(message.app).toMatchObject({ options: [{ voters: [] }, { voters: [] }] });
  });
});
