import type { AbortOptions } from './abort.js';
import type { BackupSink, BackupTree, TreeEntry } from './backup-tree.js';
import { memorySource, readAll } from './byte-source.js';
import { concatBytes } from './bytes.js';
import { IoError } from './errors.js';
import { checkTreePath } from './safe-path.js';

/** A backup tree in memory, which can be written to as well. */
export interface MemoryTree extends BackupSink {
  /** Every file by its path; change it freely between calls. Parent directories are implied. */
  readonly files: Map<string, Uint8Array>;
}

const parentsOf = (path: string): string[] => {
  const parts = path.split('/');
  return parts.slice(1).map((_part, index) => parts.slice(0, index + 1).join('/'));
};

/** A {@link MemoryTree}, empty or with `files`. */
export function memoryTree(files: Iterable<readonly [string, Uint8Array]> = []): MemoryTree {
  const store = new Map<string, Uint8Array>();
  for (const [path, bytes] of files) store.set(checkTreePath(path), bytes);
  const directories = new Set<string>();

  const below = (path: string): string[] => [...store.keys()].filter((name) => name.startsWith(`${path}/`));

  const isDirectory = (path: string): boolean => directories.has(path) || below(path).length > 0;

  const refuse = (errno: string, why: string, path: string): never => {
    throw new IoError('IO_FAILED', `${path} ${why}`, { path, errno });
  };

  /** Makes folders, as a file system keeps them when their last file goes. */
  const keepDirectories = (paths: Iterable<string>): void => {
    for (const path of paths) {
      if (store.has(path)) refuse('ENOTDIR', 'is a file, not a folder', path);
      directories.add(path);
    }
  };

  const relocate = (from: string, to: string, keep: boolean): void => {
    checkTreePath(from);
    checkTreePath(to);
    if (to.startsWith(`${from}/`) || from.startsWith(`${to}/`))
      refuse('EINVAL', 'lies in the folder that it is to replace, or contains it', to);
    const bytes = store.get(from);
    const names = bytes === undefined ? below(from) : [from];
    if (bytes === undefined && !isDirectory(from)) refuse('ENOENT', 'does not exist', from);
    if (from === to) return;
    keepDirectories([...parentsOf(from), ...parentsOf(to)]);
    const moved = names.map((name) => [to + name.slice(from.length), store.get(name)] as const);
    const movedDirectories = [...directories].filter((name) => name === from || name.startsWith(`${from}/`));
    removeAll(to);
    if (!keep) removeAll(from);
    for (const [name, content] of moved) if (content !== undefined) store.set(name, content);
    for (const name of movedDirectories) directories.add(to + name.slice(from.length));
    if (bytes === undefined) directories.add(to);
  };

  const removeAll = (path: string): void => {
    store.delete(path);
    for (const name of below(path)) store.delete(name);
    for (const name of directories) if (name === path || name.startsWith(`${path}/`)) directories.delete(name);
  };

  return {
    files: store,
    async open(path, options) {
      options?.signal?.throwIfAborted();
      const bytes = store.get(checkTreePath(path));
      return bytes === undefined ? undefined : memorySource(bytes);
    },
    async *list(path, options): AsyncGenerator<TreeEntry, void, undefined> {
      options?.signal?.throwIfAborted();
      checkTreePath(path);
      const prefix = path === '' ? '' : `${path}/`;
      const children = new Map<string, TreeEntry>();
      for (const name of [...directories, ...[...store.keys()].flatMap(parentsOf)]) {
        for (const directory of [...parentsOf(name), name]) {
          if (directory.startsWith(prefix) && directory !== path && !directory.slice(prefix.length).includes('/')) {
            children.set(directory, { path: directory, kind: 'directory', size: 0 });
          }
        }
      }
      for (const [name, bytes] of store) {
        if (name.startsWith(prefix) && !name.slice(prefix.length).includes('/')) {
          children.set(name, { path: name, kind: 'file', size: bytes.length });
        }
      }
      yield* children.values();
    },
    async write(path, data, options) {
      options?.signal?.throwIfAborted();
      checkTreePath(path);
      const parts: Uint8Array[] = [];
      for await (const chunk of data) {
        options?.signal?.throwIfAborted();
        parts.push(chunk);
      }
      options?.signal?.throwIfAborted();
      if (isDirectory(path)) refuse('EISDIR', 'is a folder, not a file', path);
      keepDirectories(parentsOf(path));
      store.set(path, concatBytes(parts));
    },
    async move(from, to) {
      relocate(from, to, false);
    },
    async copy(from, to) {
      relocate(from, to, true);
    },
    async remove(path) {
      keepDirectories(parentsOf(checkTreePath(path)).filter(isDirectory));
      removeAll(path);
    },
    async makeDirectory(path) {
      if (path !== '') keepDirectories([...parentsOf(checkTreePath(path)), path]);
    },
    async freeSpace() {
      return Number.MAX_SAFE_INTEGER;
    },
    async commit() {},
  };
}

/** The whole content of a file of `tree` of at most `limit` bytes; `undefined` where there is no such file. */
export async function readTreeFile(
  tree: BackupTree,
  path: string,
  options: AbortOptions & { limit: number; room?: Uint8Array | undefined },
): Promise<Uint8Array | undefined> {
  if (tree.readFile !== undefined) return await tree.readFile(path, options);
  const source = await tree.open(path, options);
  if (source === undefined) return undefined;
  try {
    return await readAll(source, { ...options, what: path });
  } finally {
    await source.close();
  }
}
