import { describe, expect, test } from 'vitest';
import type { RetentionInput } from '../../../src/snapshot/retention/input.js';
import { planRetention } from '../../../src/snapshot/retention/plan.js';
import { droppedIds, keptIds, nothing, reasonsOf, version } from './support.js';

const at = (time: string): { now: Date } => ({ now: new Date(time) });
const now = at('2026-11-29T12:00:00Z');

describe('periods', () => {
  test('the newest of each day, of as many days as have one', () => {
    const all = [
      '2026-11-20T08:00Z',
      '2026-11-20T20:00Z',
      '2026-11-25T08:00Z',
      '2026-11-27T08:00Z',
      '2026-11-27T09:00Z',
    ];
    const plan = planRetention(
      all.map((time) => version(time)),
      { ...nothing, daily: 3 },
      now,
    );
    expect(keptIds(plan)).toEqual(['2026-11-27T09:00Z', '2026-11-25T08:00Z', '2026-11-20T20:00Z']);
    expect(plan.drop).toEqual([
      { id: '2026-11-27T08:00Z', reason: 'no-rule' },
      { id: '2026-11-20T08:00Z', reason: 'no-rule' },
    ]);
  });

  test('weeks are those of ISO 8601, also around a new year', () => {
    // 2026-12-28 (a Monday) to 2027-01-03 is week 53 of 2026.
    const all = ['2026-12-27T08:00Z', '2026-12-28T08:00Z', '2027-01-03T08:00Z', '2027-01-04T08:00Z'];
    const plan = planRetention(
      all.map((time) => version(time)),
      { ...nothing, weekly: 9 },
      at('2027-02-01T00:00Z'),
    );
    expect(droppedIds(plan)).toEqual(['2026-12-28T08:00Z']);
  });

  test('months and years', () => {
    const all = [
      '2024-03-01T00:00Z',
      '2025-12-31T23:00Z',
      '2026-01-01T00:00Z',
      '2026-01-31T00:00Z',
      '2026-03-01T00:00Z',
    ];
    const versions = all.map((time) => version(time));
    expect(droppedIds(planRetention(versions, { ...nothing, monthly: 9 }, now))).toEqual(['2026-01-01T00:00Z']);
    expect(keptIds(planRetention(versions, { ...nothing, yearly: 9 }, now))).toEqual([
      '2026-03-01T00:00Z',
      '2025-12-31T23:00Z',
      '2024-03-01T00:00Z',
    ]);
  });

  test('an hour that comes twice, when the clocks are set back, is two hours; days are as the clocks show them', () => {
    const zone = 'Europe/Berlin';
    // 02:30 in summer and 02:30 in winter; 23:30 of the day before; 00:30 of the day after in UTC is the same day there.
    const all = [
      '2026-10-24T21:30Z',
      '2026-10-25T00:30Z',
      '2026-10-25T01:30Z',
      '2026-10-25T22:30Z',
      '2026-10-25T23:30Z',
    ];
    const versions = all.map((time) => version(time, { zone }));
    expect(droppedIds(planRetention(versions, { ...nothing, hourly: 9 }, now))).toEqual([]);
    expect(keptIds(planRetention(versions, { ...nothing, daily: 9 }, now))).toEqual([
      '2026-10-25T23:30Z',
      '2026-10-25T22:30Z',
      '2026-10-24T21:30Z',
    ]);
  });

  test('the hour that does not come, when the clocks are set forward, does not matter', () => {
    const zone = 'America/New_York';
    const all = ['2026-03-08T06:30Z', '2026-03-08T07:30Z'];
    const plan = planRetention(
      all.map((time) => version(time, { zone })),
      { ...nothing, hourly: 2 },
      now,
    );
    expect(droppedIds(plan)).toEqual([]);
  });

  test('the zone is that of each version, or of the policy; a day that comes again with a journey is one day', () => {
    const versions = [
      version('2026-11-23T16:00Z', { zone: 'Asia/Tokyo' }), // The 24th.
      version('2026-11-23T20:00Z', { zone: 'Europe/Berlin' }), // The 23rd.
      version('2026-11-24T10:00Z', { zone: 'Asia/Tokyo' }), // The 24th.
    ];
    const policy = { ...nothing, daily: 9 };
    expect(droppedIds(planRetention(versions, policy, now))).toEqual(['2026-11-23T16:00Z']);
    const utc = planRetention(versions, { ...policy, timeZone: 'UTC' }, now);
    expect(droppedIds(utc)).toEqual(['2026-11-23T16:00Z']);
    const tokyo = planRetention(versions, { ...policy, timeZone: 'Asia/Tokyo' }, now);
    expect(keptIds(tokyo)).toEqual(['2026-11-24T10:00Z']);
  });

  test('a zone that is not known counts as UTC and is told', () => {
    const { warnings } = planRetention([version('2026-11-23T16:00Z', { zone: 'Mars/Olympus' })], {}, now);
    expect(warnings).toMatchObject([{ code: 'zone-unknown', version: '2026-11-23T16:00Z' }]);
  });

  test('versions of the future count as now, and are told', () => {
    const all = ['2026-11-28T10:00Z', '2026-11-29T10:00Z', '2031-01-01T10:00Z', '2032-01-01T10:00Z'];
    const plan = planRetention(
      all.map((time) => version(time)),
      { ...nothing, daily: 2 },
      now,
    );
    expect(keptIds(plan)).toEqual(['2032-01-01T10:00Z', '2026-11-28T10:00Z']);
    expect(plan.warnings.map(({ code, version }) => [code, version])).toEqual([
      ['future', '2031-01-01T10:00Z'],
      ['future', '2032-01-01T10:00Z'],
    ]);
  });
});

