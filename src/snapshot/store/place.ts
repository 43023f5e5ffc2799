import type { StoreFs } from '../fs/store-fs.js';
import type { Placement } from '../types.js';

/** A location in a folder: where backups and their store lie. */
export interface Place {
  readonly fs: StoreFs;
  /** Absolute path of the location. */
  readonly location: string;
  /** Absolute path of the store in it. */
  readonly folder: string;
  readonly placement: Placement;
  /** Steps in which the disk keeps times, in microseconds. */
  readonly timeStepUs: number;
  /** Whether a second thread may help. */
  readonly threads?: boolean | undefined;
}

/** Full path of a part of the store. */
export function storePath(place: Place, key: string): string {
  return `${place.folder}/${key}`;
}

/** Full path of a part of the newest backup of a device. */
export function livePath(place: Place, udid: string, path = ''): string {
  return path === '' ? `${place.location}/${udid}` : `${place.location}/${udid}/${path}`;
}
