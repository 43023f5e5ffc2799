import { expect, test } from 'vitest';
import { ProgressBar } from '../../src/cli/output/progress-bar.js';
import { textWidth } from '../../src/cli/output/text.js';
import { keptStream } from './streams.js';

test('shows the share, the rate and the time left on a terminal, within one line', () => {
  let now = 0;
  const { stream, text } = keptStream({ columns: 60 });
  const bar = new ProgressBar(stream, () => now);
  bar.update({ bytes: 0, totalBytes: 10_000_000, label: '/HomeDomain/a' });
  now = 1000;
  bar.update({ bytes: 2_500_000, totalBytes: 10_000_000, label: `/HomeDomain/\u001b[2J${'x'.repeat(99)}` });
  const last = text().split('\r').at(-1)?.replace('\u001b[K', '') ?? '';
  expect(last).toMatch(/^█{6}░{18} 25 % 2\.5 MB\/s 0:03 left \/HomeDoma/);
  expect(last).not.toContain('\u001b');
  expect(textWidth(last)).toBeLessThanOrEqual(59);
  bar.clear();
  expect(text().endsWith('\r\u001b[K')).toBe(true);
});

test('has no share where the size in all is unknown, and stays below 100 % where contents are larger than stated', () => {
  const { stream, text } = keptStream({ columns: 80 });
  const bar = new ProgressBar(stream, () => 0);
  bar.update({ bytes: 1500, totalBytes: undefined, label: 'a' });
  bar.update({ bytes: 1500, totalBytes: 1000, label: 'a' });
  expect(text()).toContain('\r1.5 kB a');
  expect(text()).toContain('100 %');
});

test('shows a share that is stated, within its bounds', () => {
  const { stream, text } = keptStream({ columns: 80 });
  const bar = new ProgressBar(stream, () => 0);
  bar.update({ bytes: 1500, totalBytes: undefined, fraction: 0.5, label: 'a' });
  expect(text()).toContain(`\r${'█'.repeat(12)}${'░'.repeat(12)} 50 % 1.5 kB a`);
  bar.update({ bytes: 1500, totalBytes: undefined, fraction: 7, label: 'a' });
  expect(text()).toContain(' 100 % ');
});

test('writes nothing where there is no terminal', () => {
  const { stream, text } = keptStream();
  const bar = new ProgressBar(stream);
  bar.update({ bytes: 1, totalBytes: 2, label: 'a' });
  bar.clear();
  expect(text()).toBe('');
});