describe('ages', () => {
  const all = ['2026-10-29T11:00Z', '2026-10-29T13:00Z', '2026-10-30T13:00Z', '2026-11-28T13:00Z'];
  const versions = all.map((time) => version(time));
  test.each([
    ['P1M', 3],
    ['P30D', 2],
    ['P1D', 1],
    ['PT22H', 1],
    ['P4W', 1],
    ['P1Y', 4],
    [86_400_000, 1],
    ['P999999999Y', 4],
    [0, 1],
  ])('within %s there are %d', (keepWithin, count) => {
    expect(keptIds(planRetention(versions, { ...nothing, keepWithin }, now))).toHaveLength(count);
  });

  test('a month before the 31st of March is the last of February', () => {
    const times = ['2026-02-28T11:00Z', '2026-02-28T13:00Z', '2026-03-31T12:00Z'].map((time) => version(time));
    const plan = planRetention(times, { ...nothing, keepWithin: 'P1M' }, at('2026-03-31T12:00Z'));
    expect(droppedIds(plan)).toEqual(['2026-02-28T11:00Z']);
  });
});

describe('what is protected', () => {
  const days = (changes: Partial<RetentionInput>[]): RetentionInput[] =>
    changes.map((change, index) => version(`2026-11-0${index + 1}T00:00Z`, { id: String(index + 1), ...change }));
  const reasons = (changes: Partial<RetentionInput>[], policy = nothing): Record<string, readonly string[]> =>
    reasonsOf(planRetention(days(changes), policy, now));

  test('the only complete version, and the newest, finished or not', () => {
    const unfinished = { backup: { state: 'new' } };
    expect(reasons([unfinished, {}, unfinished, unfinished])).toEqual({
      2: ['newest', 'only-complete'],
      4: ['newest'],
    });
    expect(planRetention(days([unfinished, {}, {}]), nothing, now).drop).toEqual([
      { id: '2', reason: 'no-rule' },
      { id: '1', reason: 'incomplete' },
    ]);
    expect(reasons([])).toEqual({});
  });

  test('pinned and open ones', () => {
    expect(reasons([{ pinned: true }, { open: true }, {}, {}])).toEqual({ 1: ['pinned'], 2: ['open'], 4: ['newest'] });
  });

  test('the last of each keybag', () => {
    const [a, b, none] = [{ backup: { keybag: 'a' } }, { backup: { keybag: 'b' } }, { backup: {} }];
    expect(reasons([a, a, b, b, none])).toEqual({ 2: ['last-of-keybag'], 4: ['last-of-keybag'], 5: ['newest'] });
    expect(reasons([a, a, none])).toEqual({ 3: ['newest'] });
  });

  test('both sides of a sudden loss of files or bytes, of more than a half', () => {
    expect(reasons([{}, {}, { files: 49 }, { files: 49 }, { files: 49 }])).toEqual({
      2: ['before-mass-delete'],
      3: ['after-mass-delete'],
      5: ['newest'],
    });
    expect(reasons([{}, {}, { bytes: 499 }])).toEqual({
      2: ['before-mass-delete'],
      3: ['newest', 'after-mass-delete'],
    });
    expect(reasons([{}, {}, { files: 50, bytes: 500 }])).toEqual({ 3: ['newest'] });
    // Against the version that it was made of, where that is there.
    expect(reasons([{ files: 10 }, {}, { files: 10, parent: '1' }, { files: 10 }])).toEqual({ 4: ['newest'] });
    // What is not finished proves no loss.
    expect(reasons([{}, {}, { files: 1, backup: { state: 'new' } }, {}])).toEqual({ 4: ['newest'] });
  });

  test('both sides of encryption that was switched off', () => {
    const [on, off] = [{ backup: { encrypted: true } }, { backup: { encrypted: false } }];
    expect(reasons([on, on, off, off, on])).toEqual({
      2: ['before-encryption-off'],
      3: ['after-encryption-off'],
      5: ['newest'],
    });
  });
});

