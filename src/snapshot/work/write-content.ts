import { createHash } from 'node:crypto';
import type { AbortOptions } from '../../core/abort.js';
import { hexEncode } from '../../core/bytes.js';
import { errnoOf } from '../../core/errno.js';
import { SnapshotError } from '../../core/errors.js';
import type { StoreFs } from '../fs/store-fs.js';
import type { TableRow } from '../format/table.js';
import { keys } from '../store/keys.js';
import type { Site } from '../store/site.js';
import type { StoreHelper } from '../thread/store-helper.js';
import { patchFile } from './patch-file.js';

/** A file to be made. */
export interface OneFile {
  readonly row: TableRow;
  readonly full: string;
}

/** {@link patchFile}, which leaves nothing behind where another program has moved something meanwhile. */
export async function tryToPatch(
  site: Site,
  fs: StoreFs,
  file: OneFile & AbortOptions & { helper: StoreHelper | undefined },
): Promise<boolean> {
  try {
    return await patchFile(site, fs, file);
  } catch (error) {
    fs.unlink(file.full);
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Writes a file anew, wherever its content lies, and checks its hash on the way. */
export async function writeContent(
  site: Site,
  fs: StoreFs,
  { row, full, signal }: OneFile & AbortOptions,
): Promise<void> {
  const source = await site.contents.open(row, { signal });
  try {
    const writer = fs.create(full);
    const hash = createHash('sha256');
    try {
      for await (const chunk of source.stream(undefined, { signal })) {
        hash.update(chunk);
        writer.write(chunk);
      }
    } finally {
      writer.close();
    }
    if (!hash.digest().equals(row.hash))
      throw new SnapshotError('SNAPSHOT_CORRUPT', `The content of ${row.path} is damaged`, {
        part: keys.object(hexEncode(row.hash)),
      });
    fs.setTime(full, row.modifiedUs);
  } catch (error) {
    fs.unlink(full);
    throw error;
  } finally {
    await source.close();
  }
}
