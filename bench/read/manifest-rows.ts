import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSource } from '../../src/core/byte-source.js';
import { hexEncode } from '../../src/core/bytes.js';
import { asData, asDict, asUid } from '../../src/plist/guards.js';
import { parsePlist } from '../../src/plist/parse.js';
import { pagedDriver } from '../../src/sqlite/paged/paged-driver.js';
import { decryptManifest, type BenchBackup } from './generate.js';

/** What bare Node knows of one file. */
export interface BareFile {
  /** Path of the blob in the backup. */
  blob: string;
  /** Key, hexadecimal. */
  key: string;
  /** Path below the target. */
  name: string;
}

/** The unwrapped key out of an MBFile archive, by the general property-list reader. */
function keyOf(record: Uint8Array, backup: BenchBackup): string {
  const objects = asDict(parsePlist(record))?.get('$objects');
  if (!Array.isArray(objects)) throw new Error('Not an archive');
  const holder = asDict(objects[asUid(asDict(objects[1])?.get('EncryptionKey')) ?? 0]);
  const wrapped = asData(holder?.get('NS.data'));
  if (wrapped === undefined) throw new Error('No key');
  return hexEncode(backup.unwrap(wrapped));
}

/** All regular files of a generated backup. */
export async function* manifestRows(backup: BenchBackup): AsyncGenerator<BareFile, void, undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-manifest-'));
  try {
    const plain = join(folder, 'Manifest.db');
    await decryptManifest(backup, plain);
    const db = await fileSource(plain);
    const database = await pagedDriver().open({ db });
    for await (const row of database.query('SELECT fileID, domain, relativePath, file FROM Files WHERE flags = 1')) {
      const { fileID, domain, relativePath, file } = row;
      if (typeof fileID !== 'string' || !(file instanceof Uint8Array)) throw new Error('Not a row of ours');
      yield {
        blob: `${fileID.slice(0, 2)}/${fileID}`,
        key: keyOf(file, backup),
        name: `${String(domain)}/${String(relativePath)}`,
      };
    }
    await database.close();
    await db.close();
  } finally {
    await rm(folder, { recursive: true });
  }
}
