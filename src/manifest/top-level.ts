import type { AbortOptions } from '../core/abort.js';
import type { BackupTree } from '../core/backup-tree.js';
import type { ByteSource } from '../core/byte-source.js';
import { isBackupKitError, ManifestError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { readTreeFile } from '../core/memory-tree.js';
import { asDict } from '../plist/guards.js';
import { parsePlist } from '../plist/parse.js';
import type { PlistDict } from '../plist/types.js';

/** The three property lists at the top of a backup, none of which is needed to read a plain one. */
export interface TopLevelPlists {
  readonly info: PlistDict | undefined;
  readonly manifest: PlistDict | undefined;
  readonly status: PlistDict | undefined;
  /** What is missing or unreadable, in full sentences. */
  readonly warnings: readonly string[];
}

/**
 * Reads Info.plist, Manifest.plist and Status.plist, binary or XML. Where a run did not end, Manifest.plist may be in
 * Snapshot/ only.
 */
export async function readTopLevelPlists(tree: BackupTree, options: AbortOptions): Promise<TopLevelPlists> {
  const warnings: string[] = [];
  const read = async (...paths: string[]): Promise<PlistDict | undefined> => {
    let warning = `${paths[0]} is missing.`;
    for (const path of paths) {
      const bytes = await readTreeFile(tree, path, { limit: limits.plistBytes, signal: options.signal });
      if (bytes === undefined) continue;
      const dict = readDict(bytes);
      if (typeof dict !== 'string') {
        if (path !== paths[0]) warnings.push(`${warning.slice(0, -1)}; ${path} takes its place.`);
        return dict;
      }
      warning = `${path} cannot be read: ${dict}.`;
    }
    warnings.push(warning);
    return undefined;
  };
  const info = await read('Info.plist');
  const manifest = await read('Manifest.plist', 'Snapshot/Manifest.plist');
  const status = await read('Status.plist');
  return { info, manifest, status, warnings };
}

/** The dictionary in a property list, or why there is none. */
function readDict(bytes: Uint8Array): PlistDict | string {
  try {
    return asDict(parsePlist(bytes)) ?? 'it holds no dictionary';
  } catch (error) {
    if (isBackupKitError(error)) return error.message;
    throw error;
  }
}

/** The manifest of a backup, as it is stored. */
export interface StoredManifest {
  readonly kind: 'database' | 'mbdb';
  /** Path in the tree. */
  readonly path: string;
}

const manifestPaths: readonly StoredManifest[] = [
  { kind: 'database', path: 'Manifest.db' },
  { kind: 'mbdb', path: 'Manifest.mbdb' },
  { kind: 'database', path: 'Snapshot/Manifest.db' },
  { kind: 'mbdb', path: 'Snapshot/Manifest.mbdb' },
];

/**
 * Finds the manifest by what is there, never by what a version says. One without content counts only where there is no
 * other; `undefined` where there is none at all.
 */
export async function findManifest(tree: BackupTree, options: AbortOptions): Promise<StoredManifest | undefined> {
  let empty: StoredManifest | undefined;
  for (const manifest of manifestPaths) {
    const source = await tree.open(manifest.path, options);
    if (source === undefined) continue;
    const { size } = source;
    await source.close();
    if (size > 0) return manifest;
    empty ??= manifest;
  }
  return empty;
}

/** Whether a folder is a backup, by what is at its top; never by its name, which people change. `''` is the tree's own top. */
export async function isBackup(tree: BackupTree, options: AbortOptions, folder = ''): Promise<boolean> {
  for (const name of ['Manifest.plist', 'Manifest.db', 'Manifest.mbdb', 'Info.plist']) {
    const source = await tree.open(folder === '' ? name : `${folder}/${name}`, options);
    await source?.close();
    if (source !== undefined) return true;
  }
  return false;
}

/** Names of the folders at the top that are backups. */
export async function backupsBelow(tree: BackupTree, options: AbortOptions): Promise<string[]> {
  const names: string[] = [];
  for await (const { kind, path } of tree.list('', options)) {
    if (kind === 'directory' && (await isBackup(tree, options, path))) names.push(path);
  }
  return names.toSorted();
}

/** Whether the top folder has files of iPhone OS 1 to 3, whose manifest is spread over one .mdinfo file for each file. */
export async function hasMdinfoFiles(tree: BackupTree, options: AbortOptions): Promise<boolean> {
  for await (const { kind, path } of tree.list('', options)) {
    if (kind === 'file' && path.endsWith('.mdinfo')) return true;
  }
  return false;
}

/** Opens a file that was there a moment ago. */
export async function openTreeFile(tree: BackupTree, path: string, options: AbortOptions): Promise<ByteSource> {
  const source = await tree.open(path, options);
  if (source !== undefined) return source;
  throw new ManifestError('MANIFEST_NOT_A_BACKUP', `${path} has vanished from the backup`);
}
