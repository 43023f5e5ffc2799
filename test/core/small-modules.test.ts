import { describe, expect, it } from 'vitest';
import { abortable, yieldToEventLoop } from '../../src/core/abort.js';
import {
  cocoaNanosecondsFromDate,
  cocoaSecondsFromDate,
  dateFromCocoaNanoseconds,
  dateFromCocoaSeconds,
  dateFromUnixSeconds,
} from '../../src/core/apple-time.js';
import { checkLimit } from '../../src/core/limits.js';
import { progressReporter } from '../../src/core/progress.js';
import { ResourceOwner } from '../../src/core/resource.js';
import { checkTreePath } from '../../src/core/safe-path.js';

describe('Apple times', () => {
  it('count from 1970 or 2001 in the unit of their name', () => {
    expect(dateFromUnixSeconds(1_567_120_410)?.toISOString()).toBe('2019-08-29T23:13:30.000Z');
    expect(dateFromCocoaSeconds(0)?.toISOString()).toBe('2001-01-01T00:00:00.000Z');
    expect(dateFromCocoaSeconds(0.5)?.toISOString()).toBe('2001-01-01T00:00:00.500Z');
    expect(dateFromCocoaNanoseconds(700_000_000_123_456_789n)?.toISOString()).toBe('2023-03-08T20:26:40.123Z');
    expect(dateFromCocoaNanoseconds(1_500_000)?.toISOString()).toBe('2001-01-01T00:00:00.001Z');
    expect(dateFromCocoaSeconds(-978_307_201)?.toISOString()).toBe('1969-12-31T23:59:59.000Z');
  });

  it('convert back without loss of milliseconds', () => {
    const date = new Date('2024-02-29T12:34:56.789Z');
    expect(dateFromCocoaNanoseconds(cocoaNanosecondsFromDate(date))).toEqual(date);
    expect(dateFromCocoaSeconds(cocoaSecondsFromDate(date))).toEqual(date);
  });

  it.each([Number.NaN, Infinity, 1e300, 2n ** 80n])('give undefined for %s, which no Date holds', (value) => {
    expect(dateFromUnixSeconds(value)).toBeUndefined();
    expect(dateFromCocoaSeconds(value)).toBeUndefined();
  });
});

describe('checkTreePath()', () => {
  it.each(['', 'a', 'a/b.c', '3d/3d0d', 'Manifest.db', '...', 'a..b'])('allows %j', (path) => {
    expect(checkTreePath(path)).toBe(path);
  });

  it.each(['/a', '..', 'a/../b', './a', 'a/.', 'a//b', 'a/', 'a\0', 'a\\b', 'C:x', 'C:/x', 'x'.repeat(20_000)])(
    'refuses %j',
    (path) => {
      expect(() => checkTreePath(path)).toThrow(expect.objectContaining({ code: 'IO_UNSAFE_PATH' }));
    },
  );
});

describe('checkLimit()', () => {
  it('lets the limit itself pass and nothing beyond, negative or not a number', () => {
    const at = { what: 'Count', format: 'plist' as const };
    expect(() => {
      checkLimit(5, 5, at);
    }).not.toThrow();
    for (const value of [6, -1, Number.NaN, 2n ** 70n]) {
      expect(() => {
        checkLimit(value, 5, at);
      }).toThrow(expect.objectContaining({ code: 'FORMAT_LIMIT_EXCEEDED' }));
    }
  });
});

describe('progressReporter()', () => {
  it('reports one type ten times a second at most, and forced events always', () => {
    let now = 0;
    const seen: string[] = [];
    const reporter = progressReporter<string>(
      (event) => seen.push(event),
      () => now,
    );
    for (now = 0; now < 250; now += 10) {
      reporter.report('a', () => `a${now}`);
      reporter.report('b', () => `b${now}`);
    }
    reporter.force('a', () => 'end');
    expect(seen).toEqual(['a0', 'b0', 'a100', 'b100', 'a200', 'b200', 'end']);
  });

  it('reports what was held back last when it is flushed, once', () => {
    const seen: string[] = [];
    const reporter = progressReporter<string>(
      (event) => seen.push(event),
      () => 0,
    );
    let done = 0;
    for (const name of ['first', 'second', 'last']) reporter.report('a', () => `${name} of ${done}`);
    done = 3;
    reporter.report('b', () => 'only');
    reporter.flush();
    reporter.flush();
    expect(seen).toEqual(['first of 0', 'only', 'last of 3']);
  });

  it('builds no event when nobody listens', () => {
    const reporter = progressReporter(undefined);
    expect(() => {
      reporter.force('a', () => {
        throw new Error('built');
      });
    }).not.toThrow();
  });
});

describe('ResourceOwner', () => {
  it('closes its children once, last attached first, even where one fails', async () => {
    const owner = new ResourceOwner();
    const closed: string[] = [];
    const child = (name: string, failure?: Error): { close(): Promise<void> } => ({
      async close() {
        closed.push(name);
        if (failure !== undefined) throw failure;
      },
    });
    const failure = new Error('stuck');
    owner.attach(child('a'));
    const gone = owner.attach(child('b'));
    owner.attach(child('c', failure));
    owner.detach(gone);
    expect(owner.closed).toBe(false);
    const closing = owner.close();
    expect(owner.closed).toBe(true);
    await expect(closing).rejects.toBe(failure);
    await expect(owner.close()).rejects.toBe(failure);
    expect(closed).toEqual(['c', 'a']);
  });

  it('throws several failures together', async () => {
    const owner = new ResourceOwner();
    for (const message of ['1', '2']) owner.attach({ close: async () => await Promise.reject(new Error(message)) });
    await expect(owner.close()).rejects.toMatchObject({ errors: [{ message: '2' }, { message: '1' }] });
  });
});

describe('abortable()', () => {
  it('settles like the promise, or rejects with the reason', async () => {
    const never = new Promise<never>(() => undefined);
    const reason = new Error('stop');
    const controller = new AbortController();
    expect(await abortable(Promise.resolve(1), undefined)).toBe(1);
    expect(await abortable(Promise.resolve(1), controller.signal)).toBe(1);
    const waiting = abortable(never, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(abortable(never, controller.signal)).rejects.toBe(reason);
    await expect(yieldToEventLoop(controller.signal)).rejects.toBe(reason);
  });

  it('swallows a failure that comes after the abort', async () => {
    const reason = new Error('stop');
    let fail: (error: Error) => void = () => undefined;
    const late = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    await expect(abortable(late, AbortSignal.abort(reason))).rejects.toBe(reason);
    fail(new Error('late'));
    await yieldToEventLoop();
    await expect(late).rejects.toThrow('late');
  });
});
