import type { AbortOptions } from '../core/abort.js';
import { utf8Encode } from '../core/bytes.js';
import { FormatError } from '../core/errors.js';
import { deobfuscateRecord } from '../crypto/legacy-manifest.js';
import type { SqliteDatabase, SqliteValue } from '../sqlite/driver.js';
import { type DecodeRecord, plainRecord } from './database-row.js';

/** Length in bytes of the key of obfuscated records. */
export const recordKeyBytes = 16;

/**
 * The salt of obfuscated records, which encrypted backups of iOS 10.0 have; `undefined` where records are plain.
 * Told by the records themselves: they are text there. Format facts: docs/format/manifest-db.md.
 *
 * @throws {@link FormatError} where records are obfuscated and there is no salt
 */
export async function findObfuscation(db: SqliteDatabase, options: AbortOptions): Promise<Uint8Array | undefined> {
  const columns = await db.columns('Files', options);
  if (!columns.some((name) => name.toLowerCase() === 'file')) return undefined;
  // Placeholder rows of an interrupted run have no record: look at several.
  const first = `SELECT file FROM Files WHERE length(file) > 0 LIMIT 8`;
  let isObfuscated = false;
  for await (const batch of db.queryBatches(first, [], options)) {
    isObfuscated ||= batch.some(([file]) => typeof file === 'string' && !isArchiveText(file));
  }
  if (!isObfuscated) return undefined;
  const salt = await findSalt(db, options);
  if (salt !== undefined) return salt;
  throw new FormatError('FORMAT_INVALID', 'The records of Manifest.db are obfuscated, and it has no salt for them', {
    format: 'mbfile',
  });
}

async function findSalt(db: SqliteDatabase, options: AbortOptions): Promise<Uint8Array | undefined> {
  if ((await db.columns('Properties', options)).length === 0) return undefined;
  let salt: SqliteValue | undefined;
  for await (const batch of db.queryBatches(`SELECT value FROM Properties WHERE key = 'salt'`, [], options)) {
    salt = batch[0]?.[0];
  }
  if (typeof salt === 'string') return utf8Encode(salt);
  return salt instanceof Uint8Array ? salt : undefined;
}

/** Reads records that are obfuscated with `key`, and plain ones beside them. */
export function obfuscatedRecords(key: Uint8Array): DecodeRecord {
  return (value) =>
    typeof value === 'string' && !isArchiveText(value) ? deobfuscateRecord(key, value) : plainRecord(value);
}

/** Whether a text is an archive by itself, in its XML form. */
const isArchiveText = (text: string): boolean => text === '' || text.startsWith('<') || text.startsWith('bplist');
