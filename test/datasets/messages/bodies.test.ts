import { describe, expect, it } from 'vitest';
import { roundTrip, single } from './support.js';

describe('text of a message', () => {
  it('comes from the attributed body where the plain column is NULL', async () => {
    const message = await single({ text: 'Only attributed', body: 'attributed' });
    expect(message).toMatchObject({ text: 'Only attributed', bodyState: 'attributed', kind: 'message' });
  });

  it('comes from the plain column where it has content, with the runs of the attributed body', async () => {
    const message = await single({ text: 'Both', body: 'both' });
    expect(message).toMatchObject({ text: 'Both', bodyState: 'text', runs: [{ start: 0, length: 4, part: 0 }] });
  });

  it.each([127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 200_000])(
    'is whole with %i characters',
    async (length) => {
      const text = 'abcdefghij'.repeat(20_000).slice(0, length);
      expect((await single({ text, body: 'attributed' })).text).toBe(text);
    },
  );

  it('keeps emoji of several code points, and counts runs in UTF-16 units', async () => {
    const text = '👩‍👩‍👧 hi 🌍 ends';
    const start = text.indexOf('🌍');
    const message = await single({
      text,
      spans: [{ start, length: 2, attributes: { __kIMTextBoldAttributeName: 1 } }],
    });
    const bold = message.runs.find(({ formats }) => formats.includes('bold'));
    expect(message.text).toBe(text);
    expect(text.slice(bold?.start, (bold?.start ?? 0) + (bold?.length ?? 0))).toBe('🌍');
  });

  it('is unknown, not empty, where the only body cannot be decoded', async () => {
    const { records, issues } = await roundTrip([{ text: 'lost', body: 'truncated' }]);
    expect(records).toMatchObject([{ text: undefined, bodyState: 'undecoded' }]);
    expect(issues).toMatchObject([{ kind: 'body-undecoded', table: 'message', rowId: 1, field: 'attributedBody' }]);
  });

  it('is salvaged from a damaged body, and that is reported', async () => {
    const { records, issues } = await roundTrip([{ text: 'This is parsing', body: 'garbage' }]);
    expect(records).toMatchObject([{ text: 'This is parsing', bodyState: 'salvaged' }]);
    expect(issues.map(({ kind }) => kind)).toEqual(['body-salvaged']);
  });

  it('is the plain one where the attributed body beside it is damaged, which is reported', async () => {
    const { records, issues } = await roundTrip([
      { text: 'plain', body: 'both', columns: { attributedBody: new Uint8Array([4, 11, 1]) } },
    ]);
    expect(records).toMatchObject([{ text: 'plain', bodyState: 'text', runs: [] }]);
    expect(issues.map(({ kind }) => kind)).toEqual(['body-runs-undecoded']);
  });

  it('is empty where the row has none', async () => {
    expect(await single({ columns: { is_empty: 1 } })).toMatchObject({
      text: undefined,
      bodyState: 'empty',
      parts: [],
    });
  });

  it('is read from a BLOB in the text column', async () => {
    const message = await single({ body: 'text', columns: { text: new TextEncoder().encode('as bytes') } });
    expect(message.text).toBe('as bytes');
  });

  it('has mentions, links, one-time codes, effects and all formats', async () => {
    const text = 'Hi @Ada see example code 123456 boom';
    const at = (part: string): { start: number; length: number } => ({
      start: text.indexOf(part),
      length: part.length,
    });
    const message = await single({
      text,
      spans: [
        { ...at('@Ada'), attributes: { __kIMMentionConfirmedMention: '+15550101' } },
        { ...at('example'), attributes: { __kIMLinkAttributeName: new URL('https://example.com/') } },
        { ...at('123456'), attributes: { __kIMOneTimeCodeAttributeName: true } },
        {
          ...at('boom'),
          attributes: {
            __kIMTextEffectAttributeName: 12,
            __kIMTextBoldAttributeName: 1,
            __kIMTextItalicAttributeName: 1,
            __kIMTextUnderlineAttributeName: 1,
            __kIMTextStrikethroughAttributeName: 1,
          },
        },
      ],
    });
    const run = (part: string): unknown => message.runs.find(({ start }) => start === text.indexOf(part));
    expect(run('@Ada')).toMatchObject({ mention: '+15550101' });
    expect(run('example')).toMatchObject({ link: 'https://example.com/' });
    expect(run('123456')).toMatchObject({ isOneTimeCode: true });
    expect(run('boom')).toMatchObject({
      effect: 'explode',
      formats: ['bold', 'italic', 'underline', 'strikethrough'],
    });
    expect(message.parts).toEqual([{ kind: 'text', index: 0, text, start: 0 }]);
  });
});
