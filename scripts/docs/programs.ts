// Compiles and runs the programs of the documentation the way a user's are: against the built package, which they import by its
// name, as any file within a package may.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, workFolder, type Program } from './pages.js';

const work = join(root, workFolder);
const runner = join('scripts', 'docs', 'runner.ts');

const compiled = (file: string): string => join(work, 'out', file.replace(/\.ts$/, '.js'));

function node(args: string[], options: { cwd: string; env?: NodeJS.ProcessEnv }): { ok: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', ...options });
  return { ok: status === 0, output: `${stdout}${stderr}` };
}

/** Type-checks the programs against the declarations of the package, and writes them as JavaScript. Gives what is wrong. */
export function compile(programs: readonly Program[]): string[] {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  for (const { file, text } of programs) if (text !== undefined) writeFileSync(join(root, file), text);
  writeFileSync(
    join(work, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.json',
      compilerOptions: {
        noUnusedLocals: false,
        noEmit: false,
        declaration: false,
        inlineSourceMap: true,
        rootDir: root,
        outDir: 'out',
        // Not the sources: what users get.
        paths: {},
      },
      include: [],
      files: [runner, ...programs.map(({ file }) => file)].map((file) => join(root, file)),
    }),
  );
  const types = node([join(root, 'node_modules/typescript/bin/tsc'), '-p', work], { cwd: root });
  return types.ok ? [] : [`Documentation does not type-check:\n${types.output}`];
}

/** Runs those that are to be run, in a folder with a backup. Gives what is wrong. */
export function execute(programs: readonly Program[]): string[] {
  const place = mkdtempSync(join(tmpdir(), 'ios-backup-kit-docs-'));
  try {
    const files = programs.filter(({ isRun }) => isRun).map(({ file }) => compiled(file));
    const { ok, output } = node(['--enable-source-maps', compiled(runner), ...files], {
      cwd: place,
      env: { ...process.env, IOS_BACKUP_PASSWORD: 'correct horse' },
    });
    return ok ? [] : [output];
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
