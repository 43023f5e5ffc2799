import { SnapshotError } from '../../core/errors.js';
import { makeFolderDurable } from '../fs/durable.js';
import { typed } from '../fs/typed.js';
import { keys } from '../store/keys.js';
import { storePath } from '../store/place.js';
import type { Site } from '../store/site.js';
import { versionScope } from '../store/hold-version.js';

/** Renames the record of a version into the trash, or out of it. */
export async function moveRecord(site: Site, udid: string, id: string, to: 'trash' | 'versions'): Promise<void> {
  const [from, target] =
    to === 'trash' ? [keys.version(udid, id), keys.trash(udid, id)] : [keys.trash(udid, id), keys.version(udid, id)];
  if (site.local !== undefined) {
    const { place } = site.local;
    const { fs } = place;
    const path = storePath(place, target);
    const folder = path.slice(0, path.lastIndexOf('/'));
    await typed(path, 'moving a record to', async () => {
      makeFolderDurable(fs, folder);
      fs.rename(storePath(place, from), path);
      fs.sync(folder);
    });
    return;
  }
  const content = await site.blobs.get(from);
  const info = await site.blobs.head(from);
  if (content === undefined || info === undefined)
    throw new SnapshotError('SNAPSHOT_NOT_FOUND', `There is no version ${id}`, { version: id });
  // Twice for a moment rather than not at all.
  await site.blobs.put(target, content, { size: info.size });
  await site.blobs.delete([from]);
}

/** Who has a version open, in words; empty for nobody. */
export async function holdersOf(site: Site, id: string): Promise<readonly string[]> {
  return (await site.leases.held()).get(versionScope(id)) ?? [];
}
