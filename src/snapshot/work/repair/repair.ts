import type { ProgressOptions } from '../../../core/progress.js';
import { objectMode } from '../../run/make-object.js';
import { storePath } from '../../store/place.js';
import type { Site } from '../../store/site.js';
import { leaseStore, type WaitOptions, type WorkLeases } from '../../store/work-leases.js';
import type { StoreProgress } from '../../types.js';
import type { VerifyFinding } from '../verify/finding.js';
import { checkStore } from '../verify/verify.js';
import { mendContents } from './mend-contents.js';
import { mendPack } from './mend-packs.js';
import { mendLiveRecord, mendRecord, mendSettings, mendStoreFile, mendTable } from './mend-records.js';
import type { RepairReport } from './report.js';
import { Workshop } from './workshop.js';

/** Options of mending a store, but for the other store. */
export interface MendOptions extends WaitOptions, ProgressOptions<StoreProgress> {
  /** What is to be mended: findings of `verify`; by default everything is checked first. */
  findings?: Iterable<VerifyFinding> | undefined;
  /** Whether to say only what can be mended; `true` by default. */
  dryRun?: boolean | undefined;
  /**
   * Whether records of versions that cannot be mended are set aside, so that the others can be purged again, and whether what
   * can be read of damaged settings is taken to be right.
   */
  giveUp?: boolean | undefined;
}

/** Mends a store. */
export async function repairStore(
  site: Site,
  options: MendOptions & { replica: Site | undefined },
): Promise<RepairReport> {
  if (options.dryRun !== false) return await mend(site, undefined, options);
  await using lease = await leaseStore(site, 'repair', options);
  return await mend(site, lease, options);
}

async function mend(
  site: Site,
  lease: WorkLeases | undefined,
  options: MendOptions & { replica: Site | undefined },
): Promise<RepairReport> {
  const findings: VerifyFinding[] = [];
  if (options.findings === undefined)
    for await (const finding of checkStore(site, { ...options, level: 'full' })) findings.push(finding);
  else findings.push(...options.findings);
  const { replica, giveUp = false, signal } = options;
  const shop = new Workshop(site, { replica, giveUp, signal, lease });
  const of = (...problems: VerifyFinding['problem'][]): VerifyFinding[] =>
    findings.filter(({ problem }) => problems.includes(problem));
  for (const finding of of('store-file-damaged')) await mendStoreFile(shop, finding);
  for (const finding of of('table-damaged')) await mendTable(shop, finding);
  for (const finding of of('record-damaged')) await mendRecord(shop, finding);
  for (const finding of of('live-record-damaged')) await mendLiveRecord(shop, finding);
  for (const finding of of('settings-damaged')) await mendSettings(shop, finding);
  site.packs.refresh({ anew: true });
  await mendContents(shop, of('object-damaged', 'content-missing', 'entry-damaged'));
  const packs = new Map<string, VerifyFinding[]>();
  for (const finding of of('entry-damaged', 'pack-damaged'))
    packs.set(finding.part, [...(packs.get(finding.part) ?? []), finding]);
  for (const [part, inPack] of packs) await mendPack(shop, part, inPack);
  for (const finding of of('writable')) await protect(shop, finding);
  return shop.report;
}

async function protect(shop: Workshop, finding: VerifyFinding): Promise<void> {
  const { local } = shop.site;
  if (local === undefined) return;
  await shop.change(async () => {
    local.place.fs.setMode(storePath(local.place, finding.part), objectMode);
  });
  shop.mended({ ...finding, from: 'computed' });
}
