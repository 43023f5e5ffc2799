import type { AbortOptions } from '../../core/abort.js';
import { hexEncode } from '../../core/bytes.js';
import { isBackupKitError } from '../../core/errors.js';
import { openBlob } from '../blobs/open-blob.js';
import { keys } from '../store/keys.js';
import { isKnownKind, type Packs } from '../store/pack-set.js';
import { isSameEntry, type PackedEntries, type PackedEntry } from '../store/packed-entries.js';
import type { Site } from '../store/site.js';
import type { WorkLeases } from '../store/work-leases.js';
import type { Needed } from './mark.js';
import { PackDraft } from './pack-draft.js';

/** Part of a pack that may be dead before it is rewritten. */
const deadShare = 0.3;
/** Bytes after which a rewritten pack is full. */
const packBytes = 24 * 1024 * 1024;
/** Packs below this size become one, once there are as many of them as {@link manySmall}. */
const smallBytes = 2 * 1024 * 1024;
const manySmall = 16;

/** A pack and what is needed of it. */
interface SweptPack {
  readonly name: string;
  /** Numbers of the entries that are needed. */
  readonly live: number[];
  /** Bytes of all its entries. */
  bytes: number;
  /** Bytes of entries that nobody needs, or that are there twice. */
  dead: number;
  /** Number of those. */
  deadEntries: number;
}

/**
 * Removes packs that nobody needs, and rewrites those of which little is needed. Without a lease it only counts. An entry of a
 * content that is also an object, or is read from a better entry, is dead: the object, or the other entry, stays.
 */
export async function sweepPacks(
  site: Site,
  needed: Needed,
  { lease, signal }: AbortOptions & { lease: WorkLeases | undefined },
): Promise<{ contents: number; freedBytes: number }> {
  const swept = { contents: 0, freedBytes: 0 };
  const rewritten: SweptPack[] = [];
  const { packs, entries } = await judgePacks(site, needed, { signal });
  const small = packs.filter(({ live, bytes }) => live.length > 0 && bytes < smallBytes);
  for (const pack of packs) {
    signal?.throwIfAborted();
    const isSmall = small.length >= manySmall && small.includes(pack);
    if (pack.live.length > 0 && pack.dead <= pack.bytes * deadShare && !isSmall) continue;
    if (pack.live.length > 0) {
      rewritten.push(pack);
      continue;
    }
    if (lease !== undefined) {
      lease.check();
      await site.blobs.delete([pack.name]);
    }
    count(swept, pack);
  }
  // Those that nobody needs have made room for what is left of the others.
  for (const group of groups(rewritten)) {
    signal?.throwIfAborted();
    if (lease !== undefined && !(await rewrite(site, { packs: group, entries }, { lease, signal }))) continue;
    for (const pack of group) count(swept, pack);
  }
  if (lease !== undefined) site.packs.refresh();
  return swept;
}

function count(swept: { contents: number; freedBytes: number }, pack: SweptPack): void {
  swept.contents += pack.deadEntries;
  swept.freedBytes += pack.dead;
}

/** What is needed of each pack. Packs of which not all was found are left alone: their repair may find more. */
async function judgePacks(
  site: Site,
  needed: Needed,
  options: AbortOptions,
): Promise<{ packs: SweptPack[]; entries: PackedEntries }> {
  const { names, salvaged, entries, index, several } = await site.packs.all(options);
  const byName = new Map<string, SweptPack>();
  for (const name of names)
    if (!salvaged.includes(name)) byName.set(name, { name, live: [], bytes: 0, dead: 0, deadEntries: 0 });
  for (const [at, kind] of entries.kinds()) {
    const pack = byName.get(entries.place(at).pack);
    if (pack === undefined) continue;
    const [target, size, bytes] = [entries.target(at), entries.size(at), entries.entryBytes(at)];
    pack.bytes += bytes;
    const isLive =
      needed.contents.has(target) &&
      // What this release cannot read may be what a newer one reads.
      (!isKnownKind(kind) ||
        ((await isRead(site, { entries, several, at, index, ...options })) &&
          (await site.blobs.head(keys.object(hexEncode(target)), options))?.size !== size));
    if (isLive) pack.live.push(at);
    else {
      pack.dead += bytes;
      pack.deadEntries += 1;
    }
  }
  return { packs: [...byName.values()], entries };
}

/** Whether an entry is the one by which its content is read. */
async function isRead(
  site: Site,
  {
    entries,
    several,
    at,
    index,
    ...options
  }: Pick<Packs, 'entries' | 'several' | 'index'> & AbortOptions & { at: number },
): Promise<boolean> {
  const target = entries.target(at);
  const choices = several.size === 0 ? undefined : several.get(hexEncode(target));
  if (choices === undefined) return index.get(target) === at;
  const packed = entries.at(at);
  for (const choice of choices) {
    // The same entry in two packs, after a crash: one of them.
    if (isSameEntry(choice, packed)) return true;
    if (await canBeOpened(site, choice, options)) return false;
  }
  return true;
}

async function canBeOpened(site: Site, packed: PackedEntry, options: AbortOptions): Promise<boolean> {
  try {
    const source = await site.packs.openEntry(packed, {
      ...options,
      openBase: async (base, baseOptions) => await site.contents.open(base, baseOptions),
    });
    await source.close();
    return true;
  } catch (error) {
    // Sealed: nothing is known of it, so that no other entry must go because of it.
    if (isBackupKitError(error, 'SNAPSHOT_CORRUPT') || isBackupKitError(error, 'SNAPSHOT_SECRET_REQUIRED'))
      return false;
    throw error;
  }
}

function* groups(packs: readonly SweptPack[]): Generator<SweptPack[], void, undefined> {
  let group: SweptPack[] = [];
  let bytes = 0;
  for (const pack of packs) {
    const live = pack.bytes - pack.dead;
    if (group.length > 0 && bytes + live > packBytes) {
      yield group;
      [group, bytes] = [[], 0];
    }
    group.push(pack);
    bytes += live;
  }
  if (group.length > 0) yield group;
}

/**
 * Writes what is needed of packs into a new one, and then removes them. Whether that was possible: on a full disk, and where
 * an entry turns out to be damaged, they stay.
 */
async function rewrite(
  site: Site,
  { packs, entries }: { packs: readonly SweptPack[]; entries: PackedEntries },
  { lease, signal }: AbortOptions & { lease: WorkLeases },
): Promise<boolean> {
  let draft: PackDraft | undefined;
  try {
    draft = new PackDraft(site);
    for (const { name, live } of packs) {
      const source = await openBlob(site.blobs, name, { signal });
      if (source === undefined) return false;
      try {
        for (const at of live) {
          await draft.writer.copyEntry(source, entries.at(at).entry, { signal });
        }
      } finally {
        await source.close();
      }
    }
    draft.finish();
    await draft.publish(() => {
      lease.check();
    });
  } catch (error) {
    if (isBackupKitError(error, 'IO_NO_SPACE') || isBackupKitError(error, 'SNAPSHOT_CORRUPT')) return false;
    throw error;
  } finally {
    draft?.discard();
  }
  lease.check();
  await site.blobs.delete(packs.map(({ name }) => name));
  return true;
}
