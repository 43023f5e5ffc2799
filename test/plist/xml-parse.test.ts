import { describe, expect, test } from 'vitest';
import { limits } from '../../src/core/limits.js';
import { PlistReal, PlistUid, type PlistValue } from '../../src/plist/types.js';
import { parseXmlPlist } from '../../src/plist/xml-parse.js';
import { xml } from './support.js';
import { cpuTimer } from '../support/cpu-timer.js';

const read = (inside: string): PlistValue => parseXmlPlist(xml(inside));
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const invalid = expect.objectContaining({ name: 'FormatError', code: 'FORMAT_INVALID', format: 'plist' });
const beyondLimit = expect.objectContaining({ code: 'FORMAT_LIMIT_EXCEEDED' });

describe('values', () => {
  test.each<[string, PlistValue]>([
    ['<true/>', true],
    ['<false></false>', false],
    ['<string/>', ''],
    ['<string> kept\r\n </string>', ' kept\n '],
    ['<string>a<!-- no -->b<![CDATA[<&]]>&lt;&#x1F600;&#13;</string>', 'ab<&<😀\r'],
    ['<integer> 42 </integer>', 42],
    ['<integer>+7</integer>', 7],
    ['<integer>-0</integer>', 0],
    ['<integer>0x1F</integer>', 31],
    ['<integer>-0XFF</integer>', -255],
    ['<integer>9007199254740991</integer>', 9_007_199_254_740_991],
    ['<integer>9007199254740993</integer>', 9_007_199_254_740_993n],
    ['<integer>0xFFFFFFFFFFFFFFFF</integer>', 2n ** 64n - 1n],
    ['<integer>-9223372036854775809</integer>', -9_223_372_036_854_775_809n],
    ['<real>2</real>', new PlistReal(2)],
    ['<real>-1.5e-3</real>', new PlistReal(-0.0015)],
    ['<real>.5</real>', new PlistReal(0.5)],
    ['<real>-0.0</real>', new PlistReal(-0)],
    ['<real>+Infinity</real>', new PlistReal(Number.POSITIVE_INFINITY)],
    ['<real>-inf</real>', new PlistReal(Number.NEGATIVE_INFINITY)],
    ['<real>nan</real>', new PlistReal(Number.NaN)],
    ['<date>1601-01-01T00:00:00Z</date>', new Date('1601-01-01T00:00:00Z')],
    ['<date>0000-12-30T00:00:00Z</date>', new Date('0000-12-30T00:00:00Z')],
    ['<date>2024-02-29T23:59:59.250Z</date>', new Date('2024-02-29T23:59:59.250Z')],
    ['<date>-0001-01-01T00:00:00Z</date>', new Date('-000001-01-01T00:00:00Z')],
    ['<data>\n\tAQID\n\tBA==\n</data>', Uint8Array.of(1, 2, 3, 4)],
    ['<data/>', new Uint8Array()],
    ['<array/>', []],
    ['<dict></dict>', new Map()],
    ['<dict><key>CF$UID</key><integer>3</integer></dict>', new PlistUid(3)],
    ['<dict><key>CF$UID</key><integer>-3</integer></dict>', new Map([['CF$UID', -3]])],
    ['<dict><key>CF$UID</key><string>3</string></dict>', new Map([['CF$UID', '3']])],
    ['<dict><key>a</key><true/><key>a</key><false/></dict>', new Map([['a', false]])],
    ['<dict><key>__proto__</key><dict/></dict>', new Map([['__proto__', new Map()]])],
  ])('%s', (inside, expected) => {
    expect(read(inside)).toStrictEqual(expected);
  });

  test('a control character, as Apple writes them, is read as it is', () => {
    expect(read('<string>a\u0001b</string>')).toBe('a\u0001b');
  });

  test('a value without <plist> around it is read', () => {
    expect(parseXmlPlist(encode('<array><true/></array>'))).toEqual([true]);
  });
});

describe('what is rejected', () => {
  test.each([
    '',
    'text',
    '<true/><true/>',
    '<plist><true/></plist>',
    '<array><plist/></array>',
    '<unknown/>',
    '<key>a</key>',
    '<array><key>a</key></array>',
    '<dict><true/></dict>',
    '<dict><key>a</key></dict>',
    '<dict><key>a</key><key>b</key></dict>',
    '<dict><key>a</key><true/><true/></dict>',
    '<dict>text<key>a</key><true/></dict>',
    '<string><string/></string>',
    '<string><b/></string>',
    '<true>no</true>',
    '<integer/>',
    '<integer>1.0</integer>',
    '<integer>0x</integer>',
    '<integer>1 2</integer>',
    '<integer>170141183460469231731687303715884105728</integer>',
    `<integer>${'9'.repeat(1_000_000)}</integer>`,
    '<real/>',
    '<real>0x1p3</real>',
    '<real>1,5</real>',
    '<date/>',
    '<date>2024-02-30</date>',
    '<date>2024-13-01T00:00:00Z</date>',
    '<date>999999-01-01T00:00:00Z</date>',
    '<string>&amp</string>',
    '<string>&unknown;</string>',
    '<string>&__proto__;</string>',
    '<string>',
    '</array>',
    '<array></dict>',
  ])('%#: %s', (inside) => {
    expect(() => read(inside)).toThrow(invalid);
  });

  test('the error names the line', () => {
    expect(() => read('\n<array>\n<nope/></array>')).toThrow(/line 4/);
  });

  test('a second top element', () => {
    expect(() => parseXmlPlist(encode('<plist><true/></plist><plist><true/></plist>'))).toThrow(invalid);
  });
});

