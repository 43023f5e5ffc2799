import { Calendar, type Period, type PeriodNames } from './calendar.js';
import { timeBefore } from './duration.js';
import { guardsOf, type GuardReason } from './guards.js';
import type { RetentionInput } from './input.js';
import { checkPolicy, type CheckedPolicy, type RetentionPolicy } from './policy.js';

/** Rules that keep a version until a limit of size is exceeded. */
export type SoftReason = Period | 'within';

/** Why a version is kept: the rules of the policy, and what protects it from any policy. */
export type KeepReason = SoftReason | GuardReason | 'newest' | 'only-complete' | 'last' | 'pinned' | 'open';

/** Why a version is dropped: no rule keeps it, it is no finished backup, or the store or disk is too full. */
export type DropReason = 'no-rule' | 'incomplete' | 'max-bytes' | 'min-free-bytes';

/** What is known of sizes on the disk. */
export interface RetentionSizes {
  /** Size of the store in bytes. */
  readonly total: number;
  /** Bytes that only these versions need, all together. */
  freedBy(ids: readonly string[]): number;
}

/** Something that somebody should look at. */
export interface RetentionWarning {
  /** A version of the future, a zone that is not known, a limit without sizes, a limit that cannot be kept. */
  readonly code: 'future' | 'zone-unknown' | 'sizes-unknown' | 'limit-not-met';
  /** What is odd, as a sentence. */
  readonly message: string;
  /** The version in question. */
  readonly version?: string | undefined;
}

/** What is to be done; newest versions first. */
export interface RetentionPlan {
  /** Versions that stay, and why. */
  readonly keep: readonly {
    /** Identity of the version. */
    readonly id: string;
    /** Why it stays. */
    readonly reasons: readonly KeepReason[];
  }[];
  /** Versions that go, and why. */
  readonly drop: readonly {
    /** Identity of the version. */
    readonly id: string;
    /** Why it goes. */
    readonly reason: DropReason;
    /** Bytes that dropping it frees after all older ones, where sizes are known. */
    readonly bytes?: number | undefined;
  }[];
  /** Bytes that become free, where sizes are known. */
  readonly freedBytes?: number | undefined;
  /** What somebody should look at. */
  readonly warnings: readonly RetentionWarning[];
}

/** What a plan depends on beside versions and policy. */
export interface RetentionContext {
  readonly now: Date;
  /** Free space of the disk in bytes. */
  readonly free?: number | undefined;
  readonly sizes?: RetentionSizes | undefined;
}

/** A version with the time that counts, in milliseconds since 1970. */
interface Dated {
  readonly version: RetentionInput;
  readonly timeMs: number;
}

const softReasons = new Set<KeepReason>(['hourly', 'daily', 'weekly', 'monthly', 'yearly', 'within']);

/**
 * Plans which versions of a device stay. Pure: the same input, in any order, gives the same plan; a plan for what was kept
 * drops nothing at the same time; and a policy that asks for more never drops more, except where a limit of size makes room
 * for it.
 *
 * Never dropped, whatever the policy says: the newest version and the newest complete one, pinned and open ones, the last of
 * each keybag, and both sides of a sudden loss. Limits of size leave alone what `keepLast` keeps, too.
 *
 * @throws RangeError or TypeError for a policy or time that is none.
 */
export function planRetention(
  versions: readonly RetentionInput[],
  policy: RetentionPolicy,
  context: RetentionContext,
): RetentionPlan {
  const rules = checkPolicy(policy);
  const warnings: RetentionWarning[] = [];
  const dated = versions.map((version) => dateOf(version, context.now, warnings)).sort(newestFirst);
  const kept = new Map<string, KeepReason[]>();
  const keep = ({ version }: Dated, reason: KeepReason): void => {
    const reasons = kept.get(version.id);
    if (reasons === undefined) kept.set(version.id, [reason]);
    else if (!reasons.includes(reason)) reasons.push(reason);
  };
  keepByRules(dated, rules, { now: context.now, keep, warnings });

  const dropped = new Map<string, DropReason>();
  for (const { version } of dated)
    if (!kept.has(version.id)) dropped.set(version.id, isComplete(version) ? 'no-rule' : 'incomplete');
  dropForSize({ dated, kept, dropped, warnings }, rules, context);
  warnings.sort((a, b) => compare(a.code, b.code) || compare(a.version ?? '', b.version ?? ''));
  return { ...describe(dated, { kept, dropped }, context.sizes), warnings };
}

/** Whether it is a finished backup; a tree that says nothing of itself is as complete as it gets. */
function isComplete({ backup }: RetentionInput): boolean {
  return backup.state === undefined || backup.state === 'finished';
}

function dateOf(version: RetentionInput, now: Date, warnings: RetentionWarning[]): Dated {
  const createdMs = version.created.getTime();
  const nowMs = now.getTime();
  if (Number.isNaN(nowMs)) throw new RangeError('now must be a valid date');
  if (Number.isNaN(createdMs)) throw new RangeError(`created of version ${version.id} must be a valid date`);
  if (createdMs > nowMs) {
    const message = `Version ${version.id} is from the future; the clock was wrong then, or is now`;
    warnings.push({ code: 'future', message, version: version.id });
  }
  // What is older than all backups is as old as 1970: some calendars have no years before theirs.
  return { version, timeMs: Math.max(0, Math.min(createdMs, nowMs)) };
}

