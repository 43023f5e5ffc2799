import { describe, expect, test } from 'vitest';
import { PlistReal, PlistUid, plistNull, type PlistInput, type PlistValue } from '../../src/plist/types.js';
import { parseXmlPlist } from '../../src/plist/xml-parse.js';
import { writeXmlPlist } from '../../src/plist/xml-write.js';

const write = (value: PlistInput): string => new TextDecoder().decode(writeXmlPlist(value));

describe('writeXmlPlist', () => {
  test('writes the declaration, the document type, and one element a line', () => {
    expect(write({ name: 'a & b', list: [1, true], none: [] })).toBe(
      [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
        '<plist version="1.0">',
        '\t<dict>',
        '\t\t<key>name</key>',
        '\t\t<string>a &amp; b</string>',
        '\t\t<key>list</key>',
        '\t\t<array>',
        '\t\t\t<integer>1</integer>',
        '\t\t\t<true/>',
        '\t\t</array>',
        '\t\t<key>none</key>',
        '\t\t<array/>',
        '\t</dict>',
        '</plist>',
        '',
      ].join('\n'),
    );
  });

  test.each<[PlistInput, string]>([
    [new PlistReal(2), '<real>2</real>'],
    [new PlistReal(1e300), '<real>1e+300</real>'],
    [new PlistReal(-0), '<real>-0</real>'],
    [new PlistReal(Number.NaN), '<real>nan</real>'],
    [new PlistReal(Number.POSITIVE_INFINITY), '<real>+infinity</real>'],
    [new PlistReal(Number.NEGATIVE_INFINITY), '<real>-infinity</real>'],
    [0.1, '<real>0.1</real>'],
    [2n ** 64n - 1n, '<integer>18446744073709551615</integer>'],
    [-(2n ** 127n), '<integer>-170141183460469231731687303715884105728</integer>'],
    [new PlistUid(5), '<key>CF$UID</key>'],
    ['\u0001 <&>\r', '<string>\u0001 &lt;&amp;&gt;&#xD;</string>'],
    ['\u{E000}0', '<string>\u{E000}0</string>'],
    [new Date('2024-01-02T03:04:05.999Z'), '<date>2024-01-02T03:04:05Z</date>'],
    [new Date('+012345-01-01T00:00:00Z'), '<date>12345-01-01T00:00:00Z</date>'],
    [new Date('-000001-01-01T00:00:00Z'), '<date>-0001-01-01T00:00:00Z</date>'],
  ])('writes %o exactly', (value, element) => {
    expect(write(value)).toContain(element);
  });

  test('keeps the order of keys, also of those that look like array indexes or placeholders', () => {
    const dict = new Map<string, PlistValue>(
      ['b', '1', '0', '\u{E000}0', '__proto__', '\u0002', '', 'a'].map((key, i) => [key, i]),
    );
    expect([...(parseXmlPlist(writeXmlPlist(dict)) as Map<string, PlistValue>)]).toEqual([...dict]);
  });

  test.each<[string, unknown, new () => Error]>([
    ['null', plistNull, TypeError],
    ['an unpaired surrogate', ['a\ud800'], RangeError],
    ['an unpaired surrogate in a key', { 'a\udc00': 1 }, RangeError],
    ['undefined', undefined, TypeError],
  ])('refuses %s', (_title, value, error) => {
    expect(() => writeXmlPlist(value as PlistInput)).toThrow(error);
  });

  test('refuses sharing that would make an endless file', () => {
    let value: PlistInput = ['x'];
    for (let i = 0; i < 40; i += 1) value = Array<PlistInput>(20).fill(value);
    expect(() => writeXmlPlist(value)).toThrow(RangeError);
    expect(() => writeXmlPlist(Array<PlistInput>(1000).fill('&'.repeat(1_000_000)))).toThrow(RangeError);
  });
});
