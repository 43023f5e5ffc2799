// Keeps the documentation true: every ```ts fence of README.md and docs/ type-checks against the sources, every fence marked
// ```ts run and every numbered example is executed in a folder with a built backup, and every relative link leads somewhere.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { buildBackup, sampleBackupSpec } from '../src/entry/testing.js';

const root = resolve(import.meta.dirname, '..');
const work = join(root, '.tmp', 'docs');
const problems: string[] = [];

const pages = [
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');

const anchors = (text: string): Set<string> =>
  new Set([...text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/^#{1,6} (.+)$/gm)].map((match) => slug(match[1] ?? '')));

function checkLinks(page: string, text: string): void {
  for (const match of text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
    const target = match[1] ?? '';
    if (/^[a-z]+:/.test(target)) continue;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? join(root, page) : resolve(root, dirname(page), path);
    if (!existsSync(file)) problems.push(`${page}: ${target} does not exist`);
    else if (anchor !== undefined && file.endsWith('.md') && !anchors(readFileSync(file, 'utf8')).has(anchor)) {
      problems.push(`${page}: ${target} has no such heading`);
    }
  }
}

rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
const runnable: { file: string; page: string }[] = [];
let fences = 0;
for (const name of readdirSync(join(root, 'examples'))) {
  if (/^\d/.test(name)) runnable.push({ file: join(root, 'examples', name), page: 'examples' });
}
for (const page of pages) {
  const text = readFileSync(join(root, page), 'utf8');
  checkLinks(page, text);
  for (const [index, match] of [...text.matchAll(/^```ts( run)?\n([\s\S]*?)^```$/gm)].entries()) {
    fences += 1;
    const file = join(work, `${page.replaceAll(/[/.]/g, '-')}-${index}.ts`);
    writeFileSync(file, `export {};\n${match[2] ?? ''}`);
    if (match[1] !== undefined) runnable.push({ file, page });
  }
}

writeFileSync(
  join(work, 'tsconfig.json'),
  JSON.stringify({
    extends: '../../tsconfig.json',
    compilerOptions: { noUnusedLocals: false },
    include: ['*.ts', '../../src/**/*.d.ts'],
  }),
);
const run = (
  args: string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): { status: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', ...options });
  return { status, output: `${stdout}${stderr}` };
};
const types = run([join(root, 'node_modules/typescript/bin/tsc'), '-p', work], { cwd: root });
if (types.status !== 0) problems.push(`Documentation does not type-check:\n${types.output}`);

const place = mkdtempSync(join(tmpdir(), 'ios-backup-kit-docs-'));
try {
  const password = 'correct horse';
  await buildBackup(
    { ...sampleBackupSpec({ seed: 1 }), encrypted: true, password, kdf: 'fast' },
    { to: join(place, 'my-backup') },
  );
  for (const { file, page } of runnable) {
    const { status, output } = run(['--import', join(root, 'node_modules/tsx/dist/esm/index.mjs'), file], {
      cwd: place,
      env: { ...process.env, IOS_BACKUP_PASSWORD: password, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json') },
    });
    if (status !== 0) problems.push(`${page}: ${relative(root, file)} failed:\n${output}`);
  }
} finally {
  rmSync(place, { recursive: true, force: true });
}

for (const problem of problems) console.error(problem);
console.log(
  `${pages.length} pages, ${fences} programs type-checked, ${runnable.length} run, ${problems.length} problems`,
);
process.exitCode = problems.length > 0 ? 1 : 0;
