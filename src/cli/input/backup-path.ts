import { UsageError } from '../failures.js';

/** A place in a backup. */
export interface BackupPath {
  /** `undefined` for the backup's top, where the domains are. */
  readonly domain: string | undefined;
  /** `''` for the domain's root folder. */
  readonly relativePath: string;
}

/**
 * Reads `/<Domain>/<relativePath>`. The slash in front may be left out, slashes at the end do not count.
 *
 * @throws {@link UsageError} for empty components, `.` and `..`.
 */
export function parseBackupPath(path: string): BackupPath {
  const trimmed = path.replace(/^\//, '').replace(/\/+$/, '');
  if (trimmed === '') return { domain: undefined, relativePath: '' };
  const [domain, ...components] = trimmed.split('/');
  if ([domain, ...components].some((part) => part === '' || part === '.' || part === '..')) {
    throw new UsageError(
      `${path} is not a path of a backup; write it as /<Domain>/<path>, for example /HomeDomain/Library`,
    );
  }
  return { domain, relativePath: components.join('/') };
}

/** The path of an entry as {@link parseBackupPath} reads it. */
export function formatBackupPath({ domain, relativePath }: { domain: string; relativePath: string }): string {
  return relativePath === '' ? `/${domain}` : `/${domain}/${relativePath}`;
}
