import { yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import { hexDecode } from '../../core/bytes.js';
import { HashIndex } from '../contents/hash-index.js';
import type { RecordHeader } from '../format/record.js';
import type { Table } from '../format/table.js';
import { keys } from '../store/keys.js';
import type { PackedEntries } from '../store/packed-entries.js';
import type { Site } from '../store/site.js';
import { OwnerSets } from './owner-sets.js';

/** A version, or the newest backup of a device: what keeps contents from being purged. */
export interface Owner {
  readonly udid: string;
  /** Header of the version; `undefined` for the newest backup. */
  readonly header: RecordHeader | undefined;
  /** Whether it lies in the trash. */
  readonly deleted: boolean;
}

/** Who needs which content and table. */
export interface Owners {
  readonly owners: readonly Owner[];
  readonly sets: OwnerSets;
  /** Sets by hash of the content. */
  readonly contents: HashIndex;
  /** Sets by hash of the table. */
  readonly tables: HashIndex;
}

/** Options of {@link findOwners}. */
export interface FindOwnersOptions extends AbortOptions {
  /** Which of the versions count; all by default. */
  readonly counts?: ((version: Pick<Owner, 'udid' | 'deleted'> & { readonly id: string }) => boolean) | undefined;
}

const rowsPerTurn = 32 * 1024;

/** Reads all records, one after another, in memory that depends on the number of contents and not on that of versions. */
export async function findOwners(site: Site, { signal, counts }: FindOwnersOptions = {}): Promise<Owners> {
  const owners: Owner[] = [];
  for (const udid of await site.records.devices({ signal })) {
    const listed = await site.records.list(udid, { signal });
    for (const { header, deleted } of listed.toReversed())
      if (counts?.({ udid, id: header.id, deleted }) !== false) owners.push({ udid, header, deleted });
    owners.push({ udid, header: undefined, deleted: false });
  }
  const sets = new OwnerSets(owners.length);
  const contents = new HashIndex();
  const tables = new HashIndex();
  const packs = await site.packs.all({ signal });
  const own = (index: HashIndex, hash: Uint8Array, owner: number): boolean => {
    const before = index.get(hash) ?? 0;
    const after = sets.with(before, owner);
    if (after !== before) index.set(hash, after);
    return after !== before;
  };
  const basesOf = deltaBases(packs.entries);
  const ownContent = (hash: Uint8Array, owner: number): void => {
    if (!own(contents, hash, owner)) return;
    // What deltas rest on is needed by all who need what they give.
    const pending = [...basesOf(hash)];
    for (let base = pending.pop(); base !== undefined; base = pending.pop())
      if (own(contents, base, owner)) pending.push(...basesOf(base));
  };
  for (const [number, { udid, header }] of owners.entries()) {
    const record =
      header === undefined
        ? await site.records.readKey(keys.live(udid), { signal })
        : await site.records.read(udid, header.id, { signal });
    if (record === undefined) continue;
    const base = record.header.base === null ? undefined : hexDecode(record.header.base);
    if (base !== undefined) own(tables, base, number);
    await ownRows(record.table, { ownContent, number, signal });
  }
  return { owners, sets, contents, tables };
}

/** Bases of all deltas that give a content, as a purge looks at them. */
function deltaBases(entries: PackedEntries): (target: Uint8Array) => Iterable<Uint8Array> {
  const bases: { readonly base: Uint8Array; readonly next: number | undefined }[] = [];
  const byTarget = new HashIndex();
  for (const { target, base } of entries.deltas()) {
    bases.push({ base, next: byTarget.get(target) });
    byTarget.set(target, bases.length - 1);
  }
  return function* (target) {
    for (let at = byTarget.get(target); at !== undefined; at = bases[at]?.next) {
      const base = bases[at]?.base;
      if (base !== undefined) yield base;
    }
  };
}

async function ownRows(
  table: Table,
  {
    ownContent,
    number,
    signal,
  }: AbortOptions & { ownContent: (hash: Uint8Array, owner: number) => void; number: number },
): Promise<void> {
  for (let index = 0; index < table.length; index += 1) {
    if (index % rowsPerTurn === rowsPerTurn - 1) await yieldToEventLoop(signal);
    const hash = table.hash(index);
    if (hash !== undefined) ownContent(hash, number);
  }
}
