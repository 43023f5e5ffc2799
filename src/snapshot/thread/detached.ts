import type { PackEntry } from '../format/pack-format.js';
import type { PackedFile } from '../work/write-packed.js';

/** The same entry, whose hashes are no views: a view of a large buffer would be sent to another thread with all of that. */
export function detachedEntry(entry: PackEntry): PackEntry {
  const { base, target, extra } = entry;
  return {
    ...entry,
    target: Uint8Array.from(target),
    extra: Uint8Array.from(extra),
    base: base && { ...base, hash: Uint8Array.from(base.hash) },
  };
}

/** The same for a file that is to be made. */
export function detachedFile({ row, full, packed }: PackedFile): PackedFile {
  return {
    row: { ...row, hash: Uint8Array.from(row.hash) },
    full,
    packed: { pack: packed.pack, entry: detachedEntry(packed.entry) },
  };
}
