import type { BackupTree } from '../../core/backup-tree.js';
import { checkTreePath, unsafePathReason } from '../../core/safe-path.js';
import type { StoreFs } from './store-fs.js';

/** The tree in a folder of the store's own volume, for those who look at a backup there. Links are not part of it. */
export function directoryTreeOf(fs: StoreFs, root: string): BackupTree {
  return {
    async open(path, options) {
      options?.signal?.throwIfAborted();
      checkTreePath(path);
      return path === '' ? undefined : fs.open(`${root}/${path}`);
    },
    async *list(path, options) {
      checkTreePath(path);
      const folder = path === '' ? root : `${root}/${path}`;
      for (const { name } of fs.entries(folder)) {
        options?.signal?.throwIfAborted();
        const child = path === '' ? name : `${path}/${name}`;
        const facts = unsafePathReason(child) === undefined ? fs.facts(`${folder}/${name}`) : undefined;
        if (facts === undefined || facts.kind === 'other') continue;
        const size = facts.kind === 'file' ? facts.size : 0;
        const { modifiedUs } = facts;
        yield { path: child, kind: facts.kind, size, modified: new Date(modifiedUs / 1000), modifiedUs };
      }
    },
  };
}
