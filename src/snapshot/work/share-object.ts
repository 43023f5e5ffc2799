import { errnoOf } from '../../core/errno.js';
import { removeQuietly } from '../fs/durable.js';
import { isStamped } from '../fs/is-stamped.js';
import type { FileStamp, RowView } from '../format/table.js';
import { keys } from '../store/keys.js';
import { storePath, type Place } from '../store/place.js';

/** What a disk answers that gives no second name; `ENOENT` where the object has just been moved into a pack. */
const linkRefused = new Set(['EMLINK', 'ERANGE', 'EPERM', 'EXDEV', 'ENOTSUP', 'ENOENT']);

/** How files of a folder may share the disk with objects: `link` where nobody writes to them, `clone` where somebody may. */
export type Sharing = 'link' | 'clone' | 'none';

/** Makes the file `full` of the object with the content of a row: whether that was possible. Nothing is left where it was not. */
export function shareObject(
  place: Place,
  { row, full, share }: { row: Pick<RowView, 'hashText' | 'size' | 'modifiedUs'>; full: string; share: Sharing },
): boolean {
  if (share === 'none' || row.size === 0) return false;
  const object = storePath(place, keys.object(row.hashText));
  if (share === 'link' && place.placement === 'link') return linkObject(place, object, full, row);
  return place.placement === 'clone' && cloneObject(place, object, full, row);
}

function linkObject({ fs }: Place, object: string, full: string, stamp: FileStamp): boolean {
  // One file has one time: where the version has another, it needs a file of its own.
  if (!isStamped(fs, object, stamp)) return false;
  try {
    fs.link(object, full);
  } catch (error) {
    if (linkRefused.has(errnoOf(error) ?? '')) return false;
    throw error;
  }
  return true;
}

function cloneObject({ fs }: Place, object: string, full: string, { size, modifiedUs }: FileStamp): boolean {
  if (fs.facts(object)?.size !== size) return false;
  try {
    fs.clone(object, full);
    fs.setTime(full, modifiedUs);
  } catch (error) {
    const code = errnoOf(error);
    if (code !== 'EEXIST') removeQuietly(fs, full);
    if (code === 'EEXIST' || code === 'ENOSPC') throw error;
    // E.g. more references to a block than the disk can count.
    return false;
  }
  return true;
}
