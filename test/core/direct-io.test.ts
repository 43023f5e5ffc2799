import { expect, test } from 'vitest';
import { DirectIo } from '../../src/core/direct-io.js';

/** Time as a test sets it. */
function clock(): { now: () => number; pass: (milliseconds: number) => void } {
  let at = 0;
  return {
    now: () => at,
    pass(milliseconds) {
      at += milliseconds;
    },
  };
}

test('calls on a quick disk stay direct, also where a single one is late', () => {
  const { now, pass } = clock();
  const io = new DirectIo(now);
  for (let file = 0; file < 200; file += 1) {
    expect(io.next()).toBe(true);
    expect(io.run(() => (pass(file % 50 === 0 ? 20 : 0.1), file))).toBe(file);
  }
});

test('a slow disk sends files to the thread pool after a few calls, and is tried again now and then', () => {
  const { now, pass } = clock();
  const io = new DirectIo(now);
  let direct = 0;
  for (let file = 0; file < 1000; file += 1) {
    if (!io.next()) continue;
    direct += 1;
    io.run(() => {
      pass(8);
    });
  }
  expect(direct).toBeGreaterThan(5);
  expect(direct).toBeLessThan(30);
});

test('calls that fail count with their time', () => {
  const { now, pass } = clock();
  const io = new DirectIo(now);
  const failure = new Error('gone');
  for (let file = 0; file < 3; file += 1) {
    expect(() =>
      io.run(() => {
        pass(1000);
        throw failure;
      }),
    ).toThrow(failure);
  }
  expect(io.next()).toBe(false);
});

test('what the bytes of a large file take is no sign of a slow disk', () => {
  const { now, pass } = clock();
  const io = new DirectIo(now);
  for (let file = 0; file < 200; file += 1) {
    expect(io.next()).toBe(true);
    io.run(() => {
      pass(4);
    }, 1024 * 1024);
  }
});