function newestFirst(a: Dated, b: Dated): number {
  const [createdA, createdB] = [a.version.created.getTime(), b.version.created.getTime()];
  return b.timeMs - a.timeMs || createdB - createdA || compare(b.version.id, a.version.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function keepByRules(
  dated: readonly Dated[],
  rules: CheckedPolicy,
  { now, keep, warnings }: { now: Date; keep: (of: Dated, reason: KeepReason) => void; warnings: RetentionWarning[] },
): void {
  const complete = dated.filter(({ version }) => isComplete(version));
  // An unfinished one may be what the newest backup is by now.
  for (const newest of [dated[0], complete[0]]) if (newest !== undefined) keep(newest, 'newest');
  if (complete.length === 1 && complete[0] !== undefined) keep(complete[0], 'only-complete');
  for (const of of complete.slice(0, rules.keepLast)) keep(of, 'last');

  const periods = periodsOf(complete, rules, warnings);
  for (const period of ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const) {
    // Not only the one before: with a change of the zone a day can come again.
    const seen = new Set<string>();
    for (const [index, of] of complete.entries()) {
      const name = periods[index]?.[period] ?? '';
      if (seen.size >= rules.periods[period]) break;
      if (seen.has(name)) continue;
      seen.add(name);
      keep(of, period);
    }
  }
  const sinceMs = rules.keepWithin === undefined ? Infinity : timeBefore(now.getTime(), rules.keepWithin);
  for (const of of dated) {
    if (of.timeMs > sinceMs) keep(of, 'within');
    if (of.version.pinned) keep(of, 'pinned');
    if (of.version.open === true) keep(of, 'open');
  }
  const byId = new Map(dated.map((of) => [of.version.id, of]));
  for (const { id, reason } of guardsOf(complete.map(({ version }) => version))) {
    const of = byId.get(id);
    if (of !== undefined) keep(of, reason);
  }
}

function periodsOf(
  complete: readonly Dated[],
  { calendar }: CheckedPolicy,
  warnings: RetentionWarning[],
): readonly PeriodNames[] {
  const calendars = new Map<string, Calendar>();
  const calendarOf = ({ id, zone }: RetentionInput): Calendar => {
    if (calendar !== undefined) return calendar;
    try {
      const known = calendars.get(zone) ?? new Calendar(zone);
      calendars.set(zone, known);
      return known;
    } catch {
      const message = `Version ${id} names a time zone that is not known here; its days are those of UTC`;
      warnings.push({ code: 'zone-unknown', message, version: id });
      return new Calendar('UTC');
    }
  };
  return complete.map(({ version, timeMs }) => calendarOf(version).periodsOf(timeMs));
}

/** Moves versions from kept to dropped, oldest first, until the limits of size are met. */
function dropForSize(
  plan: {
    dated: readonly Dated[];
    kept: Map<string, KeepReason[]>;
    dropped: Map<string, DropReason>;
    warnings: RetentionWarning[];
  },
  { maxBytes, minFreeBytes }: CheckedPolicy,
  { sizes, free }: RetentionContext,
): void {
  const limits: { reason: DropReason; neededBytes: number }[] = [];
  const unknown = (what: string): void => {
    plan.warnings.push({ code: 'sizes-unknown', message: `${what} has no effect, because sizes are not known` });
  };
  if (maxBytes !== undefined) {
    if (sizes === undefined) unknown('maxBytes');
    else limits.push({ reason: 'max-bytes', neededBytes: sizes.total - maxBytes });
  }
  if (minFreeBytes !== undefined) {
    if (sizes === undefined || free === undefined) unknown('minFreeBytes');
    else limits.push({ reason: 'min-free-bytes', neededBytes: minFreeBytes - free });
  }
  if (sizes === undefined || limits.length === 0) return;
  const unmet = (): { reason: DropReason; neededBytes: number } | undefined => {
    const freed = sizes.freedBy([...plan.dropped.keys()]);
    return limits.find(({ neededBytes }) => freed < neededBytes);
  };
  for (const { version } of plan.dated.toReversed()) {
    const limit = unmet();
    if (limit === undefined) return;
    if (plan.kept.get(version.id)?.every((reason) => softReasons.has(reason)) !== true) continue;
    plan.kept.delete(version.id);
    plan.dropped.set(version.id, limit.reason);
  }
  const limit = unmet();
  if (limit === undefined) return;
  const rule = limit.reason === 'max-bytes' ? 'maxBytes' : 'minFreeBytes';
  const message = `${rule} cannot be met: all versions that are left are protected or among the last`;
  plan.warnings.push({ code: 'limit-not-met', message });
}

function describe(
  dated: readonly Dated[],
  { kept, dropped }: { kept: ReadonlyMap<string, KeepReason[]>; dropped: ReadonlyMap<string, DropReason> },
  sizes: RetentionSizes | undefined,
): Pick<RetentionPlan, 'keep' | 'drop' | 'freedBytes'> {
  const ids = dated.map(({ version }) => version.id);
  const keep = ids.flatMap((id) => {
    const reasons = kept.get(id);
    return reasons === undefined ? [] : [{ id, reasons }];
  });
  const drop: RetentionPlan['drop'][number][] = [];
  const gone: string[] = [];
  let freedBytes = 0;
  for (const id of ids.toReversed()) {
    const reason = dropped.get(id);
    if (reason === undefined) continue;
    gone.push(id);
    const before = freedBytes;
    freedBytes = sizes?.freedBy(gone) ?? 0;
    drop.unshift({ id, reason, ...(sizes !== undefined && { bytes: freedBytes - before }) });
  }
  return { keep, drop, ...(sizes !== undefined && { freedBytes }) };
}
