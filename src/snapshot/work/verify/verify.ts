import type { AbortOptions } from '../../../core/abort.js';
import { progressReporter, type ProgressOptions } from '../../../core/progress.js';
import type { Table } from '../../format/table.js';
import { Records } from '../../store/records.js';
import type { Site } from '../../store/site.js';
import type { WaitOptions } from '../../store/work-leases.js';
import type { StoreProgress } from '../../types.js';
import { ContentCheck } from './check-contents.js';
import type { Slice, VerifyFinding, VerifyLevel, VerifySummary } from './finding.js';
import { endSlice, nextSlice } from './slice.js';
import { checkAids, checkRecords, type CheckedRecords, type WholeVersion } from './structure.js';

/** Options of checking a store. */
export interface VerifyOptions extends WaitOptions, ProgressOptions<StoreProgress> {
  /**
   * `structure`, the default: records, tables and directories, and whether each content is there with its size; seconds.
   * `sample`: also a part of all contents by their hashes, another one each time. `full`: also all contents by their hashes.
   */
  level?: VerifyLevel | undefined;
  /** With `sample`: the part of all contents; 1/30 by default, so that 30 runs look at everything. */
  share?: number | undefined;
  /** With `sample`: which part, from 0; by default the one after that of the last time. */
  slice?: number | undefined;
}

/** A check that is carried out while its findings are taken. Take them once. */
export interface VerifyRun extends AsyncIterable<VerifyFinding> {
  /** What was covered, once all findings were taken. */
  readonly summary: Promise<VerifySummary>;
}

/** Begins a check; nothing is read before the first finding is asked for. */
export function verifyStore(site: Site, options: VerifyOptions): VerifyRun {
  const { level = 'structure' } = options;
  if (!['structure', 'sample', 'full'].includes(level)) throw new TypeError('level must be structure, sample or full');
  let settle: { resolve: (summary: VerifySummary) => void; reject: (error: unknown) => void } | undefined;
  const summary = new Promise<VerifySummary>((resolve, reject) => {
    settle = { resolve, reject };
  });
  summary.catch(() => undefined);
  async function* findings(): AsyncGenerator<VerifyFinding, void, undefined> {
    let isDone = false;
    try {
      const done = yield* runCheck(site, { ...options, level });
      isDone = true;
      settle?.resolve(done);
    } catch (error) {
      isDone = true;
      settle?.reject(error);
      throw error;
    } finally {
      if (!isDone) settle?.reject(new DOMException('The findings were not taken to their end', 'AbortError'));
    }
  }
  return { [Symbol.asyncIterator]: findings, summary };
}

async function* runCheck(
  site: Site,
  options: VerifyOptions & { level: VerifyLevel },
): AsyncGenerator<VerifyFinding, VerifySummary, undefined> {
  const { signal, wait } = options;
  // Others may add meanwhile, but not remove.
  const lease = site.readOnly
    ? undefined
    : await site.leases.acquire({ scope: 'store', mode: 'shared', purpose: 'verify', signal, wait });
  try {
    return yield* checkStore(site, options);
  } finally {
    await lease?.release();
  }
}

/** Checks a store under a lease that the caller has. */
export async function* checkStore(
  site: Site,
  options: VerifyOptions & { level: VerifyLevel },
): AsyncGenerator<VerifyFinding, VerifySummary, undefined> {
  const { level, signal } = options;
  const counts = { error: 0, warning: 0, info: 0 };
  const damaged = new Map<string, { udid: string; id: string }>();
  const tell = (finding: VerifyFinding): VerifyFinding => {
    counts[finding.severity] += 1;
    for (const { udid, id } of finding.versions) damaged.set(`${udid}/${id}`, { udid, id });
    return finding;
  };
  const progress = progressReporter(options.onProgress);
  const done = { parts: 0, bytes: 0, totalParts: 0 };
  const contents = new ContentCheck(site, {
    signal,
    onChecked: ({ parts, bytes }) => {
      done.parts += parts;
      done.bytes += bytes;
      progress.report('check', () => ({ type: 'check', ...done }));
    },
  });
  const checked: CheckedRecords = { whole: [], broken: [] };
  for await (const finding of checkAids(site, { signal })) yield tell(finding);
  const onTable = async (table: Table): Promise<void> => {
    contents.need(table);
  };
  for await (const finding of checkRecords(site, { signal, checked, onTable })) yield tell(finding);
  for await (const finding of contents.listObjects()) yield tell(finding);
  for await (const finding of contents.listPacks()) yield tell(finding);
  await contents.resolveAll();
  const slice = await sliceOf(site, options);
  if (slice !== undefined) {
    done.totalParts = contents.parts(slice);
    progress.force('check', () => ({ type: 'check', ...done }));
    for await (const finding of contents.compareAll(slice)) yield tell(finding);
    progress.flush();
  }
  const tables = (): AsyncIterable<{ udid: string; id: string | undefined; table: Table }> =>
    tablesOf(site, checked.whole, { signal });
  for (const finding of await contents.findings(tables)) yield tell(finding);
  if (level === 'sample' && slice !== undefined && !site.readOnly) await endSlice(site, slice);
  return {
    level,
    errors: counts.error,
    warnings: counts.warning,
    infos: counts.info,
    versions: checked.whole.filter(({ id }) => id !== undefined).length + checked.broken.length,
    damagedVersions: [...damaged.values()],
    contents: contents.contents,
    checkedContents: contents.checkedContents,
    checkedBytes: contents.checkedBytes,
    sealedContents: contents.sealedContents,
    ...(level === 'sample' && { slice }),
  };
}

async function sliceOf(
  site: Site,
  { level, share, slice, signal }: VerifyOptions & { level: VerifyLevel },
): Promise<Slice | undefined> {
  if (level === 'structure') return undefined;
  return level === 'full' ? { index: 0, of: 1 } : await nextSlice(site, { share, slice, signal });
}

async function* tablesOf(
  site: Site,
  versions: readonly WholeVersion[],
  options: AbortOptions,
): AsyncGenerator<{ udid: string; id: string | undefined; table: Table }, void, undefined> {
  const records = new Records(site.blobs);
  for (const { udid, id, key } of versions) {
    const record = await records.readKey(key, options);
    if (record !== undefined) yield { udid, id, table: record.table };
  }
}
