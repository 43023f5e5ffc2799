// Installs the dependencies when they are missing or older than package-lock.json, and builds when the sources are newer
// than dist: so that `npm test` and `npm run demo` work straight after a clone, and cost nothing later.
// Plain JavaScript without dependencies, because none may be installed yet.
import { spawnSync } from 'node:child_process';
import { changed, isBuilt, root } from './build-state.mjs';

function run(args) {
  console.error(`> npm ${args.join(' ')}`);
  // npm gives its own path to the scripts that it runs; started by hand, `npm` is looked up as usual.
  const cli = process.env.npm_execpath;
  const { status } = cli?.endsWith('.js')
    ? spawnSync(process.execPath, [cli, ...args], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(status ?? 1);
}

// Not `npm ci`: it refuses a lock file that lacks the packages of other platforms, as one written on this platform may.
if (changed('node_modules/.package-lock.json') < changed('package-lock.json')) {
  run(['install', '--no-save', '--no-fund', '--no-audit']);
}
if (!isBuilt()) run(['run', '--silent', 'build']);
