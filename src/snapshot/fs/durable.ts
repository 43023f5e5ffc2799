import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { yieldToEventLoop } from '../../core/abort.js';
import { ioError } from '../../core/errors.js';
import type { StoreFs } from './store-fs.js';

/** Calls that bring one name to the disk, between two turns of the event loop: each may take milliseconds. */
const syncsPerTurn = 16;

/**
 * Puts a small file at `path`, over what is there, whole or not at all; it is on the disk when the call ends. `staging` is a
 * folder on the same volume.
 *
 * @throws IoError of any code.
 */
export function putDurable(
  fs: StoreFs,
  { staging, path, bytes }: { staging: string; path: string; bytes: Uint8Array },
): void {
  const draft = join(staging, randomUUID());
  try {
    makeFolderDurable(fs, staging);
    makeFolderDurable(fs, dirname(path));
    const writer = fs.create(draft);
    try {
      writer.write(bytes);
      writer.sync();
    } finally {
      writer.close();
    }
    fs.rename(draft, path);
    fs.sync(dirname(path));
  } catch (error) {
    removeQuietly(fs, draft);
    throw ioError(error, path, 'writing');
  }
}

/** Makes a folder and those above it, and brings their names to the disk; does nothing where it is there. Errors of the system. */
export function makeFolderDurable(fs: StoreFs, path: string): void {
  const made: string[] = [];
  for (let at = path; fs.facts(at) === undefined && dirname(at) !== at; at = dirname(at)) made.push(at);
  if (made.length === 0) return;
  fs.makeFolder(path);
  for (const folder of made) fs.sync(dirname(folder));
}

/**
 * Brings what is new to the disk: the whole volume of `folder` at once where the system can, else each of the `changed` files
 * and folders, and the folders that hold them, up to `folder`. What is gone by then is left out.
 *
 * @throws IoError of any code.
 */
export async function barrier(fs: StoreFs, folder: string, changed: Iterable<string>): Promise<void> {
  if (await fs.syncVolume(folder)) return;
  const folders = new Set<string>();
  let done = 0;
  const bring = async (path: string): Promise<void> => {
    try {
      if (fs.facts(path) !== undefined) fs.sync(path);
    } catch (error) {
      throw ioError(error, path, 'syncing');
    }
    done += 1;
    if (done % syncsPerTurn === 0) await yieldToEventLoop();
  };
  for (const path of changed) {
    for (let at = dirname(path); !folders.has(at); at = dirname(at)) {
      folders.add(at);
      if (!at.startsWith(`${folder}/`)) break;
    }
    await bring(path);
  }
  // Names after contents: a name must not be on the disk before what it names.
  for (const path of [...folders].sort((a, b) => b.length - a.length)) await bring(path);
}

/** Removes a draft after a failure, which is the one to report. */
export function removeQuietly(fs: StoreFs, path: string): void {
  try {
    fs.unlink(path);
  } catch {
    // The staging folder is emptied when the store is opened.
  }
}
