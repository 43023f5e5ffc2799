import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RetentionInput } from '../../../src/snapshot/retention/input.js';
import { planRetention, type RetentionSizes } from '../../../src/snapshot/retention/plan.js';
import type { RetentionPolicy } from '../../../src/snapshot/retention/policy.js';
import { droppedIds, histories, keptIds, now, policies } from './support.js';

fc.configureGlobal({ numRuns: 500 });
const isComplete = ({ backup }: RetentionInput): boolean => backup.state !== 'new';
const keptOf = (all: readonly RetentionInput[], kept: readonly string[]): RetentionInput[] =>
  all.filter(({ id }) => kept.includes(id));
/** Each version has some bytes of its own, and some that only go with all of them. */
const sizesOf = (all: readonly RetentionInput[]): RetentionSizes => ({
  total: all.length * 10 + 5,
  freedBy: (ids) => ids.length * 10 + (ids.length === all.length && ids.length > 0 ? 5 : 0),
});

test('every version is kept with a reason or dropped with one, whatever the order of the input', () => {
  fc.assert(
    fc.property(
      histories.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      policies,
      ([all, shuffled], policy) => {
        const plan = planRetention(all, policy, { now, sizes: sizesOf(all) });
        expect(planRetention(shuffled, policy, { now, sizes: sizesOf(all) })).toEqual(plan);
        expect([...keptIds(plan), ...droppedIds(plan)].toSorted()).toEqual(all.map(({ id }) => id).toSorted());
        expect(plan.keep.every(({ reasons }) => reasons.length > 0)).toBe(true);
        expect(plan.drop.reduce((sum, { bytes = 0 }) => sum + bytes, 0)).toBe(plan.freedBytes);
      },
    ),
  );
});

test('the last, the only complete, pinned and open ones stay, also where the store is far too large', () => {
  fc.assert(
    fc.property(histories, policies, (all, policy) => {
      const plan = planRetention(all, { ...policy, maxBytes: 0 }, { now, sizes: sizesOf(all) });
      const kept = keptOf(all, keptIds(plan));
      const complete = all.filter(isComplete);
      expect(kept.filter(isComplete).length).toBeGreaterThanOrEqual(
        Math.min(complete.length, Math.max(1, policy.keepLast ?? 3)),
      );
      expect(kept).toEqual(expect.arrayContaining(all.filter(({ pinned, open }) => pinned || open === true)));
      const keybags = new Set(complete.flatMap(({ backup }) => backup.keybag ?? []));
      const left = new Set(kept.filter(isComplete).flatMap(({ backup }) => backup.keybag ?? []));
      if (keybags.size > 1) expect(left).toEqual(keybags);
    }),
  );
});

test('a plan of what was kept drops nothing', () => {
  fc.assert(
    fc.property(histories, policies, fc.nat(400), (all, policy, maxBytes) => {
      const first = planRetention(all, policy, { now });
      expect(droppedIds(planRetention(keptOf(all, keptIds(first)), policy, { now }))).toEqual([]);

      const limited = { ...policy, maxBytes };
      const sizes = (of: readonly RetentionInput[]): RetentionSizes => ({
        total: of.length * 10,
        freedBy: (ids) => ids.length * 10,
      });
      const second = keptOf(all, keptIds(planRetention(all, limited, { now, sizes: sizes(all) })));
      expect(droppedIds(planRetention(second, limited, { now, sizes: sizes(second) }))).toEqual([]);
    }),
  );
});

test('a larger policy never drops more', () => {
  const more = fc.record({
    keepLast: fc.nat(3),
    hourly: fc.nat(3),
    daily: fc.nat(3),
    weekly: fc.nat(3),
    monthly: fc.nat(3),
    yearly: fc.nat(3),
  });
  fc.assert(
    fc.property(histories, policies, more, (all, policy, extra) => {
      const larger: Record<string, unknown> = { ...policy };
      for (const [key, count] of Object.entries(extra)) larger[key] = Number(larger[key]) + count;
      if (larger['keepWithin'] === 'P1D') larger['keepWithin'] = 'P2D';
      const dropped = droppedIds(planRetention(all, policy, { now }));
      expect(dropped).toEqual(
        expect.arrayContaining(droppedIds(planRetention(all, larger as RetentionPolicy, { now }))),
      );
    }),
  );
  fc.assert(
    fc.property(histories, policies, fc.nat(400), fc.nat(100), (all, policy, maxBytes, extra) => {
      const drops = (limits: RetentionPolicy): string[] =>
        droppedIds(planRetention(all, { ...policy, ...limits }, { now, sizes: sizesOf(all), free: 50 }));
      expect(drops({ maxBytes })).toEqual(expect.arrayContaining(drops({ maxBytes: maxBytes + extra })));
      expect(drops({ minFreeBytes: maxBytes + extra })).toEqual(
        expect.arrayContaining(drops({ minFreeBytes: maxBytes })),
      );
    }),
  );
});

test('limits of size are met, or a warning says that they cannot be, and no more is dropped than needed', () => {
  fc.assert(
    fc.property(histories, policies, fc.nat(400), (all, policy, maxBytes) => {
      const sizes = sizesOf(all);
      const plan = planRetention(all, { ...policy, maxBytes }, { now, sizes });
      const left = sizes.total - (plan.freedBytes ?? 0);
      expect(plan.warnings.some(({ code }) => code === 'limit-not-met')).toBe(left > maxBytes);
      const forSize = plan.drop.find(({ reason }) => reason === 'max-bytes');
      if (forSize !== undefined) expect(left + (forSize.bytes ?? 0)).toBeGreaterThan(maxBytes);
    }),
  );
});
