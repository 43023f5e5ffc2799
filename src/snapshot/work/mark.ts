import type { AbortOptions } from '../../core/abort.js';
import { HashIndex } from '../contents/hash-index.js';
import type { Table } from '../format/table.js';
import { readSettings } from '../store/device-settings.js';
import { versionScope } from '../store/hold-version.js';
import { keys } from '../store/keys.js';
import type { RecordHeader } from '../format/record.js';
import type { Site } from '../store/site.js';

/** What a purge must leave. */
export interface Needed {
  /** Contents by hash. */
  readonly contents: HashIndex;
  /** Names of tables. */
  readonly tables: ReadonlySet<string>;
  /** Versions of the trash whose days of grace are over. */
  readonly expired: readonly { readonly udid: string; readonly id: string }[];
}

const dayMs = 24 * 60 * 60 * 1000;

/**
 * Finds out what versions, trash, newest backups and open versions need. A record that cannot be read is an error: what it needs
 * is not known then.
 */
export async function markNeeded(
  site: Site,
  options: AbortOptions & {
    graceDays?: number | undefined;
    /** Whether a version may go now; keeps others from opening it then. */
    claim?: ((id: string) => Promise<boolean>) | undefined;
  },
): Promise<Needed> {
  const contents = new HashIndex();
  const tables = new Set<string>();
  const expired: { udid: string; id: string }[] = [];
  const held = await site.leases.held();
  const claim = options.claim ?? ((id: string) => Promise.resolve(!held.has(versionScope(id))));
  const graceMs = (options.graceDays ?? 7) * dayMs;
  let before: Table | undefined;
  const mark = ({ header, table }: { header: RecordHeader; table: Table }): void => {
    if (header.base !== null) tables.add(header.base);
    // What the one before has as well is marked.
    for (const index of table.apartFrom(before)) {
      const hash = table.hash(index);
      if (hash !== undefined) contents.add(hash, 0);
    }
    before?.release();
    before = table;
  };
  for (const udid of await site.records.devices(options)) {
    const { trashed } = await readSettings(site.blobs, udid, options);
    for (const { header, deleted } of await site.records.list(udid, options)) {
      const since = Date.now() - Date.parse(trashed.get(header.id) ?? new Date().toISOString());
      if (deleted && since >= graceMs && (await claim(header.id))) {
        expired.push({ udid, id: header.id });
        continue;
      }
      const record = await site.records.read(udid, header.id, options);
      if (record !== undefined) mark(record);
    }
    const live = await site.records.readKey(keys.live(udid), options);
    if (live !== undefined) mark(live);
  }
  await markBases(site, contents, options);
  return { contents, tables, expired };
}

/**
 * What needed deltas rest on is needed: for every entry of a content, also one that is not read because there is a better one or an
 * object. Packs are not always rewritten when an entry is of no use any more, and an entry must not outlive its base: who finds it
 * later could take it for another copy.
 */
async function markBases(site: Site, contents: HashIndex, options: AbortOptions): Promise<void> {
  const { entries } = await site.packs.all(options);
  const deltas = [...entries.deltas()];
  const byTarget = new HashIndex();
  /** Number of the next delta with the same target, plus one. */
  const next = new Uint32Array(deltas.length);
  const pending: number[] = [];
  for (const [at, { target }] of deltas.entries()) {
    next[at] = byTarget.get(target) ?? 0;
    byTarget.set(target, at + 1);
    if (contents.has(target)) pending.push(at);
  }
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const base = deltas[at]?.base;
    if (base === undefined || !contents.add(base, 0)) continue;
    for (let other = byTarget.get(base) ?? 0; other > 0; other = next[other - 1] ?? 0) pending.push(other - 1);
  }
}
