import { join } from 'node:path';
import { isBuilt } from '../../scripts/build-state.mjs';

const root = join(import.meta.dirname, '../..');

/**
 * What Node.js is given to run the command `ios-backup` in a process of its own: the built one, as users have it, which
 * starts several times as fast; the sources where they are newer than it, so that no test runs what was.
 */
export const iosBackup: readonly string[] = isBuilt()
  ? [join(root, 'dist/cli.js')]
  : ['--import', 'tsx', join(root, 'src/cli/main.ts')];
