import { lstatSync } from 'node:fs';
import type { FileStamp } from '../format/table.js';
import { nodeFs } from './node-fs.js';
import type { StoreFs } from './store-fs.js';

/**
 * Whether there is a file of this size and time at `path`; a time that differs by less than half a microsecond counts as the same.
 * For scans of many files that have not changed: the facts of a file with exact times cost Node.js half as much again.
 */
export function isStamped(fs: StoreFs, path: string, { size, modifiedUs }: FileStamp): boolean {
  if (fs.facts !== nodeFs.facts) {
    const facts = fs.facts(path);
    return facts?.kind === 'file' && facts.size === size && facts.modifiedUs === modifiedUs;
  }
  let stat;
  try {
    stat = lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // Whatever it is, who looks closer will be told.
    return false;
  }
  if (stat?.size !== size || !stat.isFile()) return false;
  // A double of today's milliseconds, and then of microseconds, is off by up to a quarter of a microsecond.
  return Math.abs(stat.mtimeMs * 1000 - (modifiedUs + 0.5)) <= 0.75;
}
