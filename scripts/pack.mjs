// Packs what would be published as .tmp/package.tgz, once for all that examine it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './build-state.mjs';

const folder = join(root, '.tmp', 'package');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const { status } = spawnSync('npm pack --silent --ignore-scripts --pack-destination .tmp/package', {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
  shell: true,
});
if (status !== 0) process.exit(status ?? 1);
const [name] = readdirSync(folder);
renameSync(join(folder, name), join(root, '.tmp', 'package.tgz'));
