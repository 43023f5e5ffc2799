import { expect, test } from 'vitest';
import { formatAge, formatAgo, formatBytes, formatDuration, formatMode } from '../../src/cli/output/format.js';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [9949, '9.9 kB'],
  [12_345, '12 kB'],
  [999_600, '1.0 MB'],
  [1_234_567_890, '1.2 GB'],
])('%i bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [7, '0:07'],
  [754, '12:34'],
  [3723, '1:02:03'],
  [-1, '0:00'],
])('%i seconds are %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test.each([
  [0o100644, '-rw-r--r--'],
  [0o040755, 'drwxr-xr-x'],
  [0o120777, 'lrwxrwxrwx'],
  [0o777, '?rwxrwxrwx'],
])('mode %i is %s', (mode, text) => {
  expect(formatMode(mode)).toBe(text);
});

test.each([
  [0, 'now', 'now'],
  [59, 'now', 'now'],
  [60, '1 minute', '1 minute ago'],
  [7199, '1 hour', '1 hour ago'],
  [3 * 86_400, '3 days', '3 days ago'],
  [15 * 86_400, '2 weeks', '2 weeks ago'],
  [45 * 86_400, '1 month', '1 month ago'],
  [800 * 86_400, '2 years', '2 years ago'],
  [-3600, 'future', 'in the future'],
])('%i seconds ago', (seconds, age, ago) => {
  const now = new Date('2026-11-29T12:00:00Z');
  const date = new Date(now.getTime() - seconds * 1000);
  expect([formatAge(date, now), formatAgo(date, now)]).toEqual([age, ago]);
});
