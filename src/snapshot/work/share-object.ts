import { hexEncode } from '../../core/bytes.js';
import { errnoOf } from '../../core/errno.js';
import { removeQuietly } from '../fs/durable.js';
import type { TableRow } from '../format/table.js';
import { keys } from '../store/keys.js';
import { storePath, type Place } from '../store/place.js';

/** What a disk answers that gives no second name; `ENOENT` where the object has just been moved into a pack. */
const linkRefused = new Set(['EMLINK', 'ERANGE', 'EPERM', 'EXDEV', 'ENOTSUP', 'ENOENT']);

/** How files of a folder may share the disk with objects: `link` where nobody writes to them, `clone` where somebody may. */
export type Sharing = 'link' | 'clone' | 'none';

/** Makes a file of the object itself: whether that was possible. Nothing is left where it was not. */
export function shareObject(
  place: Place,
  { row, full, share }: { row: TableRow; full: string; share: Sharing },
): boolean {
  if (share === 'none' || row.size === 0) return false;
  const object = storePath(place, keys.object(hexEncode(row.hash)));
  if (share === 'link' && place.placement === 'link') return linkObject(place, object, { row, full });
  return place.placement === 'clone' && cloneObject(place, object, { row, full });
}

interface OneFile {
  readonly row: TableRow;
  readonly full: string;
}

function linkObject({ fs }: Place, object: string, { row, full }: OneFile): boolean {
  const facts = fs.facts(object);
  // One file has one time: where the version has another, it needs a file of its own.
  if (facts?.size !== row.size || facts.modifiedUs !== row.modifiedUs) return false;
  try {
    fs.link(object, full);
  } catch (error) {
    if (linkRefused.has(errnoOf(error) ?? '')) return false;
    throw error;
  }
  return true;
}

function cloneObject({ fs }: Place, object: string, { row, full }: OneFile): boolean {
  if (fs.facts(object)?.size !== row.size) return false;
  try {
    fs.clone(object, full);
    fs.setTime(full, row.modifiedUs);
  } catch (error) {
    const code = errnoOf(error);
    if (code !== 'EEXIST') removeQuietly(fs, full);
    if (code === 'EEXIST' || code === 'ENOSPC') throw error;
    // E.g. more references to a block than the disk can count.
    return false;
  }
  return true;
}
