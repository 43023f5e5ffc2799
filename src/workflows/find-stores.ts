import { readdir } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import type { AbortOptions } from '../core/abort.js';
import { defaultBackupFolders } from '../manifest/default-folders.js';
import { locateStore, type StoreLocation } from '../snapshot/locate-store.js';

/** Options of {@link findStores}. */
export interface FindStoresOptions extends AbortOptions {
  /** Folders to look at beside the usual ones. */
  folders?: readonly string[] | undefined;
  /** Whether the usual places are looked at: default backup folders, home, volumes; true by default. */
  usual?: boolean | undefined;
}

/** Folders of the home that macOS guards with a question each, and in which nobody keeps backups. */
const passedOver = new Set(['Desktop', 'Documents', 'Downloads', 'Library', 'Movies', 'Music', 'Pictures', 'Public']);

/**
 * Finds version stores, without a list of any: in `folders`, in the default backup folders of Finder, iTunes and Apple Devices,
 * in the home, and on mounted volumes; each of them and the folders directly in them. Stores deeper than that are not found.
 */
export async function* findStores(options: FindStoresOptions = {}): AsyncGenerator<StoreLocation, void, undefined> {
  const seen = new Set<string>();
  for (const top of [...(options.folders ?? []), ...(options.usual === false ? [] : await usualFolders())]) {
    options.signal?.throwIfAborted();
    const isHome = resolve(top) === resolve(homedir());
    const below = (await foldersIn(top)).filter((name) => !name.startsWith('.') && !(isHome && passedOver.has(name)));
    for (const path of [top, ...below.map((name) => join(top, name))]) {
      const found = await locateStore(path);
      if (found === undefined || seen.has(found.location)) continue;
      seen.add(found.location);
      yield { location: found.location, udid: undefined };
    }
  }
}

async function usualFolders(): Promise<string[]> {
  const { platform, env } = process;
  const own = [...defaultBackupFolders(platform, env, homedir()), homedir()];
  return [...own, ...(await volumes(platform))];
}

/** Tops of what is mounted, where people mount disks and shares. */
async function volumes(platform: NodeJS.Platform): Promise<string[]> {
  if (platform === 'win32') return Array.from('DEFGHIJKLMNOPQRSTUVWXYZ', (letter) => `${letter}:\\`);
  const tops =
    platform === 'darwin' ? ['/Volumes'] : ['/mnt', '/media', `/media/${userName()}`, `/run/media/${userName()}`];
  const found = await Promise.all(tops.map(async (top) => (await foldersIn(top)).map((name) => join(top, name))));
  return [...tops, ...found.flat()];
}

/** Names of the folders in a folder; none where it cannot be read. */
async function foldersIn(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map(({ name }) => name)
      .sort();
  } catch {
    return [];
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}
