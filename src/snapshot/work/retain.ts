import type { AbortOptions } from '../../core/abort.js';
import { planRetention, type RetentionPlan, type RetentionSizes } from '../retention/plan.js';
import { parseRetentionPolicy, type RetentionPolicy } from '../retention/policy.js';
import { readSettings } from '../store/device-settings.js';
import { versionScope } from '../store/hold-version.js';
import type { Site } from '../store/site.js';
import type { VersionInfo } from '../types.js';
import { findOwners } from './owners.js';
import { measureSpace } from './usage.js';

/** Options of planning what stays. */
export interface PlanOptions extends AbortOptions {
  /** The time that counts as now. */
  now?: Date | undefined;
  /** Whether the bytes that become free are found out, which reads all records; `true` by default. */
  sizes?: boolean | undefined;
}

/** The policy of a device; an empty one, with all its defaults, where none was set. */
export async function readPolicy(site: Site, udid: string, options?: AbortOptions): Promise<RetentionPolicy> {
  const { retention } = await readSettings(site.blobs, udid, options);
  return retention === undefined || retention === null ? {} : parseRetentionPolicy(retention);
}

/** A policy as JSON has it, where numbers end. */
export function policyAsJson(policy: RetentionPolicy): RetentionPolicy {
  const checked = parseRetentionPolicy(policy);
  return Object.fromEntries(
    Object.entries(checked).map(([rule, value]) => [rule, value === Infinity ? Number.MAX_SAFE_INTEGER : value]),
  );
}

/** Plans which versions of a device stay. */
export async function planDevice(
  site: Site,
  versions: readonly VersionInfo[],
  { policy, now = new Date(), sizes = true, signal }: PlanOptions & { policy: RetentionPolicy },
): Promise<RetentionPlan> {
  const held = await site.leases.held();
  const inputs = versions.map((version) => ({ ...version, open: held.has(versionScope(version.id)) }));
  if (!sizes) return planRetention(inputs, policy, { now });
  const measured = await sizesOf(site, { signal });
  return planRetention(inputs, policy, { now, ...measured });
}

/** Sizes as they are when the trash has been emptied, because limits of size must not drop more for what waits there. */
async function sizesOf(
  site: Site,
  options: AbortOptions,
): Promise<{ sizes: RetentionSizes; free: number | undefined }> {
  const owners = await findOwners(site, { ...options, counts: ({ deleted }) => !deleted });
  const { storeBytes, unneededBytes } = await measureSpace(site, owners, options);
  const numbers = new Map(owners.owners.map(({ header }, number) => [header?.id ?? '', number]));
  const place = site.local?.place;
  return {
    free: place === undefined ? undefined : place.fs.space(place.folder).free + unneededBytes,
    sizes: {
      total: storeBytes - unneededBytes,
      freedBy(ids) {
        const chosen = new Set(ids.map((id) => numbers.get(id)));
        return owners.sets.ownedBy((owner) => chosen.has(owner));
      },
    },
  };
}
