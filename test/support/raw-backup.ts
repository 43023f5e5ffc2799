import { memorySource } from '../../src/core/byte-source.js';
import type { BackupTree } from '../../src/core/backup-tree.js';
import { readTreeFile } from '../../src/core/memory-tree.js';
import { decryptCbc } from '../../src/crypto/cbc.js';
import { parseKeybag } from '../../src/crypto/keybag.js';
import { unlockKeybag, type UnlockedKeybag } from '../../src/crypto/unlock.js';
import { asData, asDict } from '../../src/plist/guards.js';
import { parsePlist } from '../../src/plist/parse.js';
import { PlistUid, type PlistDict, type PlistValue } from '../../src/plist/types.js';
import type { SqliteDatabase, SqliteValue } from '../../src/sqlite/driver.js';
import { pagedDriver } from '../../src/sqlite/paged/paged-driver.js';

/** A row of `Files` as it is stored. */
export interface StoredRow {
  fileID: SqliteValue;
  domain: SqliteValue;
  relativePath: SqliteValue;
  flags: SqliteValue;
  file: SqliteValue;
}

/** The bytes of a file of a tree, which must be there. */
export async function treeBytes(tree: BackupTree, path: string): Promise<Uint8Array> {
  const bytes = await readTreeFile(tree, path, { limit: 2 ** 30 });
  if (bytes === undefined) throw new Error(`${path} is not in the backup`);
  return bytes;
}

/** A property list of a tree. */
export async function treePlist(tree: BackupTree, path: string): Promise<PlistDict> {
  return dict(parsePlist(await treeBytes(tree, path)));
}

/** A value that must be a dictionary. */
export function dict(value: PlistValue | undefined): PlistDict {
  const found = asDict(value);
  if (found === undefined) throw new Error('A dictionary was expected');
  return found;
}

/** All paths of the files in a tree, sorted. */
export async function treePaths(tree: BackupTree, folder = ''): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of tree.list(folder)) {
    if (entry.kind === 'file') paths.push(entry.path);
    else paths.push(...(await treePaths(tree, entry.path)));
  }
  return paths.sort();
}

/** Every file of a tree with its content in hex, to compare two trees. */
export async function treeContents(tree: BackupTree): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  for (const path of await treePaths(tree))
    contents.set(path, Buffer.from(await treeBytes(tree, path)).toString('hex'));
  return contents;
}

/** The keybag of a backup, opened. */
export async function openKeybag(tree: BackupTree, password: string): Promise<UnlockedKeybag> {
  const bytes = asData((await treePlist(tree, 'Manifest.plist')).get('BackupKeyBag'));
  if (bytes === undefined) throw new Error('Manifest.plist has no keybag');
  return await unlockKeybag(parseKeybag(bytes), { password });
}

/** Manifest.db of a backup in the clear. */
export async function manifestBytes(tree: BackupTree, password: string | undefined): Promise<Uint8Array> {
  const stored = await treeBytes(tree, 'Manifest.db');
  const wrapped = asData((await treePlist(tree, 'Manifest.plist')).get('ManifestKey'));
  if (wrapped === undefined || password === undefined) return stored;
  return decryptCbc((await openKeybag(tree, password)).unwrapManifestKey(wrapped), stored);
}

/** Opens bytes as a database, with its WAL. */
export async function openBytes(db: Uint8Array, wal?: Uint8Array): Promise<SqliteDatabase> {
  return await pagedDriver().open({ db: memorySource(db), wal: wal === undefined ? undefined : memorySource(wal) });
}

/** The rows of a query over a database in memory. */
export async function queryBytes(
  db: Uint8Array,
  sql: string,
  wal?: Uint8Array,
): Promise<Record<string, SqliteValue>[]> {
  const database = await openBytes(db, wal);
  try {
    const rows: Record<string, SqliteValue>[] = [];
    for await (const row of database.query(sql)) rows.push(row);
    return rows;
  } finally {
    await database.close();
  }
}

/** The rows of Manifest.db in the order in which they were written. */
export async function manifestRows(tree: BackupTree, password?: string): Promise<StoredRow[]> {
  const sql = 'SELECT fileID, domain, relativePath, flags, file FROM Files ORDER BY rowid';
  return (await queryBytes(await manifestBytes(tree, password), sql)) as unknown as StoredRow[];
}

/** The members of an MBFile archive, with references to strings and data resolved. */
export function archiveMembers(file: SqliteValue): Map<string, PlistValue> {
  if (!(file instanceof Uint8Array)) throw new Error('The column file holds no archive');
  const archive = dict(parsePlist(file));
  const objects = archive.get('$objects');
  if (!Array.isArray(objects)) throw new Error('The archive has no objects');
  const members = new Map<string, PlistValue>();
  for (const [name, value] of dict(objects[1])) {
    const target = value instanceof PlistUid ? objects[value.value] : value;
    const data = asDict(target)?.get('NS.data');
    members.set(name, data ?? target ?? '$missing');
  }
  return members;
}