describe('encodings', () => {
  const text = '<plist><string>ä😀</string></plist>';
  const utf16 = (littleEndian: boolean, mark: string, text: string): Uint8Array => {
    const units = Array.from({ length: (mark + text).length }, (_, i) => (mark + text).charCodeAt(i));
    return Uint8Array.from(
      units.flatMap((unit) => (littleEndian ? [unit & 0xff, unit >> 8] : [unit >> 8, unit & 0xff])),
    );
  };

  test.each<[string, Uint8Array]>([
    ['UTF-8', encode(text)],
    ['UTF-8 with a byte order mark', encode(`\uFEFF<?xml version="1.0"?>${text}`)],
    ['leading white space', encode(`\n  <?xml version="1.0" encoding="utf-8"?>${text}`)],
    ['UTF-16 with a byte order mark, little-endian', utf16(true, '\uFEFF', text)],
    ['UTF-16 with a byte order mark, big-endian', utf16(false, '\uFEFF', text)],
    ['UTF-16 without a mark, little-endian', utf16(true, '', text)],
    ['UTF-16 without a mark, big-endian', utf16(false, '', text)],
    ['UTF-8 that says it is UTF-16', encode(`<?xml version="1.0" encoding="UTF-16"?>${text}`)],
  ])('%s', (_title, bytes) => {
    expect(parseXmlPlist(bytes)).toBe('ä😀');
  });

  test('the declared encoding is used', () => {
    const declaration = '<?xml version="1.0" encoding="ISO-8859-1"?><plist><string>';
    const bytes = Uint8Array.from([...encode(declaration), 0xe4, ...encode('</string></plist>')]);
    expect(parseXmlPlist(bytes)).toBe('ä');
  });

  test('bytes that the encoding does not have are rejected', () => {
    expect(() => parseXmlPlist(Uint8Array.from([...encode('<plist><string>'), 0xff]))).toThrow(invalid);
    expect(() => parseXmlPlist(Uint8Array.of(0xff, 0xfe, 0x00, 0xd8, 0x3c, 0x00))).toThrow(invalid);
  });

  test('an unknown encoding is unsupported', () => {
    expect(() => parseXmlPlist(encode(`<?xml version="1.0" encoding="EBCDIC-X"?>${text}`))).toThrow(
      expect.objectContaining({ code: 'FORMAT_UNSUPPORTED' }),
    );
  });
});

describe('bombs', () => {
  test('nesting up to the limit is read, one level more is not', () => {
    const nested = (levels: number): string => '<array>'.repeat(levels) + '</array>'.repeat(levels);
    expect(() => read(nested(limits.nestingDepth))).not.toThrow();
    expect(() => read(nested(limits.nestingDepth + 1))).toThrow(beyondLimit);
    expect(() => read('<array>'.repeat(1_000_000))).toThrow(beyondLimit);
    expect(() => read('<dict><key/>'.repeat(1_000_000))).toThrow(beyondLimit);
  });

  test('entities of a document type are not expanded', () => {
    const entities = Array.from({ length: 20 }, (_, i) => `<!ENTITY e${i + 1} "&e${i};&e${i};">`).join('');
    const document = `<!DOCTYPE plist [<!ENTITY e0 "ha">${entities}]><plist><string>&e20;</string></plist>`;
    expect(() => parseXmlPlist(encode(document))).toThrow(invalid);
  });

  test('files of a document type are not read', () => {
    const document = '<!DOCTYPE plist [<!ENTITY x SYSTEM "file:///etc/passwd">]><plist><string>&x;</string></plist>';
    expect(() => parseXmlPlist(encode(document))).toThrow(invalid);
  });

  test.each<[string, string]>([
    ['control characters', `<string>${'\u0001'.repeat(3_000_000)}</string>`],
    ['attributes', `<array ${Array.from({ length: 100_000 }, (_, i) => `a${i}="b"`).join(' ')}>`],
    ['a name', `<${'a'.repeat(3_000_000)}`],
    ['comments', `<string>${'<!---->'.repeat(300_000)}`],
    ['references', `<string>${'&amp;'.repeat(500_000)}`],
    ['an entity name', `<string>&${'a'.repeat(3_000_000)}`],
    ['CDATA sections', `<string>${'<![CDATA[x]]>'.repeat(200_000)}`],
  ])('millions of %s take linear time', (_title, inside) => {
    const cpu = cpuTimer();
    expect(() => read(inside)).toThrow(invalid);
    expect(cpu()).toBeLessThan(10_000);
  });

  test('10 MB of icons parse in linear time', () => {
    const line = `\t${'QUJD'.repeat(15)}\n`;
    const icons = Array.from({ length: 100 }, (_, i) => `<key>${i}</key><data>${line.repeat(1600)}</data>`);
    const bytes = xml(`<dict>${icons.join('')}</dict>`);
    const cpu = cpuTimer();
    expect(parseXmlPlist(bytes)).toHaveProperty('size', 100);
    expect(cpu()).toBeLessThan(5000);
  });
});
