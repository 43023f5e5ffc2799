import { createHash } from 'node:crypto';
import { Backup, type OpenBackupOptions } from '../../src/manifest/backup.js';
import type { BackupFile, BackupIssue } from '../../src/manifest/types.js';
import type { BackupSpec } from '../../src/testing/backup-builder/backup-spec.js';
import { buildBackup } from '../../src/testing/backup-builder/build-backup.js';

/** All items of an async iterable. */
export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A backup that is built and opened at once. */
export async function openBuilt(spec: BackupSpec, options: OpenBackupOptions = {}): Promise<Backup> {
  const built = await buildBackup(spec);
  return await Backup.open(built.tree, { password: built.password, ...options });
}

/** Collects issues. */
export function issueLog(): { issues: BackupIssue[]; onIssue: (issue: BackupIssue) => void } {
  const issues: BackupIssue[] = [];
  return { issues, onIssue: (issue) => void issues.push(issue) };
}

/** `domain/path` of files, in their order. */
export const names = (files: readonly BackupFile[]): string[] =>
  files.map(({ domain, relativePath }) => `${domain}/${relativePath}`);

/** Code of the error that a call fails with. */
export async function codeOf(failing: Promise<unknown>): Promise<unknown> {
  try {
    await failing;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return 'no error';
}
