import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapeText, fitText, padText, safeJson, textWidth, visibleText } from '../../src/cli/output/text.js';

// What no terminal may get from a backup.
// oxlint-disable-next-line no-control-regex
const obeyed = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]/;

describe('escapes', () => {
  test.each([
    ['a\tb\nc\rd', 'a\\tb\\nc\\rd'],
    ['\u001b]0;title\u0007', '\\x1b]0;title\\x07'],
    ['\u009b2J', '\\x9b2J'],
    ['gpj.\u202eexe', 'gpj.\\u202eexe'],
    ['C:\\x', 'C:\\\\x'],
    ['\ud800x', '\\ud800x'],
    ['👨‍👩‍👧 größer 中文', '👨‍👩‍👧 größer 中文'],
  ])('%j is written as %j', (text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
  });

  test('leave line feeds, tabs and backslashes of running text alone', () => {
    expect(visibleText('a\n\tb\\c\u001b[2J')).toBe('a\n\tb\\c\\x1b[2J');
  });

  test('leave nothing that a terminal obeys in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeText(text)).not.toMatch(obeyed);
        const json = safeJson(JSON.stringify({ text }));
        expect(json).not.toMatch(obeyed);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });
});

describe('widths', () => {
  test.each([
    ['abcdef', 4, 'abc…'],
    ['abcd', 4, 'abcd'],
    ['中文字', 5, '中文…'],
    ['中文字', 4, '中…'],
    ['👨‍👩‍👧👨‍👩‍👧', 3, '👨‍👩‍👧…'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
    ['abc', 0, ''],
  ])('%j fits into %i columns as %j', (text, width, fitted) => {
    expect(fitText(text, width)).toBe(fitted);
  });

  test('paths keep their ends', () => {
    expect(fitText('/HomeDomain/Library/中文.txt', 9, 'start')).toBe('…中文.txt');
  });

  test('no text is ever wider than asked for, and padding makes it exactly so', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, width) => {
        const escaped = escapeText(text);
        expect(textWidth(fitText(escaped, width))).toBeLessThanOrEqual(width);
        expect(textWidth(padText(fitText(escaped, width), width, 'right'))).toBe(width);
      }),
    );
  });
});
