import { createHash } from 'node:crypto';
import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { hexEncode } from '../../core/bytes.js';
import { isBackupKitError } from '../../core/errors.js';
import { removeQuietly } from '../fs/durable.js';
import { ObjectMaker } from '../run/make-object.js';
import { emptyHash, keys } from '../store/keys.js';
import type { Place } from '../store/place.js';
import type { Site } from '../store/site.js';

/** Options of {@link putContent}. */
export interface PutContentOptions extends AbortOptions {
  /** Time that the object gets, so that the version it comes with can be opened by links. */
  readonly modifiedUs: number;
}

/** A content that is part of the store. */
export interface StoredContent {
  readonly hash: Buffer;
  readonly size: number;
  /** Full path of the object that was made; `undefined` where it was there, or there is no folder. */
  readonly path?: string | undefined;
}

/** Makes a content part of the store, unless it is there. In a folder it is on the disk only after a barrier. */
export async function putContent(site: Site, source: ByteSource, options: PutContentOptions): Promise<StoredContent> {
  const place = site.local?.place;
  return place === undefined ? await putBlob(site, source, options) : await putFile(site, { place, source }, options);
}

/** Whether the store has a content. */
async function has(site: Site, hash: Uint8Array, size: number, options: AbortOptions): Promise<boolean> {
  try {
    const found = await site.contents.find({ hash, size }, options);
    await found?.close();
    return found !== undefined;
  } catch (error) {
    // It lies there sealed, and nobody has the key now: a second time does no harm.
    if (isBackupKitError(error, 'SNAPSHOT_SECRET_REQUIRED')) return false;
    throw error;
  }
}

/** In one pass: received under another name, and named when its hash is known. */
async function putFile(
  site: Site,
  { place, source }: { place: Place; source: ByteSource },
  { modifiedUs, signal }: PutContentOptions,
): Promise<StoredContent> {
  const objects = new ObjectMaker(place);
  const staged = objects.stagingPath();
  const hash = createHash('sha256');
  let size = 0;
  try {
    const writer = place.fs.create(staged);
    try {
      for await (const chunk of source.stream(undefined, { signal })) {
        hash.update(chunk);
        writer.write(chunk);
        size += chunk.length;
      }
    } finally {
      writer.close();
    }
    const digest = hash.digest();
    if (size === 0 || (await has(site, digest, size, { signal }))) {
      place.fs.unlink(staged);
      return { hash: digest, size };
    }
    place.fs.setTime(staged, modifiedUs);
    objects.displace(staged, digest);
    return { hash: digest, size, path: objects.pathOf(digest) };
  } catch (error) {
    removeQuietly(place.fs, staged);
    throw error;
  }
}

/** In two passes: object stores want to know size and hash beforehand. */
async function putBlob(site: Site, source: ByteSource, { signal }: PutContentOptions): Promise<StoredContent> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of source.stream(undefined, { signal })) {
    hash.update(chunk);
    size += chunk.length;
  }
  const digest = hash.digest();
  const name = hexEncode(digest);
  if (name === emptyHash || (await has(site, digest, size, { signal }))) return { hash: digest, size };
  await site.blobs.put(keys.object(name), source.stream(undefined, { signal }), { size, sha256: digest, signal });
  return { hash: digest, size };
}
