import fc from 'fast-check';
import type { RetentionInput } from '../../../src/snapshot/retention/input.js';
import type { RetentionPlan } from '../../../src/snapshot/retention/plan.js';
import type { RetentionPolicy } from '../../../src/snapshot/retention/policy.js';

/** A version of a time, e.g. `2026-11-23T10:00Z`, which is its identity too. */
export function version(created: string, changes: Partial<RetentionInput> = {}): RetentionInput {
  return {
    id: created,
    created: new Date(created),
    zone: 'UTC',
    parent: undefined,
    files: 100,
    bytes: 1000,
    pinned: false,
    backup: {},
    ...changes,
  };
}

/** A policy in which nothing is kept but by what is given. */
export const nothing: RetentionPolicy = { keepLast: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

export const keptIds = (plan: RetentionPlan): string[] => plan.keep.map(({ id }) => id);
export const droppedIds = (plan: RetentionPlan): string[] => plan.drop.map(({ id }) => id);
export const reasonsOf = (plan: RetentionPlan): Record<string, readonly string[]> =>
  Object.fromEntries(plan.keep.map(({ id, reasons }) => [id, reasons]));

/** The time of the plans in properties; versions lie in the years around it, some in its future. */
export const now = new Date('2026-11-29T12:00:00Z');

const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia', 'no zone');

/** Histories with all that matters: other zones, equal times, losses, keybags, pins, unfinished ones, parents. */
export const histories: fc.Arbitrary<RetentionInput[]> = fc
  .array(
    fc.record({
      created: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 0, max: 400 * 24 }).map((hours) => hours * 3_600_000 * 0.97) },
        { weight: 1, arbitrary: fc.integer({ min: -5, max: 5 }).map((days) => days * 86_400_000) },
      ),
      zone: zones,
      files: fc.constantFrom(0, 10, 40, 60, 100),
      bytes: fc.constantFrom(0, 1000, 1600),
      pinned: fc.boolean(),
      open: fc.constantFrom(undefined, false, false, true),
      encrypted: fc.constantFrom(undefined, true, true, false),
      keybag: fc.constantFrom(undefined, 'a', 'b'),
      state: fc.constantFrom(undefined, 'finished', 'finished', 'new'),
      parent: fc.option(fc.nat(), { nil: undefined }),
      pin: fc.nat(9),
    }),
    { maxLength: 40 },
  )
  .map((all) =>
    all.map(({ created, encrypted, keybag, state, parent, pin, ...rest }, index) => ({
      ...rest,
      pinned: rest.pinned && pin === 0,
      id: `v${index}`,
      created: new Date(now.getTime() - created),
      parent: parent === undefined ? undefined : `v${parent % all.length}`,
      backup: { encrypted, keybag, state },
    })),
  );

/** Policies without limits of size. */
export const policies: fc.Arbitrary<RetentionPolicy> = fc.record({
  keepLast: fc.nat(4),
  hourly: fc.nat(5),
  daily: fc.nat(5),
  weekly: fc.nat(5),
  monthly: fc.nat(5),
  yearly: fc.nat(3),
  keepWithin: fc.constantFrom(undefined, 0, 'P1D', 'P3W', 'P2M', 86_400_000),
  timeZone: fc.option(fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe'), { nil: undefined }),
});
