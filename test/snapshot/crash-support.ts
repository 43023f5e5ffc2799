import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  copyFileSync,
  readFileSync,
  chmodSync,
  existsSync,
} from 'node:fs';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { utf8Encode } from '../../src/core/bytes.js';
import { nodeFs } from '../../src/snapshot/fs/node-fs.js';
import type { StoreFs } from '../../src/snapshot/fs/store-fs.js';
import { MemoryLeaseManager } from '../../src/snapshot/leases/memory-lease-manager.js';
import type { Placement } from '../../src/snapshot/types.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { quickFs } from './faulty-fs.js';
import { udid } from './support.js';

/** What is in a folder: content and time of each file, and empty folders. */
export type Tree = Record<string, string>;

/** Reads a folder: `content @time` by path, long contents as their hash; `path/` for empty folders. */
export function treeNow(root: string): Tree {
  const found: Tree = {};
  const walk = (folder: string): void => {
    const entries = readdirSync(join(root, folder), { withFileTypes: true });
    if (entries.length === 0 && folder !== '') found[`${folder}/`] = '';
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else found[path] = `${shortOf(readFileSync(join(root, path)))} @${nodeFs.facts(join(root, path))?.modifiedUs}`;
    }
  };
  if (existsSync(root)) walk('');
  return found;
}

/** A content in a line. */
export function shortOf(content: Uint8Array): string {
  if (content.length <= 60) return Buffer.from(content).toString('latin1');
  return createHash('sha256').update(content).digest('hex');
}

/** A tree without times. */
export function contentsOf(tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).map(([path, text]) => [path, text.replace(/ @-?\d+$/, '')]));
}

/** Copies a folder within one disk, with times, modes and second names. */
export function cloneFolder(from: string, to: string): void {
  const seen = new Map<number, string>();
  const walk = (source: string, target: string): void => {
    mkdirSync(target, { recursive: true });
    for (const entry of readdirSync(source, { withFileTypes: true })) {
      const [a, b] = [`${source}/${entry.name}`, `${target}/${entry.name}`];
      if (entry.isDirectory()) {
        walk(a, b);
        continue;
      }
      const stat = lstatSync(a);
      const first = stat.nlink > 1 ? seen.get(stat.ino) : undefined;
      if (first !== undefined) {
        linkSync(first, b);
        continue;
      }
      copyFileSync(a, b);
      chmodSync(b, stat.mode & 0o777);
      nodeFs.setTime(b, nodeFs.facts(a)?.modifiedUs ?? 0);
      if (stat.nlink > 1) seen.set(stat.ino, b);
    }
  };
  walk(from, to);
}

/** Opens a store as a process of its own would. */
export async function openAlone(location: string, isolation: Placement, fs: StoreFs = quickFs): Promise<SnapshotStore> {
  return await SnapshotStore.open(location, { create: true, isolation, fs, leases: new MemoryLeaseManager() });
}

export async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield utf8Encode(text);
}

/** Every version of the device of the tests, deleted ones too, as a folder shows it. */
export async function allVersions(store: SnapshotStore): Promise<Map<string, { kind: string; tree: Tree }>> {
  const versions = new Map<string, { kind: string; tree: Tree }>();
  for (const { id, kind } of await store.device(udid).list({ deleted: true })) {
    await using folder = await store.device(udid).openFolder(id, { allowCopy: true });
    versions.set(id, { kind, tree: treeNow(folder.path) });
  }
  return versions;
}

/** What lies in the folders for work, of which nothing may be left. */
export function leftovers(location: string): string[] {
  return ['staging', 'runs', 'open', 'edit'].flatMap((name) => {
    const folder = join(location, '.ios-backup-kit', name);
    return existsSync(folder) ? readdirSync(folder).map((entry) => `${name}/${entry}`) : [];
  });
}

/** The error of work that may fail. */
export async function quietly(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Compares what a store holds with what it held. */
export function expectVersions(
  found: ReadonlyMap<string, { tree: Tree }>,
  expected: ReadonlyMap<string, { tree: Tree }>,
): void {
  for (const [id, { tree }] of expected) expect({ id, tree: found.get(id)?.tree }).toEqual({ id, tree });
}
