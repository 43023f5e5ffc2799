import { unsafePathReason } from '../../core/safe-path.js';

/** Domains whose files have no digest; all others have one. FORMAT facts: docs/format/manifest-db.md. */
const withoutDigest =
  /^(AppDomain|AppDomainGroup|AppDomainPlugin|AppDomainPlaceholder|SysContainerDomain|SysSharedContainerDomain)-/;
const namedWithoutDigest: ReadonlySet<string> = new Set([
  'CameraRollDomain',
  'MediaDomain',
  'TonesDomain',
  'BooksDomain',
]);

/** Whether records of files of this domain carry a digest of the stored bytes. */
export function domainHasDigests(domain: string): boolean {
  return !namedWithoutDigest.has(domain) && !withoutDigest.test(domain);
}

/**
 * Paths of the folders around an entry, from the domain's root (`''`) down. None for the root itself, and none for a hostile
 * path, which has no meaningful parents.
 */
export function parentFolders(relativePath: string): string[] {
  if (relativePath === '' || unsafePathReason(relativePath) !== undefined) return [];
  const parents = [''];
  for (let slash = relativePath.indexOf('/'); slash >= 0; slash = relativePath.indexOf('/', slash + 1)) {
    parents.push(relativePath.slice(0, slash));
  }
  return parents;
}
