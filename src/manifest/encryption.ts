import type { AbortOptions } from '../core/abort.js';
import type { BackupTree } from '../core/backup-tree.js';
import { latin1Decode } from '../core/bytes.js';
import { isBackupKitError } from '../core/errors.js';
import type { Manifest, ManifestRow } from './manifest.js';

/** Rows that are looked at, and contents among them. */
const sampledRows = 128;
const sampledContents = 16;
/** Bytes from the start of a content that tell a known format. */
const headBytes = 16;

/** What a SQLite database begins with. */
export const sqliteMagic = 'SQLite format 3\0';

/** Beginnings of formats that are common in backups. By chance, one in four billion encrypted contents has one of these. */
const knownBeginnings = [sqliteMagic, 'bplist0', '<?xml', '\u0089PNG', '\u00ff\u00d8\u00ff', 'GIF8', '%PDF'] as const;

/**
 * Whether the contents of a backup are encrypted whose manifest is readable as it lies there. `undefined` where it does not
 * show: there are keys, and none of the contents that were looked at is clearly one or the other.
 *
 * Keys in the records are not enough: copies that some tool decrypted keep them. The stored length tells: padding makes an
 * encrypted content longer than its file by 1 to 16 bytes, up to a multiple of 16.
 */
export async function contentsAreEncrypted(
  tree: BackupTree,
  manifest: Manifest,
  options: AbortOptions,
): Promise<boolean | undefined> {
  const rows = await manifest.sample(sampledRows, options);
  const withKeys = rows.filter(hasKey);
  if (withKeys.length === 0) return false;
  let votes = 0;
  let contents = 0;
  for (const row of withKeys) {
    const stored = await readHead(tree, row, options);
    if (stored === undefined || stored.size === 0) continue;
    votes += voteOf(stored, statedSize(row));
    if (++contents === sampledContents) break;
  }
  return votes === 0 ? undefined : votes > 0;
}

/** 1 for encrypted, -1 for plain, 0 where it could be either. */
function voteOf({ size, head }: { size: number; head: string }, stated: number | undefined): number {
  if (size % 16 !== 0 || knownBeginnings.some((beginning) => head.startsWith(beginning))) return -1;
  if (stated === undefined) return 0;
  if (size === stated) return -1;
  return size === stated + 16 - (stated % 16) ? 1 : 0;
}

async function readHead(
  tree: BackupTree,
  row: ManifestRow,
  options: AbortOptions,
): Promise<{ size: number; head: string } | undefined> {
  for (const name of row.id.blobNames) {
    for (const path of [`${name.slice(0, 2)}/${name}`, name]) {
      const source = await tree.open(path, options);
      if (source === undefined) continue;
      try {
        return { size: source.size, head: latin1Decode(await source.read(0, headBytes, options)) };
      } finally {
        await source.close();
      }
    }
  }
  return undefined;
}

function hasKey(row: ManifestRow): boolean {
  try {
    return row.record()?.data('EncryptionKey') !== undefined;
  } catch (error) {
    if (isBackupKitError(error)) return false;
    throw error;
  }
}

function statedSize(row: ManifestRow): number | undefined {
  try {
    const size = row.record()?.number('Size');
    return typeof size === 'number' ? size : undefined;
  } catch (error) {
    if (isBackupKitError(error)) return undefined;
    throw error;
  }
}
