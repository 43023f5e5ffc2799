import { escapeName } from './safe-name.js';
import type { NameRules } from './types.js';

/**
 * What a symbolic link in the output may point to; `undefined` where it would, or could, leave the target.
 *
 * `folders` is the number of folders between the target and the link. A link is safe where it climbs at most that far and
 * only at its beginning: a `..` after a name could climb out by way of another link. Names are escaped like those of files.
 */
export function safeLinkTarget(
  target: string | undefined,
  at: { folders: number; rules: NameRules },
): string | undefined {
  if (target === undefined || target === '' || target.startsWith('/')) return undefined;
  const components = target.split('/').filter((component) => component !== '.' && component !== '');
  const climbs = components.findIndex((component) => component !== '..');
  const up = climbs === -1 ? components.length : climbs;
  const names = components.slice(up);
  if (up > at.folders || names.includes('..')) return undefined;
  const safe = [...components.slice(0, up), ...names.map((name) => escapeName(name, at.rules))];
  return safe.length === 0 ? undefined : safe.join('/');
}
