import { describe, expect, test } from 'vitest';
import { parsePlist } from '../../src/plist/parse.js';
import { writeBinaryPlist } from '../../src/plist/binary-write.js';
import { writeXmlPlist } from '../../src/plist/xml-write.js';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('parsePlist', () => {
  test('reads either kind by content', () => {
    const value = new Map([['a', 1]]);
    expect(parsePlist(writeBinaryPlist(value))).toEqual(value);
    expect(parsePlist(writeXmlPlist(value))).toEqual(value);
    expect(parsePlist(encode('\uFEFF \r\n\t<plist><true/></plist>'))).toBe(true);
  });

  test('reads XML in UTF-16', () => {
    const text = '\uFEFF<plist><true/></plist>';
    expect(
      parsePlist(Uint8Array.from(Array.from(text, (c) => [c.charCodeAt(0) & 255, c.charCodeAt(0) >> 8]).flat())),
    ).toBe(true);
  });

  test.each([
    '{ a = b; }',
    ' ( 1, 2 )',
    '"text"',
    '// comment\n{}',
    '/* comment */ a = b;',
    '<0fbd 7777>',
    'NAME = "x";',
    '{"json": 1}',
  ])('says that the text form is unsupported: %s', (text) => {
    expect(() => parsePlist(encode(text))).toThrow(expect.objectContaining({ code: 'FORMAT_UNSUPPORTED' }));
  });

  test.each([
    ['nothing', ''],
    ['white space', ' \n '],
    ['zeros', '\0'.repeat(100)],
    ['a database', 'SQLite format 3\0'],
    ['prose', 'no property list'],
  ])('rejects %s', (_title, text) => {
    expect(() => parsePlist(encode(text))).toThrow(expect.objectContaining({ code: 'FORMAT_INVALID' }));
  });

  test('binary data that begins like a known kind is judged as that kind', () => {
    expect(() => parsePlist(encode('bplist16........................................'))).toThrow(
      expect.objectContaining({ code: 'FORMAT_UNSUPPORTED' }),
    );
  });
});
