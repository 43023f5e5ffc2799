import type { AbortOptions } from '../../core/abort.js';
import { hexEncode } from '../../core/bytes.js';
import { openBlob } from '../blobs/open-blob.js';
import { chunksAhead } from '../contents/chunks-ahead.js';
import { openDeltaParts } from '../contents/delta-parts.js';
import type { FilePatcher, StoreFs } from '../fs/store-fs.js';
import { packKinds } from '../format/pack-format.js';
import type { TableRow } from '../format/table.js';
import { copyFile } from '../run/make-object.js';
import { keys } from '../store/keys.js';
import type { PackedEntry } from '../store/packed-entries.js';
import { storePath } from '../store/place.js';
import type { Site } from '../store/site.js';
import { detachedEntry } from '../thread/detached.js';
import type { StoreHelper } from '../thread/store-helper.js';
import { PagePatch } from './patch-pages.js';

/** Deltas that are followed; a circle ends here. */
const chainLimit = 128;

/**
 * Makes the file `full` of a content that is kept as plain differences: the whole file below them is copied by the system, or
 * cloned, and only the pages that differ are written. What was copied is not compared with its hash, as little as what is linked.
 *
 * @returns whether it was possible
 */
export async function patchFile(
  site: Site,
  fs: StoreFs,
  { row, full, helper, signal }: { row: TableRow; full: string; helper?: StoreHelper | undefined } & AbortOptions,
): Promise<boolean> {
  const place = site.local?.place;
  if (place === undefined) return false;
  const chain: PackedEntry[] = [];
  let wanted = { hash: row.hash, size: row.size };
  let object = storePath(place, keys.object(hexEncode(wanted.hash)));
  while (fs.facts(object)?.size !== wanted.size) {
    const packed = await site.packs.find(wanted.hash, { signal });
    const base = packed?.entry.base;
    if (packed?.entry.kind !== packKinds.delta || base === undefined || chain.length === chainLimit) return false;
    // Damage or a lie: reading it the long way tells.
    if (packed.entry.size !== wanted.size) return false;
    chain.push(packed);
    wanted = { hash: base.hash, size: base.size };
    object = storePath(place, keys.object(hexEncode(wanted.hash)));
  }
  if (chain.length === 0) return false;
  await copyFile(fs, { from: object, to: full, clone: place.placement === 'clone', signal });
  fs.setMode(full, 0o644);
  const steps = chain.toReversed();
  if (helper === undefined) await applyHere(site, fs, { full, size: row.size, steps, signal });
  else if (
    !(await helper.patch({
      full,
      size: row.size,
      chain: steps.map(({ pack, entry }) => ({ path: storePath(place, pack), entry: detachedEntry(entry) })),
    }))
  )
    throw Object.assign(new Error(`ENOENT: ${full} could not be made of differences`), { code: 'ENOENT' });
  fs.setTime(full, row.modifiedUs);
  return true;
}

async function applyHere(
  site: Site,
  fs: StoreFs,
  { full, size, steps, signal }: { full: string; size: number; steps: readonly PackedEntry[] } & AbortOptions,
): Promise<void> {
  const file = fs.patch(full);
  try {
    for (const packed of steps) await applyDelta(site, file, { packed, signal });
    file.truncate(size);
  } finally {
    file.close();
  }
}

async function applyDelta(
  site: Site,
  file: FilePatcher,
  { packed, signal }: { packed: PackedEntry } & AbortOptions,
): Promise<void> {
  const { pack: part, entry } = packed;
  const pack = await openBlob(site.blobs, part, { signal });
  if (pack === undefined) throw Object.assign(new Error(`ENOENT: ${part} has gone`), { code: 'ENOENT' });
  try {
    const parts = await openDeltaParts(pack, entry, { part, signal });
    const pages = new PagePatch(file, parts);
    for await (const chunk of chunksAhead(parts.reader, { signal })) pages.add(chunk);
  } finally {
    await pack.close();
  }
}
