import { lstat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { storeFolderName } from '../folder/names.js';
import { isUdid } from './format/version-id.js';
import { storeFileKey } from './store/store-file.js';

/** Where a store is, and which of its devices a path names. */
export interface StoreLocation {
  /** Absolute path of the folder in which backups and their store lie. */
  readonly location: string;
  /** The device whose folder was given; `undefined` where it was the location itself. */
  readonly udid: string | undefined;
}

/**
 * The store behind a path, which may be a location or the folder of one of its devices; `undefined` where there is none, or where
 * nobody may look. Nothing is opened.
 */
export async function locateStore(path: string): Promise<StoreLocation | undefined> {
  const full = resolve(path);
  if (await hasStore(full)) return { location: full, udid: undefined };
  const [above, name] = [dirname(full), basename(full)];
  return isUdid(name) && (await hasStore(above)) ? { location: above, udid: name } : undefined;
}

async function hasStore(folder: string): Promise<boolean> {
  try {
    return (await lstat(join(folder, storeFolderName, storeFileKey))).isFile();
  } catch {
    return false;
  }
}
