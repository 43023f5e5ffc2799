import { hexEncode } from '../../core/bytes.js';
import { errnoOf } from '../../core/errno.js';
import { removeQuietly } from '../fs/durable.js';
import type { FileFacts, StoreFs } from '../fs/store-fs.js';
import type { TableRow } from '../format/table.js';
import { keys } from '../store/keys.js';
import { storePath, type Place } from '../store/place.js';
import type { Placement } from '../types.js';

/** Mode of objects, and of files of the newest backup that are objects at the same time. */
export const objectMode = 0o444;

/** What a disk answers that gives no more names to a file, or none at all between these folders. */
const linkRefused = new Set(['EMLINK', 'ERANGE', 'EPERM', 'ENOTSUP', 'EACCES', 'EINVAL', 'ENOSYS']);

/** Files up to this size are copied without the thread pool. */
const directBytes = 1024 * 1024;

/** Makes objects of files on the same volume, in the way of the placement. */
export class ObjectMaker {
  readonly #place: Place;
  readonly #folders = new Set<string>();
  #staged = 0;
  /** Folders in which names were made. */
  readonly touched = new Set<string>();
  /** Full paths of objects that were made, but for those that are the files themselves, by links. */
  readonly made: string[] = [];

  constructor(place: Place) {
    this.#place = place;
  }

  /** Full path of the object of a content. */
  pathOf(hash: Uint8Array): string {
    return storePath(this.#place, keys.object(hexEncode(hash)));
  }

  /**
   * Makes the file at `full`, whose content has this hash, an object, in place of a `damaged` one. In `move` placement the
   * file stays what holds the content, unless the object is to be `apart` from it.
   */
  async add(
    full: string,
    hash: Uint8Array,
    { damaged = false, apart = false }: { damaged?: boolean; apart?: boolean | undefined } = {},
  ): Promise<void> {
    const { placement } = this.#place;
    if (placement === 'move' && !apart) return;
    const object = this.#ready(hash);
    if (placement === 'link' && !damaged && this.#link(full, object) !== 'refused') return;
    await this.#viaStaging(full, object, placement);
  }

  /**
   * In `link` placement: makes the file at `full` the object of its content, unless there is one already: whether it did. The file is
   * read-only afterwards in both cases, since no object may be writable for a moment.
   */
  addByLink(full: string, hash: Uint8Array): boolean {
    return this.#place.placement === 'link' && this.#link(full, this.#ready(hash)) === 'made';
  }

  /** Makes the file at `full` the object of its content by taking it away from where it is. */
  displace(full: string, hash: Uint8Array): void {
    const { fs } = this.#place;
    const object = this.#ready(hash);
    const there = fs.facts(object);
    if (there !== undefined && there.size === fs.facts(full)?.size) {
      fs.unlink(full);
      return;
    }
    fs.setMode(full, objectMode);
    fs.rename(full, object);
    this.made.push(object);
  }

  /** Lets the object of a content share the disk with the file at `full`, which has the same content and is newer. */
  async preferFile(full: string, hash: Uint8Array, object: FileFacts): Promise<void> {
    const { placement } = this.#place;
    // Where another file of a newest backup is that object, nothing would be saved.
    if (placement !== 'clone' && !(placement === 'link' && object.links === 1)) return;
    await this.#viaStaging(full, this.#ready(hash), placement);
  }

  /**
   * Lets the file at `full` share the disk with the object of its content.
   *
   * @returns whether the file has the time of the object now
   */
  async preferObject(full: string, { hash, modifiedUs }: TableRow): Promise<boolean> {
    const { fs, placement } = this.#place;
    const staged = this.stagingPath();
    if (placement === 'link') {
      if (this.#link(this.pathOf(hash), staged) === 'refused') return false;
    } else if (placement === 'clone') {
      await copyFile(fs, { from: this.pathOf(hash), to: staged, clone: true });
      fs.setTime(staged, modifiedUs);
    } else return false;
    fs.rename(staged, full);
    return placement === 'link';
  }

  /** A name in staging that is not taken. */
  stagingPath(): string {
    const folder = storePath(this.#place, 'staging');
    this.#makeFolder(folder);
    this.#staged += 1;
    return `${folder}/${process.pid}-${Date.now().toString(36)}-${this.#staged}`;
  }

  /** Folder of a hash, made. */
  #ready(hash: Uint8Array): string {
    const object = this.pathOf(hash);
    const folder = object.slice(0, object.lastIndexOf('/'));
    this.#makeFolder(folder);
    this.touched.add(folder);
    return object;
  }

  #makeFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    this.#place.fs.makeFolder(folder);
    this.#folders.add(folder);
  }

  #link(from: string, to: string): 'made' | 'there' | 'refused' {
    const { fs } = this.#place;
    try {
      fs.setMode(from, objectMode);
      fs.link(from, to);
      return 'made';
    } catch (error) {
      const code = errnoOf(error) ?? '';
      if (code === 'EEXIST') return 'there';
      if (!linkRefused.has(code)) throw error;
      return 'refused';
    }
  }

  async #viaStaging(full: string, object: string, placement: Placement): Promise<void> {
    const { fs } = this.#place;
    const staged = this.stagingPath();
    try {
      if (placement !== 'link' || this.#link(full, staged) === 'refused') {
        await copyFile(fs, { from: full, to: staged, clone: placement === 'clone' });
        fs.setMode(staged, objectMode);
        this.made.push(object);
      }
      fs.rename(staged, object);
    } catch (error) {
      removeQuietly(fs, staged);
      throw error;
    }
  }
}

/**
 * A copy of a file with its time, which shares blocks where `clone` says so and the disk can; a large one lets others run in
 * between. `to` must not exist.
 */
export async function copyFile(
  fs: StoreFs,
  { from, to, clone, signal }: { from: string; to: string; clone: boolean; signal?: AbortSignal | undefined },
): Promise<void> {
  const facts = fs.facts(from);
  if (facts === undefined) throw Object.assign(new Error(`ENOENT: no such file, copy '${from}'`), { code: 'ENOENT' });
  if (!clone || !cloned(fs, from, to)) {
    if (facts.size <= directBytes) fs.copy(from, to);
    else await fs.copyLarge(from, to);
    signal?.throwIfAborted();
  }
  fs.setTime(to, facts.modifiedUs);
}

function cloned(fs: StoreFs, from: string, to: string): boolean {
  try {
    fs.clone(from, to);
    return true;
  } catch (error) {
    // E.g. more references to a block than the disk can count.
    if (errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EEXIST') throw error;
    removeQuietly(fs, to);
    return false;
  }
}
