import type { BackupFile, FileRef } from '../types.js';
import type { ExtractLayout } from './types.js';

/**
 * The components of an entry's output path before they are made safe; none for a folder that is the target itself.
 * Components may be empty or anything else: they come from the backup.
 */
export function layoutComponents(
  entry: Pick<BackupFile, 'domain' | 'relativePath' | 'kind'>,
  layout: ExtractLayout,
  pathPrefix = '',
): string[] {
  const isFolder = entry.kind === 'directory';
  const isNameless = entry.relativePath === '' && isFolder;
  const components = isNameless ? [] : entry.relativePath.split('/');
  switch (layout) {
    case 'domain':
      return [entry.domain, ...components];
    case 'path':
      return components;
    case 'relative': {
      const prefix = pathPrefix === '' ? [] : pathPrefix.replace(/\/$/, '').split('/');
      const isBelow = prefix.every((component, index) => components[index] === component);
      // A file that is the prefix itself keeps its name.
      return isBelow
        ? components.slice(isFolder ? prefix.length : Math.min(prefix.length, components.length - 1))
        : components;
    }
    case 'flat':
      return isFolder ? [] : components.slice(-1);
  }
}

/** The entry of the backup that a folder of the output stands for, from its components. */
export function folderRef(components: readonly string[], layout: ExtractLayout): FileRef {
  const [domain = '', ...path] = layout === 'domain' ? components : ['', ...components];
  return { domain, relativePath: path.join('/') };
}