describe('limits of size', () => {
  const versions = Array.from({ length: 8 }, (_, index) =>
    version(`2026-11-0${index + 1}T00:00Z`, { id: String(index + 1), pinned: index === 1 }),
  );
  const sizes = { total: 80, freedBy: (ids: readonly string[]) => ids.length * 10 };
  const policy = { ...nothing, keepLast: 2, daily: 7 };

  test('the oldest go first, but not pinned ones and the last', () => {
    const plan = planRetention(versions, { ...policy, maxBytes: 45 }, { ...now, sizes });
    expect(plan.drop).toEqual([
      { id: '5', reason: 'max-bytes', bytes: 10 },
      { id: '4', reason: 'max-bytes', bytes: 10 },
      { id: '3', reason: 'max-bytes', bytes: 10 },
      { id: '1', reason: 'no-rule', bytes: 10 },
    ]);
    expect(plan.freedBytes).toBe(40);
    expect(plan.warnings).toEqual([]);
  });

  test('a limit that cannot be met is told', () => {
    const plan = planRetention(versions, { ...policy, minFreeBytes: 1000 }, { ...now, sizes, free: 5 });
    expect(keptIds(plan)).toEqual(['8', '7', '2']);
    expect(plan.drop[0]?.reason).toBe('min-free-bytes');
    expect(plan.warnings.map(({ code }) => code)).toEqual(['limit-not-met']);
  });

  test('without sizes limits have no effect, and that is told', () => {
    const plan = planRetention(versions, { ...policy, minFreeBytes: 1000, maxBytes: 1 }, now);
    expect(plan.warnings.map(({ code }) => code)).toEqual(['sizes-unknown', 'sizes-unknown']);
    expect(plan.freedBytes).toBeUndefined();
    expect(droppedIds(plan)).toEqual(['1']);
    const full = planRetention(versions, { ...policy, minFreeBytes: 1000 }, { ...now, sizes });
    expect(full.warnings.map(({ code }) => code)).toEqual(['sizes-unknown']);
  });
});

test('times that are none are refused; very old ones are old', () => {
  expect(() => planRetention([], {}, { now: new Date(Number.NaN) })).not.toThrow();
  expect(() => planRetention([version('2026-01-01')], {}, { now: new Date(Number.NaN) })).toThrow(RangeError);
  expect(() => planRetention([version('no date')], {}, now)).toThrow(RangeError);
  const old = version('x', { created: new Date(-8.64e15) });
  expect(keptIds(planRetention([old, version('2026-11-29T00:00Z')], { yearly: 9 }, now))).toHaveLength(2);
});
