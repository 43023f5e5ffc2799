import { randomUUID } from 'node:crypto';
import { utf8Decode } from '../../core/bytes.js';
import { isVersionId } from '../format/version-id.js';
import { keys } from './keys.js';
import { storePath, type Place } from './place.js';

/** Name of the file by which a run says which version it is about to make. */
export const commitName = 'commit';

/** Where the files of a run lie until they are part of the newest backup. */
export interface RunFolders {
  /** Full path of what the run has; no other run has the same, so that one who wakes up after another has taken over is alone. */
  readonly run: string;
  /** Full path of the new files of the device. */
  readonly newFolder: string;
  /** Full path of the marks of what is gone. */
  readonly goneFolder: string;
}

/** Folders for a new run of a device. */
export function newRun(place: Place, udid: string): RunFolders {
  return foldersOf(place, udid, randomUUID().slice(0, 8));
}

/** Folders of all runs of a device, of those that are open or were when their processes ended. */
export function runsOf(place: Place, udid: string): RunFolders[] {
  return place.fs.entries(storePath(place, keys.run(udid))).map(({ name }) => foldersOf(place, udid, name));
}

function foldersOf(place: Place, udid: string, name: string): RunFolders {
  const run = `${storePath(place, keys.run(udid))}/${name}`;
  return { run, newFolder: `${run}/new/${udid}`, goneFolder: `${run}/gone/${udid}` };
}

/** What the file `commit` of a run says. */
export interface CommitFile {
  readonly version: string;
  /** Paths whose time says nothing of their content. */
  readonly doubtful: readonly string[];
}

/** Bytes of that file that are believed. */
const commitLimit = 64 * 1024 * 1024;

/** What a run has said of its version. */
export function readCommit(place: Place, { run }: RunFolders): CommitFile | undefined {
  const bytes = place.fs.read(`${run}/${commitName}`, commitLimit);
  if (bytes === undefined) return undefined;
  try {
    const { version, doubtful } = JSON.parse(utf8Decode(bytes)) as Partial<Record<keyof CommitFile, unknown>>;
    if (typeof version !== 'string' || !isVersionId(version)) return undefined;
    return { version, doubtful: Array.isArray(doubtful) ? doubtful.filter((path) => typeof path === 'string') : [] };
  } catch {
    // It is put whole, so that nobody has committed with this one.
    return undefined;
  }
}
