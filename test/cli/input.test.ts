import { expect, test } from 'vitest';
import { formatBackupPath, parseBackupPath } from '../../src/cli/input/backup-path.js';
import { keyOf, passwordOf } from '../../src/cli/input/secret-file.js';

test.each([
  ['/', undefined, ''],
  ['', undefined, ''],
  ['/HomeDomain', 'HomeDomain', ''],
  ['/HomeDomain/', 'HomeDomain', ''],
  ['HomeDomain/Library/SMS', 'HomeDomain', 'Library/SMS'],
  ['/AppDomain-com.example.app/Documents/a b.txt', 'AppDomain-com.example.app', 'Documents/a b.txt'],
])('%j is domain %s and path %j', (path, domain, relativePath) => {
  expect(parseBackupPath(path)).toEqual({ domain, relativePath });
  if (domain !== undefined) expect(parseBackupPath(formatBackupPath({ domain, relativePath })).domain).toBe(domain);
});

test.each(['/HomeDomain/../x', '/HomeDomain//x', '/./x', '//x'])('%j is refused', (path) => {
  expect(() => parseBackupPath(path)).toThrow(expect.objectContaining({ name: 'UsageError' }));
});

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

test('a password is the first line, whatever ends it, and keeps its spaces', () => {
  expect(passwordOf(utf8(' pässwörd 🔑 \r\nsecond'), 'f')).toBe(' pässwörd 🔑 ');
  expect(passwordOf(utf8('x'), 'f')).toBe('x');
  for (const bad of [utf8(''), utf8('\nx'), new Uint8Array([0xff])]) {
    expect(() => passwordOf(bad, 'f')).toThrow(expect.objectContaining({ name: 'UsageError' }));
  }
});

test('a key is bytes or hexadecimal digits', () => {
  const key = Uint8Array.from({ length: 32 }, (_unused, index) => index * 7);
  expect(keyOf(key, 'f')).toEqual(key);
  expect(keyOf(utf8(`${Buffer.from(key).toString('hex').toUpperCase()}\n`), 'f')).toEqual(key);
  expect(() => keyOf(utf8('too short'), 'f')).toThrow(expect.objectContaining({ name: 'UsageError' }));
});
