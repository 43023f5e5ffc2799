import { isBackupKitError } from '../../core/errors.js';
import { typed } from '../fs/typed.js';
import { finishRun } from '../run/commit-live.js';
import { removeFolder } from '../run/remove-folder.js';
import { isUdid } from '../format/version-id.js';
import { storePath } from './place.js';
import type { LocalSite, Site } from './site.js';

/** Folders whose content means nothing once nobody works on the store. */
const disposable = ['staging', 'open', 'edit'];

/**
 * Completes runs of killed processes, and removes what such have left. Where others work on the store it is their turn, or that of
 * the next one who opens it.
 */
export async function cleanUp(site: Site, local: LocalSite): Promise<void> {
  await typed(local.place.folder, 'cleaning up', async () => {
    await clean(site, local);
  });
}

async function clean(site: Site, local: LocalSite): Promise<void> {
  const { place } = local;
  const runs = place.fs.entries(storePath(place, 'runs')).filter(({ name }) => isUdid(name));
  const leftovers = disposable.filter((name) => place.fs.entries(storePath(place, name)).length > 0);
  if (runs.length === 0 && leftovers.length === 0) return;
  try {
    const lease = await site.leases.acquire({ scope: 'store', mode: 'exclusive', purpose: 'clean-up' });
    try {
      for (const { name } of runs) {
        try {
          await finishRun(site, local, { udid: name, lease });
        } catch (error) {
          // Who works on that device is told; others, and who wants to make room or repair, are not kept from it.
          if (!isBackupKitError(error, 'SNAPSHOT_CORRUPT') && !isBackupKitError(error, 'IO_NO_SPACE')) throw error;
        }
      }
      const held = await site.leases.held();
      // Who has a version open reads its folder.
      const isRead = [...held.keys()].some((scope) => scope.startsWith('version-'));
      for (const name of leftovers)
        if (name === 'staging' || !isRead) await removeFolder(place.fs, storePath(place, name), {});
    } finally {
      await lease.release();
    }
  } catch (error) {
    if (!isBackupKitError(error, 'SNAPSHOT_LOCKED') && !isBackupKitError(error, 'IO_NO_SPACE')) throw error;
  }
}
