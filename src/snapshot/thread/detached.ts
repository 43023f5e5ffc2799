import type { PackEntry } from '../format/pack-format.js';

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
