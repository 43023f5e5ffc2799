import type { AbortOptions } from '../core/abort.js';
import type { BackupTree } from '../core/backup-tree.js';
import { BackupSessionError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { readTreeFile } from '../core/memory-tree.js';
import { asBoolean, asDict, asString } from '../plist/guards.js';
import { parsePlist } from '../plist/parse.js';
import type { PlistDict } from '../plist/types.js';

/** What the property lists beside a backup's content say. FORMAT facts: docs/format/device-link.md. */
export interface BackupState {
  /** Whether the backup's own record says that it was finished. */
  readonly isFinished: boolean;
  /** The state in the device's words, e.g. `uploading`; `undefined` where there is no Status.plist that can be read. */
  readonly snapshotState: string | undefined;
  /** Whether the device says that this run was a full one; not dependable on all releases. */
  readonly isFull: boolean | undefined;
  /** Whether a manifest is there, with content. */
  readonly hasManifest: boolean;
  /** `undefined` where there is no Manifest.plist that can be read. */
  readonly isEncrypted: boolean | undefined;
}

/** The state of the backup in a folder of a tree. Never throws for what the files hold: what cannot be read is unknown. */
export async function readBackupState(
  tree: BackupTree,
  folder: string,
  options: AbortOptions = {},
): Promise<BackupState> {
  const status = await readMetadata(tree, `${folder}/Status.plist`, options);
  const manifest = await readMetadata(tree, `${folder}/Manifest.plist`, options);
  const snapshotState = asString(status?.get('SnapshotState'));
  const databases = [`${folder}/Manifest.db`, `${folder}/Manifest.mbdb`];
  const sizes = await Promise.all(databases.map(async (path) => await sizeOf(tree, path, options)));
  return {
    snapshotState,
    isFinished: snapshotState === 'finished',
    isFull: asBoolean(status?.get('IsFullBackup')),
    hasManifest: manifest !== undefined && sizes.some((size) => size !== undefined && size > 0),
    isEncrypted: manifest === undefined ? undefined : (asBoolean(manifest.get('IsEncrypted')) ?? false),
  };
}

/** A property list beside a backup's content; `undefined` where there is none that can be read. */
export async function readMetadata(
  tree: BackupTree,
  path: string,
  { signal }: AbortOptions,
): Promise<PlistDict | undefined> {
  const bytes = await readTreeFile(tree, path, { signal, limit: limits.plistBytes });
  if (bytes === undefined || bytes.length === 0) return undefined;
  try {
    return asDict(parsePlist(bytes));
  } catch {
    return undefined;
  }
}

/** @throws BackupSessionError `BACKUP_INCOMPLETE` where the backup was not finished, or lacks what makes it one */
export function requireFinished(state: BackupState, what: string): void {
  if (state.isFinished && state.hasManifest) return;
  const why = state.isFinished
    ? 'its manifest is missing or empty'
    : `its state is ${state.snapshotState === undefined ? 'unknown' : `"${state.snapshotState.slice(0, 40)}"`}`;
  throw new BackupSessionError('BACKUP_INCOMPLETE', `${what}: ${why}; make a new backup`);
}

/** Size of a file in bytes; `undefined` where there is none. */
export async function sizeOf(tree: BackupTree, path: string, options?: AbortOptions): Promise<number | undefined> {
  const source = await tree.open(path, options);
  await source?.close();
  return source?.size;
}
