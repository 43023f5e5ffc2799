import type { AbortOptions } from '../../core/abort.js';
import type { BackupSink, BackupTree } from '../../core/backup-tree.js';

/** What is in one file of a backup that is built. */
export interface FileSpec {
  /** Backup domain, e.g. `HomeDomain`. */
  domain: string;
  /** Path within the domain. Parent folders get rows of their own. */
  relativePath: string;
  /** Content: bytes, text as UTF-8, or a number of bytes to generate from the seed. Absent for folders and links. */
  content?: Uint8Array | string | { size: number } | undefined;
  /** `file` by default. */
  kind?: 'file' | 'directory' | 'symlink' | undefined;
  /** Target of a link. */
  linkTarget?: string | undefined;
  /** Permission bits, 0o644 (0o755 for folders) by default. The type bits are added. */
  mode?: number | undefined;
  userId?: number | undefined;
  groupId?: number | undefined;
  modified?: Date | undefined;
  statusChanged?: Date | undefined;
  created?: Date | undefined;
  /** 3 by default. */
  protectionClass?: number | undefined;
  extendedAttributes?: Readonly<Record<string, Uint8Array>> | undefined;
  /** Ways to damage it, after everything else was built well. */
  damage?: readonly FileDamage[] | undefined;
}

/** Damage to one file of a backup that is built. */
export type FileDamage =
  | 'content-missing'
  | 'content-empty'
  | 'content-truncated'
  | 'content-truncated-block'
  | 'padding-missing'
  | 'padding-zeros'
  | 'size-larger'
  | 'size-smaller'
  | 'size-absurd'
  | 'size-absent'
  | 'key-missing'
  | 'key-short'
  | 'key-corrupt'
  | 'class-unknown'
  | 'record-null'
  | 'record-empty'
  | 'record-truncated'
  | 'record-xml'
  | 'record-cyclic'
  | 'file-id-blob'
  | 'file-id-upper-case'
  | 'file-id-traversal'
  | 'flags-zero'
  | 'digest-wrong';

/** Result of {@link buildBackup}. */
export interface BuiltBackup {
  /** The backup, to pass to `Backup.open`. */
  readonly tree: BackupTree;
  /** The folder, where it was built on disk. */
  readonly path: string | undefined;
  /** The password; `undefined` for a plain backup. */
  readonly password: string | undefined;
  readonly udid: string;
  /** What a right reader finds, by `domain` and `relativePath`, in the order in which they were added. */
  readonly files: readonly BuiltFile[];
}

/** Ground truth of one entry. */
export interface BuiltFile {
  readonly fileId: string;
  readonly domain: string;
  readonly relativePath: string;
  readonly kind: 'file' | 'directory' | 'symlink';
  /** Plaintext size in bytes. */
  readonly size: number;
  /** Lower-case hex SHA-256 of the plaintext; `undefined` for folders and links. */
  readonly sha256: string | undefined;
  readonly damage: readonly FileDamage[];
}

/** Where to build: a new folder, a sink, or memory when absent. */
export interface BuildTarget extends AbortOptions {
  to?: string | BackupSink | undefined;
}
