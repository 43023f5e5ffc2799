import type { BackupTree } from './backup-tree.js';

/** The part of a tree below the folder `prefix`, as a tree of its own. Closing it is not needed: `tree` is the caller's. */
export function prefixedTree(tree: BackupTree, prefix: string): BackupTree {
  const full = (path: string): string => (path === '' ? prefix : `${prefix}/${path}`);
  return {
    open: async (path, options) => await tree.open(full(path), options),
    async *list(path, options) {
      for await (const entry of tree.list(full(path), options))
        yield { ...entry, path: entry.path.slice(prefix.length + 1) };
    },
    ...(tree.readFile !== undefined && {
      readFile: async (path: string, options: { signal?: AbortSignal | undefined; limit: number }) =>
        await tree.readFile?.(full(path), options),
    }),
  };
}

/** The same tree below a folder `prefix`: what {@link prefixedTree} undoes. */
export function treeBelow(tree: BackupTree, prefix: string): BackupTree {
  const within = (path: string): string | undefined =>
    path === prefix ? '' : path.startsWith(`${prefix}/`) ? path.slice(prefix.length + 1) : undefined;
  return {
    async open(path, options) {
      const inner = within(path);
      return inner === undefined ? undefined : await tree.open(inner, options);
    },
    async *list(path, options) {
      const inner = within(path);
      if (path === '') yield { path: prefix, kind: 'directory', size: 0 };
      if (inner === undefined) return;
      for await (const entry of tree.list(inner, options)) yield { ...entry, path: `${prefix}/${entry.path}` };
    },
  };
}
