import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { utf8Encode } from '../../core/bytes.js';
import { errnoOf } from '../../core/errno.js';
import { SnapshotError, ioError } from '../../core/errors.js';
import type { Placement } from '../types.js';
import { makeFolderDurable, removeQuietly } from './durable.js';
import type { StoreFs } from './store-fs.js';

/** What was found out about the disk of a store by trying. */
export interface PlacementProbe {
  /** The best way that works; `copy` is never found, but ordered. */
  readonly placement: Exclude<Placement, 'copy'>;
  /** Why it is not a better one, and what else the disk does not do, as sentences. */
  readonly reasons: readonly string[];
  /** Steps in which the disk keeps modification times, in microseconds; `Infinity` where it keeps none that are set. */
  readonly timeResolutionUs: number;
  /** Whether `a` and `A` are one name. */
  readonly ignoresCase: boolean;
  /** Whether a file can have two names: what is made by `link` is made only where nothing is. */
  readonly links: boolean;
}

/** In the folder of the newest backups for the moment of the probe; one name, so that a crash leaves one file at most. */
const probeName = '.ios-backup-kit.probe';

/** An odd second with a part below it, so that every coarser disk gives another time back. */
const probeTimeUs = 1_700_000_001_123_457;

/** Steps of known disks; NTFS has a tenth of the finest, exFAT 10 ms or 1 s or 2 s, HFS+ 1 s, FAT 2 s. */
const knownStepsUs = [1, 10, 100, 1000, 10_000, 1e6, 2e6];

/**
 * Finds out how files of the newest backups become part of history, by making files in the `staging` folder of the store.
 * `liveParent` is the folder that holds the newest backups. Nothing stays behind.
 *
 * @throws {@link SnapshotError} `SNAPSHOT_UNSUPPORTED` where a file cannot be moved between the two folders.
 * @throws IoError where nothing can be written.
 */
export function probePlacement(fs: StoreFs, storeFolder: string, liveParent: string): PlacementProbe {
  const staging = join(storeFolder, 'staging');
  const base = join(staging, `probe-${randomUUID()}`);
  const at = (name: string): string => `${base}-${name}`;
  const made = [base, at('clone'), at('link'), join(liveParent, probeName)];
  const reasons: string[] = [];
  try {
    makeFolderDurable(fs, staging);
    const volumes = [staging, liveParent].map((folder) => fs.facts(folder)?.volume);
    if (volumes[0] !== volumes[1]) throw twoVolumes(storeFolder, liveParent);
    create(fs, base);
    const ignoresCase = fs.facts(join(staging, base.slice(staging.length + 1).toUpperCase())) !== undefined;
    const timeResolutionUs = timeResolutionOf(fs, base);
    if (timeResolutionUs > 1) reasons.push(describeTimes(timeResolutionUs));
    const clones = tries(reasons, 'clone', () => {
      fs.clone(base, at('clone'));
      const clone = fs.facts(at('clone'));
      return clone?.links === 1 && clone.size === fs.facts(base)?.size;
    });
    const links = tries(reasons, 'link', () => {
      fs.link(base, at('link'));
      return fs.facts(base)?.links === 2 && fs.facts(at('link'))?.inode === fs.facts(base)?.inode;
    });
    // The second name of the same file would make the rename do nothing.
    fs.unlink(at('link'));
    moveOver(fs, base, { storeFolder, liveParent });
    return { placement: clones ? 'clone' : links ? 'link' : 'move', reasons, timeResolutionUs, ignoresCase, links };
  } catch (error) {
    throw ioError(error, storeFolder, 'trying');
  } finally {
    for (const path of made) removeQuietly(fs, path);
  }
}

function create(fs: StoreFs, path: string): void {
  const writer = fs.create(path);
  try {
    // More than disks keep within the entry of a file: that part is not cloned but copied.
    writer.write(utf8Encode('ios-backup-kit\n'.repeat(1000)));
  } finally {
    writer.close();
  }
}

/** Whether a call does what it promises; else the reason is noted. */
function tries(reasons: string[], what: Placement, call: () => boolean): boolean {
  let why: string;
  try {
    if (call()) return true;
    why = 'it had no effect';
  } catch (error) {
    const code = errnoOf(error);
    // A full or broken disk says nothing about what the file system can do.
    if (code === undefined || ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS'].includes(code)) throw error;
    why = code;
  }
  reasons.push(`The disk does not ${what} files (${why}).`);
  return false;
}

/** Device numbers can be equal where a rename fails, e.g. with bind mounts; so it is tried, both ways. */
function moveOver(fs: StoreFs, path: string, of: { storeFolder: string; liveParent: string }): void {
  const there = join(of.liveParent, probeName);
  try {
    fs.rename(path, there);
    fs.rename(there, path);
  } catch (error) {
    if (errnoOf(error) === 'EXDEV') throw twoVolumes(of.storeFolder, of.liveParent);
    throw error;
  }
}

function timeResolutionOf(fs: StoreFs, path: string): number {
  try {
    fs.setTime(path, probeTimeUs);
  } catch (error) {
    if (['EPERM', 'EINVAL', 'ENOTSUP', 'ENOSYS', 'EACCES'].includes(errnoOf(error) ?? '')) return Infinity;
    throw error;
  }
  const got = fs.facts(path)?.modifiedUs ?? 0;
  const fits = (stepUs: number): boolean => got % stepUs === 0 && Math.abs(got - probeTimeUs) < stepUs;
  return knownStepsUs.find(fits) ?? Infinity;
}

function describeTimes(resolutionUs: number): string {
  if (resolutionUs === Infinity) return 'The disk does not keep modification times that are set.';
  return `The disk keeps modification times in steps of ${resolutionUs / 1000} ms.`;
}

function twoVolumes(storeFolder: string, liveParent: string): SnapshotError {
  return new SnapshotError(
    'SNAPSHOT_UNSUPPORTED',
    `${storeFolder} and ${liveParent} lie on two volumes; a store must be on the volume of the newest backups`,
  );
}
