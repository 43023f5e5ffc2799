// Whether dist is what the sources make. Plain JavaScript without dependencies, because none may be installed yet.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** When a file was changed, in milliseconds; 0 where there is none. */
export const changed = (path) => (existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : 0);

function newest(folder) {
  return Math.max(
    ...readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
}

/** Whether dist is there, whole, and newer than all that it is made from. */
export const isBuilt = () =>
  changed('dist/.built') >=
  Math.max(
    newest('src'),
    ...['package.json', 'tsconfig.json', 'tsconfig.build.json', 'tsup.config.ts'].map((path) => changed(path)),
  );
