import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileGlob } from '../../src/manifest/glob.js';
import { cpuTimer } from '../support/cpu-timer.js';

const matching = (pattern: string, ...paths: string[]): string[] =>
  paths.filter((path) => compileGlob(pattern).matches(path));

describe('compileGlob', () => {
  test.each<[string, string[], string[]]>([
    ['a/b', ['a/b'], ['a', 'a/b/c', 'A/B', 'a/bc']],
    ['*.jpg', ['x.jpg', '.jpg', '.hidden.jpg'], ['a/x.jpg', 'x.JPG', 'x.jpg2']],
    ['a/*', ['a/b', 'a/.b', 'a/'], ['a', 'a/b/c']],
    ['a/*/c', ['a/b/c'], ['a/c', 'a/b/b/c']],
    ['?.txt', ['a.txt', 'ü.txt', '🎉.txt'], ['.txt', 'ab.txt', '/.txt']],
    ['**', ['', 'a', 'a/b'], []],
    ['a/**', ['a', 'a/b', 'a/b/c'], ['ab', 'b/a']],
    ['**/c', ['c', 'b/c', 'a/b/c'], ['cc', 'c/d']],
    ['a/**/c', ['a/c', 'a/b/c', 'a/b/b/c'], ['ac', 'a/cc', 'b/a/c']],
    ['**/b/**/d', ['b/d', 'a/b/c/d', 'b/b/d/d'], ['b', 'd/b']],
    ['a**b', ['ab', 'axxb'], ['a/b']],
    ['[abc]x', ['ax', 'cx'], ['dx', 'x', '[abc]x']],
    ['[a-c-]', ['b', '-'], ['d']],
    ['[!a-c]', ['d', 'é'], ['a', 'b']],
    ['[^a]', ['b'], ['a']],
    ['[]a]', [']', 'a'], ['b']],
    ['[a\\]]', ['a', ']'], ['\\']],
    ['[a', ['[a'], ['a']],
    ['[a/b]', ['[a/b]'], ['a']],
    ['{a,b}/c', ['a/c', 'b/c'], ['c', '{a,b}/c']],
    ['*.{jpg,{png,gif}}', ['x.jpg', 'x.png', 'x.gif'], ['x.txt']],
    ['x{,.bak}', ['x', 'x.bak'], ['x.']],
    ['{a}', ['{a}'], ['a']],
    ['{a,b', ['{a,b'], ['a']],
    ['{a/b,c}/d', ['a/b/d', 'c/d'], ['a/d']],
    ['\\*', ['*'], ['a']],
    ['\\{a,b\\}', ['{a,b}'], ['a']],
    ['a\\', ['a\\'], ['a']],
    ['{a\\,b,c}', ['a,b', 'c'], ['a']],
    ["'; DROP TABLE--%_", ["'; DROP TABLE--%_"], ['']],
  ])('%s matches %o and not %o', (pattern, yes, no) => {
    expect(matching(pattern, ...yes, ...no)).toEqual(yes);
  });

  test('knows what every match begins with', () => {
    const prefixes = ['a/b*', 'a/**', '**', 'a/{bc,bd}/e', '{a,b}', 'x/y', 'a\\*b?', '🎉{🎊,🎋}'];
    expect(prefixes.map((pattern) => compileGlob(pattern).literalPrefix)).toEqual([
      'a/b',
      'a',
      '',
      'a/b',
      '',
      'x/y',
      'a*b',
      '🎉',
    ]);
  });

  test('takes no longer than pattern and path are, where regular expressions take forever', () => {
    const cpu = cpuTimer();
    expect(compileGlob(`${'*a'.repeat(50)}b`).matches('a'.repeat(5000))).toBe(false);
    expect(compileGlob(`${'**/a/'.repeat(50)}b`).matches('a/'.repeat(2000))).toBe(false);
    expect(cpu()).toBeLessThan(10_000);
  });

  test('refuses braces that stand for too many patterns', () => {
    expect(() => compileGlob('{a,b}'.repeat(11))).toThrow(RangeError);
    expect(compileGlob('{a,b}'.repeat(10)).matches('ab'.repeat(5))).toBe(true);
  });

  test('takes any text as pattern and as path', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '/', '*', '?', '[', ']', '!', '-', '{', '}', ',', '\\', '.', '🎉'),
      maxLength: 20,
    });
    fc.assert(
      fc.property(text, text, (pattern, path) => {
        const glob = compileGlob(pattern);
        const matches = glob.matches(path);
        expect(!matches || path.startsWith(glob.literalPrefix)).toBe(true);
      }),
    );
  });

  test('matches a path whose every special character is escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (path) => {
        const pattern = path.replaceAll(/[\\*?[\]{},!]/g, String.raw`\$&`);
        expect(compileGlob(pattern).matches(path)).toBe(true);
        expect(compileGlob(pattern).literalPrefix).toBe(path.startsWith('**') ? '' : path);
      }),
    );
  });
});
